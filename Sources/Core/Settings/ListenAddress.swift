/// Where a server listens: `127.0.0.1:7860`, `localhost:7860`, `[::1]:0`.
public struct ListenAddress: Sendable, Hashable, CustomStringConvertible {
    /// An IPv4 address, a host name, or an IPv6 address without its brackets.
    public let host: String
    /// 0 asks the system for a free port.
    public let port: Int

    /// - Returns: nil when the text is not `host:port` with a host and a port of 0...65535.
    public init?(_ text: String) {
        guard let parts = HostAndPort(text.utf8), let port = parts.port else { return nil }
        (host, self.port) = (parts.host, port)
    }

    public init(host: String, port: Int) {
        precondition((0...65_535).contains(port), "a port is a number of 0...65535")
        (self.host, self.port) = (host, port)
    }

    public var description: String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    /// Only programs on this machine reach it.
    public var isLoopback: Bool {
        host == "localhost" || host == "::1" || (HostAndPort.isIPv4(host.utf8[...]) && host.hasPrefix("127."))
    }
}

/// The host and the optional port of an address or URL.
struct HostAndPort {
    /// Without brackets.
    let host: String
    let port: Int?

    init?(_ text: some Collection<UInt8>) {
        let bytes = Array(text)
        let hostEnd: Int
        if bytes.first == UInt8(ascii: "[") {
            guard let close = bytes.firstIndex(of: UInt8(ascii: "]")), Self.isIPv6(bytes[1..<close]) else { return nil }
            host = String(decoding: bytes[1..<close], as: UTF8.self)
            hostEnd = close + 1
        } else {
            hostEnd = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.count
            guard Self.isHostName(bytes[..<hostEnd]) || Self.isIPv4(bytes[..<hostEnd]) else { return nil }
            host = String(decoding: bytes[..<hostEnd], as: UTF8.self)
        }
        if hostEnd == bytes.count {
            port = nil
        } else {
            guard bytes[hostEnd] == UInt8(ascii: ":"), let port = Self.port(bytes[(hostEnd + 1)...]) else { return nil }
            self.port = port
        }
    }

    static func isIPv4(_ bytes: some BidirectionalCollection<UInt8>) -> Bool {
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { decimal($0, upTo: 255) != nil }
    }

    /// Groups of hexadecimal digits (RFC 4291, section 2.2); the system's resolver has the last word.
    private static func isIPv6(_ bytes: ArraySlice<UInt8>) -> Bool {
        let gap = Array("::".utf8)
        let gaps = zip(bytes, bytes.dropFirst()).count { $0 == gap[0] && $1 == gap[0] }
        let startsWell = bytes.first != gap[0] || bytes.starts(with: gap)
        let endsWell = bytes.last != gap[0] || bytes.suffix(2).elementsEqual(gap)
        guard gaps <= 1, startsWell, endsWell else { return false }

        let groups = bytes.split(separator: gap[0])
        let ipv4Groups = groups.last.map(isIPv4) == true ? 1 : 0
        let hexadecimal = groups.dropLast(ipv4Groups)
        let width = hexadecimal.count + 2 * ipv4Groups
        return (gaps == 1 ? width <= 7 : width == 8)
            && hexadecimal.allSatisfy { $0.count <= 4 && $0.allSatisfy(isHexadecimal) }
    }

    /// Labels of letters, digits, hyphens and underscores; a last label of digits only would be a broken IPv4 address.
    private static func isHostName(_ bytes: ArraySlice<UInt8>) -> Bool {
        let labels = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard let last = labels.last, bytes.count <= 253, !last.allSatisfy(SettingsText.isDigit) else { return false }
        return labels.allSatisfy { label in
            (1...63).contains(label.count)
                && label.allSatisfy { SettingsText.isLetterOrDigit($0) || "-_".utf8.contains($0) }
        }
    }

    private static func port(_ bytes: ArraySlice<UInt8>) -> Int? { decimal(bytes, upTo: 65_535) }

    private static func decimal(_ bytes: some Collection<UInt8>, upTo limit: Int) -> Int? {
        guard (1...5).contains(bytes.count), bytes.allSatisfy(SettingsText.isDigit) else { return nil }
        guard bytes.count == 1 || bytes.first != UInt8(ascii: "0") else { return nil }
        let value = bytes.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        return value <= limit ? value : nil
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        SettingsText.isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
    }
}
