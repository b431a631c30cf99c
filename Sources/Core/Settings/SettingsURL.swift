/// Checks base URLs of upstreams and proxies (RFC 3986, the part of it that a base URL needs).
enum SettingsURL {
    /// - Returns: The URL with its scheme in lower case and without slashes at the end.
    /// - Throws: What is wrong. A URL with a user name or password is never shown.
    static func check(
        _ scalar: SettingsScalar, schemes: [String], allowsUserInfo: Bool
    ) throws(SettingsProblem) -> String {
        let shown = scalar.text.contains("@") ? "the URL" : scalar.shown
        let (scheme, rest) = try scheme(of: scalar.text, shown: shown, allowed: schemes)
        guard rest.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"\"<>\\^`{|}".utf8.contains($0) }) else {
            throw SettingsProblem("\(shown) holds a character that a URL cannot have; percent-encode it")
        }
        guard !rest.contains(where: { "?#".utf8.contains($0) }) else {
            throw SettingsProblem("\(shown) has a query or fragment; write the base URL only")
        }

        let authority = rest.prefix { $0 != UInt8(ascii: "/") }
        var path = rest[authority.endIndex...]
        while path.last == UInt8(ascii: "/") { path.removeLast() }

        let userInfoEnd = authority.lastIndex(of: UInt8(ascii: "@"))
        if userInfoEnd != nil, !allowsUserInfo {
            throw SettingsProblem("\(shown) carries a user name or password; remove the part up to the @")
        }
        let hostAndPort = userInfoEnd.map { authority[($0 + 1)...] } ?? authority
        guard let parts = HostAndPort(hostAndPort), parts.port != 0 else {
            throw SettingsProblem(
                "\(shown) has no valid host and port; write it like \(schemes[0])://host.example:8080")
        }
        return scheme + "://" + String(decoding: authority, as: UTF8.self) + String(decoding: path, as: UTF8.self)
    }

    /// By its spelling: names other than `localhost` are not looked up.
    ///
    /// - Parameter url: A checked `http://` URL without user info.
    static func isLoopback(_ url: String) -> Bool {
        let authority = url.dropFirst("http://".count).prefix { $0 != "/" }
        if authority.hasPrefix("[") { return authority.hasPrefix("[::1]") }
        let host = authority.prefix { $0 != ":" }.lowercased()
        if host == "localhost" || host.hasSuffix(".localhost") { return true }
        let numbers = host.split(separator: ".", omittingEmptySubsequences: false)
        return numbers.count == 4 && numbers[0] == "127" && numbers.allSatisfy { UInt8($0) != nil }
    }

    private static func scheme(
        of text: String, shown: String, allowed: [String]
    ) throws(SettingsProblem) -> (scheme: String, rest: ArraySlice<UInt8>) {
        let bytes = Array(text.utf8)
        for scheme in allowed {
            let beginning = Array("\(scheme)://".utf8)
            let written = bytes.prefix(beginning.count).map { SettingsText.isLetter($0) ? $0 | 0x20 : $0 }
            if written == beginning { return (scheme, bytes[beginning.count...]) }
        }
        let beginnings = allowed.map { "\($0)://" }.joined(separator: ", ")
        throw SettingsProblem("\(shown) is not a URL that begins with \(beginnings)")
    }
}
