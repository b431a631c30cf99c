import CSystem
import Glibc
import PolluxCore

/// Opening sockets that accept connections.
enum ListeningSocket {
    private static let backlog: Int32 = 1024
    /// What the kernel queues of an answer beyond what it may send at once; a slow client holds no more of its memory.
    private static let unsentInKernel: Int32 = 128 << 10

    /// Opens `count` sockets that share one address, one for each loop; the kernel spreads connections over them.
    ///
    /// - Parameters:
    ///   - host: A numeric IPv4 or IPv6 address, or `localhost`. `::` also takes IPv4.
    ///   - port: 0 lets the system choose.
    /// - Returns: The descriptors and the port.
    /// - Throws: `invalidRequest` for an address that is none, `internalError` when it cannot be had.
    static func open(host: String, port: UInt16, count: Int) throws(GatewayError) -> (sockets: [Int32], port: UInt16) {
        guard var address = SocketAddress(host: host, port: port) else {
            throw .invalid(nil, "\(host) is not a numeric address to listen on; use 127.0.0.1, 0.0.0.0, ::1 or ::")
        }
        // Sockets that share an address share it with every process of this user. A trial without sharing tells
        // whether someone else is already listening.
        if port != 0, count > 1 { close(try bound(address, sharing: false)) }
        var sockets: [Int32] = []
        do throws(GatewayError) {
            for _ in 0..<count {
                let socket = try bound(address, sharing: count > 1)
                sockets.append(socket)
                guard listen(socket, backlog) == 0 else { throw failure("listen on", address) }
                address.port = localPort(socket) ?? address.port
            }
        } catch {
            for socket in sockets { close(socket) }
            throw error
        }
        return (sockets, address.port)
    }

    private static func bound(_ address: SocketAddress, sharing: Bool) throws(GatewayError) -> Int32 {
        let descriptor = csystem_stream_socket(address.family)
        guard descriptor >= 0 else { throw .system("cannot make a socket") }
        // Accepted sockets inherit the TCP options, which saves a call for each.
        setOption(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        setOption(descriptor, Int32(IPPROTO_TCP), TCP_NOTSENT_LOWAT, unsentInKernel)
        setOption(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
        if sharing { setOption(descriptor, SOL_SOCKET, SO_REUSEPORT, 1) }
        if address.family == AF_INET6 { setOption(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0) }
        guard address.withPointer({ bind(descriptor, $0, $1) }) == 0 else {
            let error = failure("bind", address)
            close(descriptor)
            throw error
        }
        return descriptor
    }

    private static func failure(_ what: String, _ address: SocketAddress) -> GatewayError {
        let code = errno
        let reason =
            switch code {
            case EADDRINUSE: "the port is in use by another program; stop it or choose another port"
            case EACCES: "the system does not allow this port; choose one above 1023"
            case EADDRNOTAVAIL: "this host has no such address"
            default: systemMessage(code)
            }
        return GatewayError(.internalError, .endpoint, "cannot \(what) port \(address.port): \(reason)")
    }

    private static func localPort(_ descriptor: Int32) -> UInt16? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let code = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        guard code == 0 else { return nil }
        // Both families keep the port behind the two bytes of the family.
        return withUnsafeBytes(of: storage) { $0.loadUnaligned(fromByteOffset: 2, as: UInt16.self).bigEndian }
    }
}

/// A numeric address and port in the system's form.
struct SocketAddress {
    let family: Int32
    private(set) var storage = sockaddr_storage()

    init?(host: String, port: UInt16) {
        let name = host == "localhost" ? "127.0.0.1" : host
        var ipv4 = in_addr()
        var ipv6 = in6_addr()
        if inet_pton(AF_INET, name, &ipv4) == 1 {
            family = AF_INET
            withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: ipv4.s_addr, toByteOffset: 4, as: UInt32.self) }
        } else if inet_pton(AF_INET6, name, &ipv6) == 1 {
            family = AF_INET6
            withUnsafeMutableBytes(of: &storage) { bytes in
                withUnsafeBytes(of: ipv6) {
                    UnsafeMutableRawBufferPointer(rebasing: bytes[8..<24]).copyMemory(from: $0)
                }
            }
        } else {
            return nil
        }
        storage.ss_family = sa_family_t(family)
        self.port = port
    }

    var port: UInt16 {
        get { withUnsafeBytes(of: storage) { $0.loadUnaligned(fromByteOffset: 2, as: UInt16.self).bigEndian } }
        set {
            withUnsafeMutableBytes(of: &storage) {
                $0.storeBytes(of: newValue.bigEndian, toByteOffset: 2, as: UInt16.self)
            }
        }
    }

    func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        let length = family == AF_INET ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size
        return withUnsafePointer(to: storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(length)) }
        }
    }
}

/// Sets an integer option; what fails here only makes the socket less comfortable.
func setOption(_ descriptor: Int32, _ level: Int32, _ name: Int32, _ value: Int32) {
    var value = value
    setsockopt(descriptor, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
}
