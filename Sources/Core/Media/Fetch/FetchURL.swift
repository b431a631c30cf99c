/// A URL that a client named, taken apart once (reliability requirement S-2).
///
/// What is sent is put together again from the parts, so that no other parser can see another host in it.
public struct FetchURL: Sendable, Equatable {
    public let isSecure: Bool
    /// Lower case; an IPv6 address in brackets. May be any spelling of an address: the result of its lookup is judged.
    public let host: String
    public let port: Int
    /// Path and query, percent-encoded; at least `/`.
    public let target: String

    /// Why a URL is not used; for the log, so it quotes nothing.
    public struct Fault: Error, Equatable { public let reason: String }

    public static let maxBytes = 8 << 10

    /// - Throws: `Fault` for anything but a plain `http` or `https` URL.
    public init(_ text: String) throws(Fault) {
        let bytes = Array(text.utf8)
        try Self.checkBytes(bytes)
        let start = bytes.prefix(8).map { $0 | 0x20 }
        let isSecure = start.elementsEqual("https://".utf8.map { $0 | 0x20 })
        guard isSecure || start.prefix(7).elementsEqual("http://".utf8.map { $0 | 0x20 }) else {
            throw Fault(reason: "its scheme is neither http nor https")
        }
        let rest = bytes[(isSecure ? 8 : 7)...].prefix { $0 != UInt8(ascii: "#") }
        let authority = rest.prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
        let (host, port) = try Self.hostAndPort(authority)
        self.isSecure = isSecure
        self.host = host
        self.port = port ?? (isSecure ? 443 : 80)
        target = Self.target(rest[authority.endIndex...])
    }

    private init(_ base: FetchURL, target: String) {
        (isSecure, host, port, self.target) = (base.isSecure, base.host, base.port, target)
    }

    /// To be sent; its port stands there only where it is not the usual one.
    public var text: String { "\(isSecure ? "https" : "http")://\(host)\(isUsualPort ? "" : ":\(port)")\(target)" }

    private var isUsualPort: Bool { port == (isSecure ? 443 : 80) }

    /// Where a `location` leads from here.
    ///
    /// - Throws: `Fault` for a target that would not be taken from a client either.
    public func following(_ location: String) throws(Fault) -> FetchURL {
        let bytes = Array(location.utf8)
        try Self.checkBytes(bytes)
        if let colon = bytes.firstIndex(where: { [0x3A, 0x2F, 0x3F, 0x23].contains($0) }), bytes[colon] == 0x3A {
            return try FetchURL(location)
        }
        if location.hasPrefix("//") { return try FetchURL("\(isSecure ? "https" : "http"):" + location) }
        let reference = bytes.prefix { $0 != UInt8(ascii: "#") }
        guard let first = reference.first else { return self }
        if first == UInt8(ascii: "/") { return FetchURL(self, target: Self.target(reference)) }
        let path = target.utf8.prefix { $0 != UInt8(ascii: "?") }
        if first == UInt8(ascii: "?") { return FetchURL(self, target: Self.target(Array(path) + reference)) }
        let folder = path.prefix(upTo: path.lastIndex(of: UInt8(ascii: "/")) ?? path.startIndex)
        return FetchURL(self, target: Self.target(Self.withoutDots(Array(folder) + [UInt8(ascii: "/")] + reference)))
    }

    /// The last piece of the path, decoded; empty for a folder.
    public var fileName: String {
        let path = target.utf8.prefix { $0 != UInt8(ascii: "?") }
        let start = path.lastIndex(of: UInt8(ascii: "/")).map(path.index(after:)) ?? path.startIndex
        let segment = Array(path[start...])
        var decoded: [UInt8] = []
        var index = 0
        while index < segment.count {
            if segment[index] == UInt8(ascii: "%"), index + 2 < segment.count,
                let high = segment[index + 1].hexDigitValue, let low = segment[index + 2].hexDigitValue
            {
                decoded.append(high << 4 | low)
                index += 3
            } else {
                decoded.append(segment[index])
                index += 1
            }
        }
        return String(decoding: decoded, as: UTF8.self)
    }

    // MARK: - Parts

