import PolluxCore

/// One `Set-Cookie` field, read as RFC 6265 section 5.2 says, with the rules of its successor for `Secure` and for the
/// prefixes `__Secure-` and `__Host-`.
struct SetCookie: Sendable, Equatable {
    /// What is to be kept; one that `isRemoval` only says which cookie goes.
    let cookie: Cookie
    let isRemoval: Bool

    /// A cookie longer than this, name and value, is refused, as browsers do.
    static let maxBytes = 4096

    /// - Returns: `nil` when the field cannot be read, or when this URL may not set such a cookie.
    init?(_ field: String, from url: UpstreamURL, now: WallTime) {
        let parts = field.split(separator: ";", omittingEmptySubsequences: false)
        guard let first = parts.first, let equals = first.firstIndex(of: "=") else { return nil }
        let name = String(first[..<equals].trimmingBlanks)
        let value = String(first[first.index(after: equals)...].trimmingBlanks)
        guard Cookie.canCarry(name: name), Cookie.canCarry(value: value),
            name.utf8.count + value.utf8.count <= Self.maxBytes
        else { return nil }
        let attributes = Attributes(parts.dropFirst(), now: now)
        guard let home = Self.home(attributes.domain, of: url) else { return nil }
        let path = attributes.path ?? Self.defaultPath(of: url)
        if attributes.isSecure, !url.isTrustworthy { return nil }
        if name.hasPrefix("__Secure-"), !attributes.isSecure { return nil }
        if name.hasPrefix("__Host-"), !attributes.isSecure || !home.isHostOnly || path != "/" { return nil }
        var cookie = Cookie(
            name: name, value: Secret(value), domain: home.domain, isHostOnly: home.isHostOnly, path: path,
            isSecure: attributes.isSecure)
        cookie.isHTTPOnly = attributes.isHTTPOnly
        cookie.expires = attributes.expires
        self.cookie = cookie
        isRemoval = cookie.isExpired(now)
    }

    /// Where the cookie lives, or `nil` when this host may not speak for that domain. A domain of one label is refused:
    /// it would be a whole top level.
    private static func home(_ domain: String?, of url: UpstreamURL) -> (domain: String, isHostOnly: Bool)? {
        guard let domain else { return (url.host, true) }
        if domain == url.host { return (domain, Cookie.isAddress(domain) || !domain.contains(".")) }
        guard domain.contains("."), Cookie.host(url.host, isIn: domain) else { return nil }
        return (domain, false)
    }

    /// RFC 6265 section 5.1.4: up to the last slash, without it.
    private static func defaultPath(of url: UpstreamURL) -> String {
        guard let slash = url.path.lastIndex(of: "/"), slash > url.path.startIndex else { return "/" }
        return String(url.path[..<slash])
    }

    private struct Attributes {
        var domain: String?
        var path: String?
        var isSecure = false
        var isHTTPOnly = false
        var expires: WallTime?

        /// Of an attribute given twice the last counts; `Max-Age` wins over `Expires`.
        init(_ parts: ArraySlice<Substring>, now: WallTime) {
            var expiry: WallTime?
            var maxAge: WallTime?
            for part in parts.prefix(32) {
                let equals = part.firstIndex(of: "=")
                let name = part[..<(equals ?? part.endIndex)].trimmingBlanks.lowercased()
                let value = equals.map { part[part.index(after: $0)...].trimmingBlanks } ?? ""
                switch name {
                case "domain":
                    let text = value.hasPrefix(".") ? value.dropFirst() : value
                    domain = text.isEmpty ? nil : text.lowercased()
                case "path": path = value.hasPrefix("/") ? String(value) : nil
                case "secure": isSecure = true
                case "httponly": isHTTPOnly = true
                case "expires": expiry = CookieDate.parse(value) ?? expiry
                case "max-age": maxAge = Self.end(after: value, now: now) ?? maxAge
                default: break
                }
            }
            expires = maxAge ?? expiry
        }

        private static func end(after text: Substring, now: WallTime) -> WallTime? {
            let digits = text.hasPrefix("-") ? text.dropFirst() : text
            guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            // Longer than any number that fits, in either direction, is as good as for ever.
            let seconds = Int64(text) ?? (text.hasPrefix("-") ? -1 : 10_000_000_000)
            return seconds <= 0 ? WallTime(microseconds: .min) : now + .seconds(min(seconds, 10_000_000_000))
        }
    }
}

extension Substring {
    /// Without spaces and tabs at both ends.
    var trimmingBlanks: Substring {
        var rest = self
        while let first = rest.utf8.first, first == 0x20 || first == 0x09 { rest.removeFirst() }
        while let last = rest.utf8.last, last == 0x20 || last == 0x09 { rest.removeLast() }
        return rest
    }
}
