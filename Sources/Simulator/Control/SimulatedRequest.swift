import PolluxCore

/// One request as the simulated upstreams look at it: the head taken apart, the body whole.
struct SimulatedRequest: Sendable {
    let head: HTTPRequestHead
    /// The path, still percent-encoded.
    let path: String
    /// Names and values of the query, decoded, in order.
    let query: [(name: String, value: String)]
    let body: [UInt8]

    init(_ head: HTTPRequestHead, body: [UInt8] = []) {
        self.head = head
        self.body = body
        path = String(head.path)
        query = head.query.split(separator: "&").map { item in
            let halves = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (Self.percentDecoded(halves[0]), halves.count > 1 ? Self.percentDecoded(halves[1]) : "")
        }
    }

    var isPost: Bool { head.method == .post }

    /// The first value of this name in the query.
    func queryValue(_ name: String) -> String? {
        query.first { $0.name == name }?.value
    }

    /// The value of a cookie, byte for byte as it was sent.
    func cookie(_ name: String) -> String? {
        for line in head.fields.values(of: "cookie") {
            for pair in line.split(separator: ";") {
                let trimmed = pair.drop { $0 == " " }
                if trimmed.hasPrefix(name + "=") { return String(trimmed.dropFirst(name.utf8.count + 1)) }
            }
        }
        return nil
    }

    /// What stands behind `Bearer ` in the Authorization header; the scheme's case does not count.
    var bearerToken: String? {
        guard let value = head.fields["authorization"], value.prefix(7).lowercased() == "bearer " else { return nil }
        return String(value.dropFirst(7))
    }

    /// `http://` and the host the client asked for, so that a link leads back the way the client came.
    var origin: String { head.fields["host"].map { "http://\($0)" } ?? "" }

    /// The text with `%XX` and `+` resolved; bytes that are no UTF-8 become U+FFFD.
    static func percentDecoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2, let value = UInt8(String(rest.prefix(2)) ?? "", radix: 16) {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
