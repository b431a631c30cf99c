import PolluxCore

/// The second line of defence against secrets in the log (L-2): the first is that they live in `Secret`.
///
/// Masks what looks like a secret, and the exact values that the settings hold. Also replaces control characters, so
/// that a record stays one line.
struct Redactor: Sendable {
    /// Secrets in use by their first four bytes: there may be thousands, and each byte of a log is looked at.
    private let known: [UInt32: [[UInt8]]]
    /// By byte: whether a secret or a label may begin with it. Most bytes of a log need no closer look.
    private let mayBegin: [Bool]
    private static let mask = Array("‹redacted›".utf8)
    private static let minKnown = 8

    /// What begins a secret by its own shape.
    private static let shapes = ["sk-", "AIza", "plx_", "eyJ", "CSE.", "COS.", "g.a000", "sidts-"].map {
        Array($0.utf8)
    }
    /// What stands before one in a URL or a sentence.
    private static let labels = [
        "key=", "token=", "code=", "password=", "secret=", "psid=", "psidts=", "psidcc=", "_ses=", "_oses=", "bearer ",
        "csesidx=", "csesidx/",
    ].map { Array($0.utf8) }
    /// What stands before one in JSON: the name's last letters, its quote and the colon.
    private static let members = [
        "key", "token", "password", "secret", "cookie", "authorization", "psid", "psidts", "psidcc", "_ses", "_oses",
        "csesidx",
    ].map { Array("\($0)\":".utf8) }
    /// Header fields that are secret to the end of their line: a cookie list, a scheme and its token.
    private static let headers = ["authorization:", "cookie:"].map { Array($0.utf8) }

    /// - Parameter secrets: Values in use; those under eight bytes are too common to look for.
    init(secrets: [Secret] = []) {
        let values = secrets.map { Array($0.reveal().utf8) }.filter { $0.count >= Self.minKnown }
        known = Dictionary(grouping: values) { Self.prefix($0, at: 0) }
        var mayBegin = [Bool](repeating: false, count: 256)
        for first in (values + Self.shapes).compactMap(\.first) { mayBegin[Int(first)] = true }
        for first in (Self.labels + Self.members + Self.headers).compactMap(\.first) {
            mayBegin[Int(first)] = true
            if (0x61...0x7A).contains(first) { mayBegin[Int(first) - 0x20] = true }
        }
        self.mayBegin = mayBegin
    }

    func clean(_ text: String) -> String {
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var position = 0
        while position < bytes.count {
            if mayBegin[Int(bytes[position])], let secret = secret(bytes, at: position) {
                result += bytes[position..<secret.lowerBound].map { $0 < 0x20 ? 0x20 : $0 }
                if !secret.isEmpty { result += Self.mask }
                position = secret.upperBound
            } else {
                position = appendVisible(bytes, at: position, to: &result)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}

// MARK: - Finding

extension Redactor {
    /// The secret whose own beginning or whose label stands here; what lies before it is the label.
    private func secret(_ bytes: [UInt8], at position: Int) -> Range<Int>? {
        if bytes.count - position >= Self.minKnown {
            for value in known[Self.prefix(bytes, at: position)] ?? [] where matches(bytes, position, value) {
                return position..<position + value.count
            }
        }
        if let range = shapedSecret(bytes, at: position) { return range }
        if let start = end(ofOneOf: Self.headers, bytes, at: position) { return start..<lineEnd(bytes, from: start) }
        if let start = end(ofOneOf: Self.members, bytes, at: position) { return memberValue(bytes, from: start) }
        if let start = end(ofOneOf: Self.labels, bytes, at: position) { return start..<tokenEnd(bytes, from: start) }
        return nil
    }

    private func shapedSecret(_ bytes: [UInt8], at position: Int) -> Range<Int>? {
        guard position == 0 || !Self.isWordByte(bytes[position - 1]),
            Self.shapes.contains(where: { matches(bytes, position, $0) })
        else { return nil }
        let end = tokenEnd(bytes, from: position)
        return end - position >= 12 ? position..<end : nil
    }

    private func end(ofOneOf labels: [[UInt8]], _ bytes: [UInt8], at position: Int) -> Int? {
        for label in labels where matches(bytes, position, label, ignoringCase: true) { return position + label.count }
        return nil
    }

    private func tokenEnd(_ bytes: [UInt8], from start: Int) -> Int {
        bytes[start...].firstIndex { !Self.isTokenByte($0) } ?? bytes.count
    }

    private func lineEnd(_ bytes: [UInt8], from start: Int) -> Int {
        bytes[start...].firstIndex { [0x0A, 0x0D, 0x22].contains($0) } ?? bytes.count
    }

    /// The text behind a JSON member's colon, without its quotes.
    private func memberValue(_ bytes: [UInt8], from colonEnd: Int) -> Range<Int> {
        var start = colonEnd
        while start < bytes.count, bytes[start] == 0x20 { start += 1 }
        guard start < bytes.count, bytes[start] == UInt8(ascii: "\"") else {
            return start..<tokenEnd(bytes, from: start)
        }
        start += 1
        var end = start
        while end < bytes.count, bytes[end] != UInt8(ascii: "\"") { end += bytes[end] == UInt8(ascii: "\\") ? 2 : 1 }
        return start..<min(end, bytes.count)
    }

    private func matches(_ bytes: [UInt8], _ position: Int, _ wanted: [UInt8], ignoringCase: Bool = false) -> Bool {
        guard bytes.count - position >= wanted.count else { return false }
        for offset in wanted.indices {
            let byte = bytes[position + offset]
            let isLetter = (0x41...0x5A).contains(byte)
            guard byte == wanted[offset] || (ignoringCase && isLetter && byte | 0x20 == wanted[offset]) else {
                return false
            }
        }
        return true
    }

    /// The four bytes from a position on; there must be as many.
    private static func prefix(_ bytes: [UInt8], at position: Int) -> UInt32 {
        bytes[position..<position + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool { isWordByte(byte) || ".~+/=%".utf8.contains(byte) }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"): true
        default: false
        }
    }
}

// MARK: - Control characters

extension Redactor {
    /// Appends one character's bytes; a control or a line separator becomes U+FFFD.
    ///
    /// - Returns: Where the next one begins.
    private func appendVisible(_ bytes: [UInt8], at position: Int, to result: inout [UInt8]) -> Int {
        let length = controlLength(bytes, at: position)
        if length > 0 { result += [0xEF, 0xBF, 0xBD] } else { result.append(bytes[position]) }
        return position + max(1, length)
    }

    /// C0 and DEL, C1 (U+0080 to U+009F), and U+2028 and U+2029; 0 for anything else.
    private func controlLength(_ bytes: [UInt8], at position: Int) -> Int {
        let byte = bytes[position]
        if byte < 0x20 || byte == 0x7F { return 1 }
        let next = position + 1 < bytes.count ? bytes[position + 1] : 0
        if byte == 0xC2, (0x80...0x9F).contains(next) { return 2 }
        let last = position + 2 < bytes.count ? bytes[position + 2] : 0
        return byte == 0xE2 && next == 0x80 && (last == 0xA8 || last == 0xA9) ? 3 : 0
    }
}
