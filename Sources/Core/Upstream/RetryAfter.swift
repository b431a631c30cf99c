/// How long an upstream asks to be left alone (RFC 9110 section 10.2.3).
public enum RetryAfter {
    /// Reads `retry-after-ms`, else `retry-after` as seconds or as a date.
    ///
    /// - Returns: Between one second and one day; `nil` without the field, or when it cannot be understood.
    public static func read(_ fields: HTTPFields, now: WallTime) -> Duration? {
        if let milliseconds = fields["retry-after-ms"].flatMap(decimal) { return clamp(milliseconds / 1000) }
        guard let text = fields["retry-after"] else { return nil }
        if let seconds = decimal(text) { return clamp(seconds) }
        guard let date = HTTPDate.parse(text) else { return nil }
        return clamp(Double((date - now).microseconds) / 1_000_000)
    }

    /// Digits with at most one point; no sign, exponent or `inf`, all of which `Double` would take.
    private static func decimal(_ text: String) -> Double? {
        let text = text.withoutOuterSpaces
        let isPlain = text.utf8.allSatisfy { $0 == UInt8(ascii: ".") || (0x30...0x39).contains($0) }
        return isPlain && text.utf8.count <= 20 ? Double(text) : nil
    }

    private static func clamp(_ seconds: Double) -> Duration {
        .milliseconds(Int64(min(max(seconds, 1), 86_400) * 1000))
    }
}

extension String {
    /// Without spaces and tabs at either end.
    fileprivate var withoutOuterSpaces: Substring {
        var rest = self[...]
        while let first = rest.first, first == " " || first == "\t" { rest.removeFirst() }
        while let last = rest.last, last == " " || last == "\t" { rest.removeLast() }
        return rest
    }
}
