import PolluxCore

/// Under which address a client reaches the gateway, for links that it is given (`server.public_url`).
struct PublicAddress: Sendable {
    private let settings: ServerSettings

    init(_ settings: ServerSettings) { self.settings = settings }

    /// Scheme, host and path, without a slash at the end.
    func base(for exchange: any HTTPExchange) -> String {
        if let address = settings.publicURL { return address }
        let fields = exchange.head.fields
        let isBehindProxy = settings.trustedProxies.contains(exchange.peerAddress)
        func forwarded(_ name: String) -> String? { isBehindProxy ? Self.firstValue(fields[name]) : nil }
        // TLS towards clients is the proxy's.
        let scheme = forwarded("x-forwarded-proto").map { $0.lowercased() } == "https" ? "https" : "http"
        let hosts = [forwarded("x-forwarded-host"), fields["host"]].compactMap(\.self)
        let host = hosts.first(where: Self.isPlainHost) ?? settings.listen.description
        return "\(scheme)://\(host)\(path(behind: forwarded("x-forwarded-prefix")))"
    }

    /// What the proxy has cut off, then the gateway's own prefix, unless the proxy tells that one without cutting it.
    private func path(behind prefix: String?) -> String {
        guard let prefix, Self.isPlainPath(prefix) else { return settings.mount }
        let cut = prefix.hasSuffix("/") ? String(prefix.dropLast()) : prefix
        return cut.hasSuffix(settings.mount) ? cut : cut + settings.mount
    }

    /// Proxies in a row add theirs behind; the first spoke with the client.
    private static func firstValue(_ text: String?) -> String? {
        let first = text?.split(separator: ",").first?.drop { $0 == " " }.prefix { $0 != " " }
        return first.map(String.init)
    }

    /// A name or an address, and perhaps a port: nothing that could end the host of a URL or begin another one.
    static func isPlainHost(_ text: String) -> Bool {
        guard text.utf8.count <= 255 else { return false }
        var rest = Array(text.utf8)[...]
        if rest.first == UInt8(ascii: "[") {
            guard let end = rest.firstIndex(of: UInt8(ascii: "]")) else { return false }
            let inner = rest[1..<end]
            guard inner.count(where: { $0 == UInt8(ascii: ":") }) >= 2,
                inner.allSatisfy({ isDigit($0) || (0x61...0x66).contains($0 | 0x20) || ":.".utf8.contains($0) })
            else { return false }
            rest = rest[(end + 1)...]
        } else {
            let name = rest.prefix { isDigit($0) || (0x61...0x7A).contains($0 | 0x20) || "-._".utf8.contains($0) }
            guard !name.isEmpty else { return false }
            rest = rest[name.endIndex...]
        }
        guard rest.first == UInt8(ascii: ":") else { return rest.isEmpty }
        let port = rest.dropFirst()
        return (1...5).contains(port.count) && port.allSatisfy(isDigit)
            && port.reduce(0) { $0 * 10 + Int($1 - 0x30) } <= 65_535
    }

    private static func isPlainPath(_ text: String) -> Bool {
        text.hasPrefix("/") && !text.hasPrefix("//") && text.utf8.count <= 200
            && text.utf8.allSatisfy { byte in
                isDigit(byte) || (0x61...0x7A).contains(byte | 0x20) || "-._~/".utf8.contains(byte)
            }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
