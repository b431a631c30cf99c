/// An absolute `http` or `https` URL, cut into what redirects and cookies need: whom it addresses, and where a
/// relative reference leads from it.
struct UpstreamURL: Sendable, Equatable {
    /// Scheme, host and port, in lower case: `https://host:8443`.
    let origin: String
    let host: String
    /// Path and query, beginning with `/`, without the fragment.
    let target: String

    /// - Returns: `nil` for any other scheme, for user info, white space or anything else that is not visible ASCII.
    init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") }) else { return nil }
        guard let scheme = ["https://", "http://"].first(where: { Self.begins(bytes, with: $0) }) else { return nil }
        let rest = bytes[scheme.utf8.count...]
        let authority = rest.prefix { !"/?#".utf8.contains($0) }
        let hostAndPort = String(decoding: authority, as: UTF8.self).lowercased()
        guard !hostAndPort.isEmpty, !hostAndPort.contains("@") else { return nil }
        let tail = String(decoding: rest[authority.endIndex...].prefix { $0 != UInt8(ascii: "#") }, as: UTF8.self)
        origin = scheme + hostAndPort
        host = Self.host(of: hostAndPort)
        target = tail.hasPrefix("/") ? tail : "/" + tail
    }

    var text: String { origin + target }
    var isPlain: Bool { origin.hasPrefix("http://") }
    /// By its spelling: names other than `localhost` are not looked up.
    var isLoopback: Bool {
        if host == "localhost" || host == "[::1]" { return true }
        return host.hasPrefix("127.") && host.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }
    }
    var path: Substring { target.prefix { $0 != "?" } }

    /// Where a `Location` leads: an absolute URL, or a path on this origin.
    func resolving(_ reference: String) -> UpstreamURL? {
        if reference.hasPrefix("/"), !reference.hasPrefix("//") { return UpstreamURL(origin + reference) }
        return UpstreamURL(reference)
    }

    private static func begins(_ bytes: [UInt8], with scheme: String) -> Bool {
        bytes.count >= scheme.utf8.count && zip(bytes, scheme.utf8).allSatisfy { $0 | 0x20 == $1 | 0x20 }
    }

    private static func host(of hostAndPort: String) -> String {
        if hostAndPort.hasPrefix("["), let end = hostAndPort.firstIndex(of: "]") {
            return String(hostAndPort[...end])
        }
        return String(hostAndPort.prefix { $0 != ":" })
    }
}
