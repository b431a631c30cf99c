import PolluxCore

/// Percent-decoding of paths and queries, each exactly once.
enum PathDecoder {
    /// The decoded segments of a path; one slash at the end is harmless.
    ///
    /// - Throws: `routeNotFound` for bad escapes, `%00`, `%5c`, backslashes, empty and dot segments (P-5).
    static func segments(_ path: Substring) throws(GatewayError) -> [String] {
        var raw = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        if raw.last == "" { raw.removeLast() }
        var segments: [String] = []
        segments.reserveCapacity(raw.count)
        for segment in raw {
            guard let decoded = decode(segment.utf8, plusIsSpace: false), !decoded.isEmpty,
                decoded != ".", decoded != "..", !decoded.utf8.contains(0), !decoded.utf8.contains(0x5C),
                !decoded.split(separator: "/", omittingEmptySubsequences: false).contains("..")
            else { throw GatewayError(.routeNotFound, .request, "the path of this request cannot be used") }
            segments.append(decoded)
        }
        return segments
    }

    /// The items of a query in order. What cannot be decoded is left as it stands.
    static func query(_ query: Substring) -> [(name: String, value: String)] {
        guard !query.isEmpty else { return [] }
        return query.split(separator: "&").map { item in
            let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts.count == 2 ? parts[1] : ""
            return (
                decode(parts[0].utf8, plusIsSpace: true) ?? String(parts[0]),
                decode(value.utf8, plusIsSpace: true) ?? String(value)
            )
        }
    }

    private static func decode(_ text: Substring.UTF8View, plusIsSpace: Bool) -> String? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var rest = text.makeIterator()
        while let byte = rest.next() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = rest.next()?.hexDigitValue, let low = rest.next()?.hexDigitValue else {
                    return nil
                }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace: bytes.append(0x20)
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
