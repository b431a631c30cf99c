extension JSONParser {
    /// Parses a string whose opening quote has been read. Text without escapes becomes a `String` straight from the
    /// input; with escapes it is put together in `decoded` first.
    mutating func parseString() throws(JSONFault) -> String {
        let start = position
        var isASCII = true
        try skipPlain(&isASCII)
        if text[position] == UInt8(ascii: "\"") {
            let content = UnsafeBufferPointer(rebasing: text[start..<position])
            position += 1
            return try validated(content, isASCII: isASCII, from: start)
        }
        return try parseStringWithEscapes(from: start, isASCII: isASCII)
    }

    private mutating func parseStringWithEscapes(from start: Int, isASCII: Bool) throws(JSONFault) -> String {
        var isASCII = isASCII
        decoded.removeAll()
        var runStart = start
        while true {
            decoded.push(contentsOf: UnsafeBufferPointer(rebasing: text[runStart..<position]))
            let isEscape = text[position] == UInt8(ascii: "\\")
            position += 1
            guard isEscape else { break }
            try parseEscape(&isASCII)
            runStart = position
            try skipPlain(&isASCII)
        }
        return try validated(decoded.suffix(from: 0), isASCII: isASCII, from: start)
    }

    /// Moves to the next quote or backslash.
    @inline(__always)
    private mutating func skipPlain(_ isASCII: inout Bool) throws(JSONFault) {
        while true {
            position = JSONBytes.firstSpecial(in: text, from: position, isASCII: &isASCII)
            guard position < text.count else { throw unexpected(.closingQuote) }
            if text[position] >= 0x20 { return }
            guard options.rawControlCharacters == .accept else {
                throw JSONFault(kind: .controlCharacter, offset: position)
            }
            position += 1
        }
    }

    private func validated(
        _ content: UnsafeBufferPointer<UInt8>, isASCII: Bool, from start: Int
    ) throws(JSONFault) -> String {
        if isASCII { return makeString(ascii: content) }
        do throws(UTF8.ValidationError) {
            return String(copying: try UTF8Span(validating: content.span))
        } catch {
            throw JSONFault(kind: .invalidUTF8, offset: start + offsetOfInvalidUTF8(from: start))
        }
    }

    /// Looks for the fault once more in the input itself, since offsets in decoded text are others.
    private func offsetOfInvalidUTF8(from start: Int) -> Int {
        do throws(UTF8.ValidationError) {
            _ = try UTF8Span(validating: UnsafeBufferPointer(rebasing: text[start..<position]).span)
            return 0
        } catch {
            return error.byteOffsets.lowerBound
        }
    }

    /// - Parameter content: ASCII, so that it need not be validated once more.
    func makeString(ascii content: UnsafeBufferPointer<UInt8>) -> String {
        String(copying: UTF8Span(unchecked: content.span, isKnownASCII: true))
    }
}

extension JSONParser {
    /// Decodes what follows a backslash into `decoded`.
    private mutating func parseEscape(_ isASCII: inout Bool) throws(JSONFault) {
        guard position < text.count else { throw unexpected(.closingQuote) }
        let byte = text[position]
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): decoded.push(byte)
        case UInt8(ascii: "n"): decoded.push(0x0A)
        case UInt8(ascii: "r"): decoded.push(0x0D)
        case UInt8(ascii: "t"): decoded.push(0x09)
        case UInt8(ascii: "b"): decoded.push(0x08)
        case UInt8(ascii: "f"): decoded.push(0x0C)
        case UInt8(ascii: "u"):
            let scalar = try parseUnicodeEscape()
            if !scalar.isASCII { isASCII = false }
            for byte in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter { decoded.push(byte) }
            return
        default: throw JSONFault(kind: .invalidEscape, offset: position - 1)
        }
        position += 1
    }

    /// Decodes `uXXXX`, or two of them for a surrogate pair.
    private mutating func parseUnicodeEscape() throws(JSONFault) -> Unicode.Scalar {
        let start = position - 1
        let first = try parseHexDigits()
        if let scalar = Unicode.Scalar(first) { return scalar }
        let end = position
        let left = text.count - end
        if left == 0 || left == 1 && text[end] == UInt8(ascii: "\\") {
            throw JSONFault(kind: .unexpectedEnd, offset: text.count, expected: .closingQuote)
        }
        if first < 0xDC00, text[position...].starts(with: [UInt8(ascii: "\\"), UInt8(ascii: "u")]) {
            position += 1
            let second = try parseHexDigits()
            if second >= 0xDC00, second <= 0xDFFF,
                let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
            {
                return scalar
            }
        }
        guard options.loneSurrogates == .replace else { throw JSONFault(kind: .loneSurrogate, offset: start) }
        position = end  // what followed stands for itself
        return "\u{FFFD}"
    }

    /// Reads four hexadecimal digits after the `u` at this point.
    private mutating func parseHexDigits() throws(JSONFault) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            position += 1
            guard position < text.count, let digit = JSONBytes.hexDigitValue(text[position]) else {
                throw unexpected(.hexDigits)
            }
            value = value << 4 | digit
        }
        position += 1
        return value
    }
}
