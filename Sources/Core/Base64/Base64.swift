/// Base64 (RFC 4648): the standard alphabet (section 4) and the URL-safe one (section 5), with or without padding.
public enum Base64 {
    public enum Alphabet: Sendable {
        /// `+` and `/` for 62 and 63.
        case standard
        /// `-` and `_` for 62 and 63.
        case urlSafe
    }

    /// The text of `bytes`.
    ///
    /// - Parameter padding: Fills the last group up to four characters with `=`. `nil` does what the alphabet is
    ///   usually seen with: padded for the standard one, bare for the URL-safe one.
    public static func encode(_ bytes: [UInt8], _ alphabet: Alphabet = .standard, padding: Bool? = nil) -> String {
        let pads = padding ?? (alphabet == .standard)
        return String(unsafeUninitializedCapacity: encodedCount(of: bytes.count, padding: pads)) { text in
            bytes.withUnsafeBufferPointer { write($0, as: alphabet, padding: pads, into: text) }
        }
    }

    /// Appends the text of `bytes` to a message that is being built, without a `String` in between.
    public static func append(
        _ bytes: [UInt8], _ alphabet: Alphabet = .standard, padding: Bool? = nil, to message: inout [UInt8]
    ) {
        let pads = padding ?? (alphabet == .standard)
        let encoded = [UInt8](unsafeUninitializedCapacity: encodedCount(of: bytes.count, padding: pads)) {
            text, count in
            count = bytes.withUnsafeBufferPointer { write($0, as: alphabet, padding: pads, into: text) }
        }
        message += encoded
    }

    /// The bytes that a text stands for.
    ///
    /// - Throws: `Base64Error` with the place of the first character that the rules refuse.
    public static func decode(_ text: String, _ rules: DecodingRules = .strict) throws(Base64Error) -> [UInt8] {
        try decode(Array(text.utf8), rules)
    }

    /// The bytes that an ASCII text stands for.
    ///
    /// - Throws: `Base64Error` with the place of the first character that the rules refuse.
    public static func decode(_ text: [UInt8], _ rules: DecodingRules = .strict) throws(Base64Error) -> [UInt8] {
        var failure: Base64Error?
        let bytes = [UInt8](unsafeUninitializedCapacity: text.count / 4 * 3 + 3) { bytes, count in
            text.withUnsafeBufferPointer { text in
                var decoder = Base64Decoder(rules: rules, text: text, bytes: bytes)
                failure = decoder.run()
                count = decoder.written
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// What a decoder accepts beside the plain form.
    public struct DecodingRules: OptionSet, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        public static let standardAlphabet = DecodingRules(rawValue: 1)
        public static let urlSafeAlphabet = DecodingRules(rawValue: 2)
        /// The last group may lack its `=` altogether.
        public static let missingPadding = DecodingRules(rawValue: 4)
        /// More or fewer `=` at the end than the last group needs.
        public static let anyPadding = DecodingRules(rawValue: 8)
        /// Space, tab, CR and LF are skipped.
        public static let whitespace = DecodingRules(rawValue: 16)
        /// The unused bits of the last character may be set.
        public static let looseBits = DecodingRules(rawValue: 32)

        /// The standard alphabet with exact padding.
        public static let strict: DecodingRules = [.standardAlphabet]
        /// The URL-safe alphabet, padded or not.
        public static let urlSafe: DecodingRules = [.urlSafeAlphabet, .missingPadding]
        /// Both alphabets, even mixed, any padding, white space: for data whose writer is not known.
        public static let lenient: DecodingRules = [
            .standardAlphabet, .urlSafeAlphabet, .anyPadding, .whitespace, .looseBits,
        ]
    }

    private static func encodedCount(of count: Int, padding: Bool) -> Int {
        let (groups, rest) = count.quotientAndRemainder(dividingBy: 3)
        return groups * 4 + (rest == 0 ? 0 : padding ? 4 : rest + 1)
    }

    /// - Returns: How many characters were written.
    private static func write(
        _ bytes: UnsafeBufferPointer<UInt8>, as alphabet: Alphabet, padding: Bool,
        into text: UnsafeMutableBufferPointer<UInt8>
    ) -> Int {
        let digits: StaticString =
            switch alphabet {
            case .standard: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
            case .urlSafe: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
            }
        let digit = digits.utf8Start
        var source = 0
        var target = 0
        while source &+ 3 <= bytes.count {
            let group = UInt32(bytes[source]) << 16 | UInt32(bytes[source &+ 1]) << 8 | UInt32(bytes[source &+ 2])
            text[target] = digit[Int(group >> 18)]
            text[target &+ 1] = digit[Int(group >> 12 & 63)]
            text[target &+ 2] = digit[Int(group >> 6 & 63)]
            text[target &+ 3] = digit[Int(group & 63)]
            source &+= 3
            target &+= 4
        }
        let rest = bytes.count - source
        guard rest > 0 else { return target }
        let group = UInt32(bytes[source]) << 16 | (rest == 2 ? UInt32(bytes[source + 1]) << 8 : 0)
        for index in 0...rest { text[target + index] = digit[Int(group >> UInt32(18 - 6 * index) & 63)] }
        target += rest + 1
        guard padding else { return target }
        for _ in rest..<3 {
            text[target] = UInt8(ascii: "=")
            target += 1
        }
        return target
    }
}

/// Why a text is not Base64, and where.
public struct Base64Error: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Reason: String, Sendable {
        case character = "is not a character of the Base64 alphabet"
        case padding = "is not where or how padding belongs"
        case length = "ends inside a group of four characters"
        case bits = "carries bits that stand for nothing"
    }

    public let reason: Reason
    /// Counted from 0, in bytes of the text.
    public let offset: Int

    public init(reason: Reason, offset: Int) { (self.reason, self.offset) = (reason, offset) }

    public var description: String { "the Base64 text \(reason.rawValue) at byte \(offset)" }
}
