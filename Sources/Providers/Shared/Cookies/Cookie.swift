import PolluxCore

/// One cookie as a jar keeps it (RFC 6265 section 5.3).
struct Cookie: Sendable, Equatable {
    let name: String
    var value: Secret
    /// Lower case, without a leading dot.
    var domain: String
    /// Goes to exactly that host, not to the hosts below it.
    var isHostOnly: Bool
    var path = "/"
    var isSecure: Bool
    var isHTTPOnly = false
    /// `nil` lasts as long as the jar.
    var expires: WallTime?

    /// Whether a request to this URL carries the cookie. A port is no part of a cookie's home.
    func matches(_ url: UpstreamURL, now: WallTime) -> Bool {
        guard !isExpired(now), isSecure ? url.isTrustworthy : true, Self.path(String(url.path), isBelow: path) else {
            return false
        }
        return isHostOnly ? url.host == domain : Self.host(url.host, isIn: domain)
    }

    func isExpired(_ now: WallTime) -> Bool { expires.map { $0 <= now } ?? false }

    /// Two cookies with one identity replace each other.
    func hasIdentity(of other: Cookie) -> Bool {
        name == other.name && domain == other.domain && path == other.path && isHostOnly == other.isHostOnly
    }

    /// RFC 6265 section 5.1.3: the domain itself or a host below it; an address is below nothing.
    static func host(_ host: String, isIn domain: String) -> Bool {
        if host == domain { return true }
        return host.hasSuffix("." + domain) && !isAddress(host)
    }

    /// RFC 6265 section 5.1.4.
    static func path(_ path: String, isBelow cookiePath: String) -> Bool {
        guard path.hasPrefix(cookiePath) else { return false }
        return path.utf8.count == cookiePath.utf8.count || cookiePath.hasSuffix("/")
            || path.utf8.dropFirst(cookiePath.utf8.count).first == UInt8(ascii: "/")
    }

    static func isAddress(_ host: String) -> Bool {
        host.hasPrefix("[") || host.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }
    }

    /// What a `Cookie` field can carry without being read as something else (RFC 6265 section 4.1.1, less strict about
    /// quotes, commas and spaces, which servers take).
    static func canCarry(value: String) -> Bool {
        value.utf8.allSatisfy { (0x20..<0x7F).contains($0) && $0 != UInt8(ascii: ";") }
    }

    static func canCarry(name: String) -> Bool {
        !name.isEmpty
            && name.utf8.allSatisfy { (0x21..<0x7F).contains($0) && $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: "=") }
    }
}

extension UpstreamURL {
    /// Secure cookies go over TLS, and to this machine, as libcurl and the browsers have it.
    var isTrustworthy: Bool { !isPlain || isLoopback }
}
