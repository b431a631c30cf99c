/// Why a text was refused, and where.
public struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Bounded, so that it can label a metric.
    public enum Kind: String, Sendable, CaseIterable {
        case empty, unsupportedEncoding, unexpectedEnd, unexpectedByte, trailingBytes
        case invalidNumber, numberOutOfRange
        case controlCharacter, invalidEscape, loneSurrogate, invalidUTF8
        case duplicateKey, tooDeep, tooManyValues
    }

    public let kind: Kind
    /// Bytes before the fault.
    public let offset: Int
    /// Counted from 1.
    public let line: Int
    /// Counted from 1, in Unicode scalars.
    public let column: Int
    /// Where in the value, such as `messages[3].content`; empty at the top. At most about 200 bytes.
    public let path: String
    /// One sentence: what is wrong and what would be right. Quotes at most one character or key of the input.
    public let message: String

    /// The message with its place, for people.
    public var description: String {
        let place = "line \(line), column \(column)"
        return path.isEmpty ? "\(message) (\(place))" : "\(message) (\(place), in \(path))"
    }
}

/// What the parser throws inside: small, so that the parser stays fast. Text and place are worked out once, at the end.
struct JSONFault: Error {
    let kind: JSONError.Kind
    let offset: Int
    var expected = Expectation.value

    enum Expectation {
        case value, key, colon, commaOrBrace, commaOrBracket, digit, closingQuote, hexDigits

        var phrase: String {
            switch self {
            case .value: "a value"
            case .key: "a key in double quotes"
            case .colon: "':' after the key"
            case .commaOrBrace: "',' or '}'"
            case .commaOrBracket: "',' or ']'"
            case .digit: "a digit"
            case .closingQuote: "the closing quote of a string"
            case .hexDigits: "four hexadecimal digits after \\u"
            }
        }
    }
}

extension JSONFault {
    /// Completes the fault for the caller.
    /// - Parameter key: The key that occurs twice, when that is the fault.
    func error(
        in text: UnsafeBufferPointer<UInt8>, path: String, key: String?, options: JSONParseOptions
    ) -> JSONError {
        let (line, column) = place(in: text)
        return JSONError(
            kind: kind, offset: offset, line: line, column: column, path: path,
            message: message(found: offset < text.count ? text[offset] : nil, key: key, options: options))
    }

    private func place(in text: UnsafeBufferPointer<UInt8>) -> (line: Int, column: Int) {
        var (line, column) = (1, 1)
        for byte in text.prefix(offset) {
            if byte == UInt8(ascii: "\n") {
                (line, column) = (line + 1, 1)
            } else if byte & 0xC0 != 0x80 {  // a continuation byte belongs to the character before it
                column += 1
            }
        }
        return (line, column)
    }

    private func message(found byte: UInt8?, key: String?, options: JSONParseOptions) -> String {
        switch kind {
        case .empty: "the text is empty; send one JSON value"
        case .unsupportedEncoding: "the text looks like UTF-16 or UTF-32; send it as UTF-8"
        case .unexpectedEnd: "the text ends where \(expected.phrase) should stand; it may have been cut off"
        case .unexpectedByte: "expected \(expected.phrase), found \(Self.name(byte))"
        case .trailingBytes: "expected nothing after the JSON value, found \(Self.name(byte)); send exactly one value"
        case .invalidNumber: "expected a digit in this number, found \(Self.name(byte))"
        case .numberOutOfRange:
            "this number is too large; it must fit a 64-bit floating-point number"
                + " and have at most \(JSONParser.maxNumberLength) characters"
        case .controlCharacter: "a string holds a raw control character, \(Self.name(byte)); write it as an escape"
        case .invalidEscape: "this is no JSON escape; use \\\" \\\\ \\/ \\b \\f \\n \\r \\t or \\u with four digits"
        case .loneSurrogate: "this escape is half of a surrogate pair; send both halves or the character itself"
        case .invalidUTF8: "these bytes are not UTF-8; encode the text as UTF-8"
        case .duplicateKey: "the key \(JSONPath.quoted(key ?? "")) occurs twice in one object; keep one of them"
        case .tooDeep: "arrays and objects nest deeper than \(options.effectiveMaxDepth) levels"
        case .tooManyValues: "the text holds more than \(options.maxValues) values"
        }
    }

    private static func name(_ byte: UInt8?) -> String {
        guard let byte else { return "the end of the text" }
        if byte > 0x20, byte < 0x7F { return "'\(Character(Unicode.Scalar(byte)))'" }
        return "byte 0x" + (byte < 0x10 ? "0" : "") + String(byte, radix: 16, uppercase: true)
    }
}
