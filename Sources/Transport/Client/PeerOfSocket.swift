import CCurl
import Glibc
import PolluxCore

/// Reads the address that libcurl is about to connect to.
enum PeerOfSocket {
    /// - Returns: `nil` for anything but a whole IPv4 or IPv6 address.
    static func read(_ address: UnsafeMutablePointer<curl_sockaddr>) -> (address: IPAddress, port: Int)? {
        // The structure ends in a `sockaddr`, which is only the beginning of the real one: it is read in place.
        guard let offset = MemoryLayout<curl_sockaddr>.offset(of: \.addr) else { return nil }
        let start = UnsafeRawPointer(address) + offset
        return read(UnsafeRawBufferPointer(start: start, count: Int(address.pointee.addrlen)), address.pointee.family)
    }

    /// - Parameter bytes: A `sockaddr_in` or `sockaddr_in6`.
    static func read(_ bytes: UnsafeRawBufferPointer, _ family: Int32) -> (address: IPAddress, port: Int)? {
        let place: Range<Int>
        switch family {
        case AF_INET: place = 4..<8
        case AF_INET6: place = 8..<24
        default: return nil
        }
        guard bytes.count >= place.upperBound, let ip = IPAddress(bytes: bytes[place]) else { return nil }
        return (ip, Int(bytes[2]) << 8 | Int(bytes[3]))
    }
}
