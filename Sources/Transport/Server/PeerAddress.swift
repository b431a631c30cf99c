import CSystem
import Glibc

/// The address of a connection's other end, without its port.
struct PeerAddress: Equatable {
    /// What connections are counted by: an IPv4 address, or an IPv6 network of 64 bits, because a single host commands
    /// the whole of it.
    struct Source: Hashable {
        let isIPv6: Bool
        let network: UInt64
    }

    private enum Storage: Equatable {
        case ipv4(UInt32)
        case ipv6(high: UInt64, low: UInt64)
    }

    private let storage: Storage

    init(_ address: sockaddr_storage) {
        storage = withUnsafeBytes(of: address) { bytes in
            guard Int32(address.ss_family) == AF_INET6 else {
                return .ipv4(bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self).bigEndian)
            }
            let high = bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self).bigEndian
            let low = bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self).bigEndian
            // A listener for both families reports IPv4 peers as ::ffff:a.b.c.d.
            return high == 0 && low >> 32 == 0xFFFF
                ? .ipv4(UInt32(truncatingIfNeeded: low)) : .ipv6(high: high, low: low)
        }
    }

    var source: Source {
        switch storage {
        case .ipv4(let address): Source(isIPv6: false, network: UInt64(address))
        case .ipv6(let high, let low): Source(isIPv6: true, network: high == 0 ? low : high)
        }
    }

    var isLoopback: Bool {
        switch storage {
        case .ipv4(let address): address >> 24 == 127
        case .ipv6(let high, let low): high == 0 && low == 1
        }
    }

    /// `127.0.0.1`, `::1`.
    var text: String {
        switch storage {
        case .ipv4(let address): Self.format(AF_INET, address.bigEndian)
        case .ipv6(let high, let low): Self.format(AF_INET6, (high.bigEndian, low.bigEndian))
        }
    }

    private static func format<Address>(_ family: Int32, _ address: Address) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { buffer in
            let text = withUnsafeBytes(of: address) {
                inet_ntop(family, $0.baseAddress, buffer.baseAddress, socklen_t(buffer.count))
            }
            return text.map { String(cString: $0) } ?? ""
        }
    }
}
