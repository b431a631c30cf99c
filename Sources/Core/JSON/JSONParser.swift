extension JSON {
    /// Parses one JSON text: UTF-8, with or without a byte order mark.
    public static func parse(_ bytes: [UInt8], _ options: JSONParseOptions = .client) throws(JSONError) -> JSON {
        try bytes.withUnsafeBytes { buffer in parsing(buffer, options) }.get()
    }

    public static func parse(
        _ bytes: ArraySlice<UInt8>, _ options: JSONParseOptions = .client
    ) throws(JSONError) -> JSON {
        try bytes.withUnsafeBytes { buffer in parsing(buffer, options) }.get()
    }

    public static func parse(
        _ bytes: UnsafeRawBufferPointer, _ options: JSONParseOptions = .client
    ) throws(JSONError) -> JSON {
        try parsing(bytes, options).get()
    }

    private static func parsing(
        _ bytes: UnsafeRawBufferPointer, _ options: JSONParseOptions
    ) -> Result<JSON, JSONError> {
        bytes.withMemoryRebound(to: UInt8.self) { text in
            var parser = JSONParser(text, options)
            do throws(JSONFault) {
                return .success(try parser.parseText())
            } catch {
                return .failure(parser.error(for: error))
            }
        }
    }
}

/// A strict one-pass parser (RFC 8259). It keeps the open containers on a stack of its own and gathers their
/// finished parts in two scratch stacks, from where they move into exactly sized arrays when a container ends.
///
/// The work on strings, numbers and containers is in the extensions of the files beside this one.
struct JSONParser: ~Copyable {
    static let maxNumberLength = 1000

    let text: UnsafeBufferPointer<UInt8>
    let options: JSONParseOptions
    let maxDepth: Int
    var position = 0
    var valuesLeft: Int

    var open = JSONScratchStack<OpenContainer>()
    /// Elements of the open arrays, the innermost array's last.
    var elements = JSONScratchStack<JSON>()
    /// Members of the open objects, the innermost object's last. The value of a member is `.null` until it is parsed.
    var members = JSONScratchStack<JSONObject.Member>()
    /// One key index per open object that has outgrown comparing, the innermost's last.
    var keyIndexes: [(depth: Int, index: JSONKeyIndex)] = []
    /// The decoded text of the string at hand, when it holds escapes.
    var decoded = JSONScratchStack<UInt8>(capacity: 256)
    /// Whether the innermost object's last member is still without its value, for the path of an error.
    var awaitsValue = false
    /// The key that occurs twice, for the error.
    var duplicateKey: String?

    struct OpenContainer {
        let isObject: Bool
        /// Where its parts begin in `elements` or `members`.
        let start: Int
        var hasDuplicates = false
    }

    init(_ text: UnsafeBufferPointer<UInt8>, _ options: JSONParseOptions) {
        self.text = text
        self.options = options
        maxDepth = options.effectiveMaxDepth
        valuesLeft = options.maxValues
    }

    mutating func parseText() throws(JSONFault) -> JSON {
        try skipByteOrderMark()
        skipSpace()
        guard position < text.count else { throw JSONFault(kind: .empty, offset: position) }
        let value = try parseValue()
        skipSpace()
        guard position == text.count else { throw JSONFault(kind: .trailingBytes, offset: position) }
        return value
    }

    /// Parses values until the outermost one is complete.
    private mutating func parseValue() throws(JSONFault) -> JSON {
        while true {
            skipSpace()
            guard var value = try beginValue() else { continue }
            while true {
                guard let container = open.last else { return value }
                if container.isObject {
                    members.updateLast { $0.value = value }
                    awaitsValue = false
                    if try continueObject() { break }
                    value = endObject()
                } else {
                    elements.push(value)
                    if try continueArray() { break }
                    value = endArray()
                }
            }
        }
    }

    /// Parses a scalar or an empty container; nil when a container has begun and its first value comes next.
    @inline(__always)
    private mutating func beginValue() throws(JSONFault) -> JSON? {
        guard position < text.count else { throw JSONFault(kind: .unexpectedEnd, offset: position) }
        valuesLeft -= 1
        guard valuesLeft >= 0 else { throw JSONFault(kind: .tooManyValues, offset: position) }
        switch text[position] {
        case UInt8(ascii: "\""):
            position += 1
            return .string(try parseString())
        case UInt8(ascii: "{"):
            if try beginObject() { return nil }
            return .object(JSONObject())
        case UInt8(ascii: "["):
            if try beginArray() { return nil }
            return .array([])
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try parseNumber())
        case UInt8(ascii: "t"): return try parseWord("true", as: true)
        case UInt8(ascii: "f"): return try parseWord("false", as: false)
        case UInt8(ascii: "n"): return try parseWord("null", as: .null)
        default: throw JSONFault(kind: .unexpectedByte, offset: position)
        }
    }

    private mutating func parseWord(_ word: StaticString, as value: JSON) throws(JSONFault) -> JSON {
        let bytes = UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
        let rest = text[position...].prefix(bytes.count)
        guard rest.elementsEqual(bytes) else {
            let isCut = position + rest.count == text.count && bytes.starts(with: rest)
            throw JSONFault(
                kind: isCut ? .unexpectedEnd : .unexpectedByte, offset: isCut ? text.count : position)
        }
        position += bytes.count
        return value
    }

    /// UTF-8 may begin with its mark. A text in UTF-16 or UTF-32 begins with another one, or with an ASCII character
    /// and thus a zero byte among the first two.
    private mutating func skipByteOrderMark() throws(JSONFault) {
        guard text.count >= 2 else { return }
        switch (text[0], text[1]) {
        case (0xEF, 0xBB) where text.count >= 3 && text[2] == 0xBF: position = 3
        case (0xFE, 0xFF), (0xFF, 0xFE), (0, _), (_, 0): throw JSONFault(kind: .unsupportedEncoding, offset: 0)
        default: break
        }
    }

    @inline(__always)
    mutating func skipSpace() {
        while position < text.count {
            switch text[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    /// The fault at this point, named by whether a byte is there.
    func unexpected(_ expected: JSONFault.Expectation) -> JSONFault {
        JSONFault(kind: position < text.count ? .unexpectedByte : .unexpectedEnd, offset: position, expected: expected)
    }
}