    private static func checkBytes(_ bytes: [UInt8]) throws(Fault) {
        guard bytes.count <= maxBytes else { throw Fault(reason: "it is longer than \(maxBytes) bytes") }
        guard bytes.allSatisfy({ $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\\") }) else {
            throw Fault(reason: "it holds a blank, a control character or a backslash")
        }
    }

    private static func hostAndPort(_ authority: ArraySlice<UInt8>) throws(Fault) -> (String, Int?) {
        guard !authority.contains(UInt8(ascii: "@")) else { throw Fault(reason: "it holds user info") }
        if authority.first == UInt8(ascii: "[") {
            guard let end = authority.firstIndex(of: UInt8(ascii: "]")) else {
                throw Fault(reason: "its host is not an IPv6 address")
            }
            let inner = String(decoding: authority[(authority.startIndex + 1)..<end], as: UTF8.self).lowercased()
            guard case .v6? = IPAddress(inner) else { throw Fault(reason: "its host is not an IPv6 address") }
            return ("[\(inner)]", try port(authority[(end + 1)...]))
        }
        let host = authority.prefix { $0 != UInt8(ascii: ":") }
        guard isHost(host) else { throw Fault(reason: "its host is not a plain name or address") }
        return (String(decoding: host, as: UTF8.self).lowercased(), try port(authority[host.endIndex...]))
    }

    /// Letters, digits, `-` and `_` in labels of 1 to 63, with a dot at the end if need be. Names in other scripts come
    /// in their `xn--` form.
    private static func isHost(_ host: ArraySlice<UInt8>) -> Bool {
        guard (1...254).contains(host.count) else { return false }
        var labels = host.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        if labels.count > 1, labels.last?.isEmpty == true { labels.removeLast() }
        return labels.allSatisfy { label in
            (1...63).contains(label.count)
                && label.allSatisfy { byte in
                    switch byte {
                    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"): true
                    default: false
                    }
                }
        }
    }

    /// - Parameter text: Empty, or a colon and digits. A colon alone stands for the usual port (RFC 3986).
    private static func port(_ text: ArraySlice<UInt8>) throws(Fault) -> Int? {
        guard let colon = text.first else { return nil }
        let digits = text.dropFirst()
        guard colon == UInt8(ascii: ":"), digits.count <= 5, digits.allSatisfy({ (0x30...0x39).contains($0) }) else {
            throw Fault(reason: "its port is not a number from 1 to 65535")
        }
        if digits.isEmpty { return nil }
        let number = digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
        guard (1...65_535).contains(number) else { throw Fault(reason: "its port is not a number from 1 to 65535") }
        return number
    }

    /// What HTTP does not allow in a request line is percent-encoded; what is encoded already stays as it is.
    private static func target(_ bytes: some Collection<UInt8>) -> String {
        var target: [UInt8] = bytes.first == UInt8(ascii: "/") ? [] : [UInt8(ascii: "/")]
        target.reserveCapacity(bytes.count + 1)
        for byte in bytes {
            switch byte {
            case 0x22, 0x3C, 0x3E, 0x5E, 0x60, 0x7B...0x7D, 0x80...:
                target += [UInt8(ascii: "%")] + String(byte, radix: 16, uppercase: true).utf8
            default: target.append(byte)
            }
        }
        return String(decoding: target, as: UTF8.self)
    }

    /// Takes `.` and `..` out of a path that was put together from two (RFC 3986 section 5.2.4).
    private static func withoutDots(_ reference: [UInt8]) -> [UInt8] {
        let path = reference.prefix { $0 != UInt8(ascii: "?") }
        var kept: [ArraySlice<UInt8>] = []
        let segments = path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).dropFirst()
        for (number, segment) in segments.enumerated() {
            let isLast = number == segments.count - 1
            if segment.elementsEqual("..".utf8) {
                _ = kept.popLast()
                if isLast { kept.append([]) }
            } else if segment.elementsEqual(".".utf8) {
                if isLast { kept.append([]) }
            } else {
                kept.append(segment)
            }
        }
        return kept.flatMap { [UInt8(ascii: "/")] + $0 } + reference[path.endIndex...]
    }
}

/// A host and a port as an operator names them: `images.example.org:443`, `[2001:db8::1]:8080`.
public struct FetchHost: Sendable, Hashable {
    public let host: String
    public let port: Int

    /// - Returns: `nil` for anything else, also without a port.
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), text.last != "]", text.index(after: colon) != text.endIndex,
            let url = try? FetchURL("http://\(text)"), url.target == "/", !text.contains("/"), !text.contains("?"),
            !text.contains("#")
        else { return nil }
        self.init(url)
    }

    init(_ url: FetchURL) {
        (host, port) = (Self.canonical(url.host), url.port)
    }

    /// Without the dot at the end of a name, and with one spelling for each IPv6 address.
    private static func canonical(_ host: String) -> String {
        if host.hasPrefix("["), let address = IPAddress(String(host.dropFirst().dropLast())) { return "\(address)" }
        return host.hasSuffix(".") ? String(host.dropLast()) : host
    }
}
