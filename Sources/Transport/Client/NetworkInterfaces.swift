// Which module owns the socket structures depends on which header was read first.
import CCurl
import Glibc
public import PolluxCore

/// The addresses of this machine.
public enum NetworkInterfaces {
    /// Of all interfaces; empty when the system does not tell. Asks the kernel only, so it does not block.
    public static func addresses() -> Set<IPAddress> {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return [] }
        defer { freeifaddrs(list) }
        var addresses: Set<IPAddress> = []
        var next = list
        while let interface = next {
            next = interface.pointee.ifa_next
            guard let address = interface.pointee.ifa_addr else { continue }
            let family = Int32(address.pointee.sa_family)
            // As long as their family's structure, which begins with the family.
            let size = family == AF_INET6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size
            let bytes = UnsafeRawBufferPointer(start: address, count: size)
            if let (ip, _) = PeerOfSocket.read(bytes, family) { addresses.insert(ip) }
        }
        return addresses
    }
}
