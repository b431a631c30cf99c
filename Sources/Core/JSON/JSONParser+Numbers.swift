extension JSONParser {
    /// Parses a number by the strict grammar. A canonical integer of up to 18 digits is taken on the way; anything
    /// else keeps its text.
    mutating func parseNumber() throws(JSONFault) -> JSONNumber {
        let start = position
        let isNegative = text[position] == UInt8(ascii: "-")
        if isNegative { position += 1 }
        let firstDigit = position
        var value = 0
        if position < text.count, text[position] == UInt8(ascii: "0") {
            position += 1  // a digit after it belongs to no number
        } else {
            try skipDigits { value = value &* 10 &+ Int($0) }  // may wrap around: then it is not used
        }
        let digitCount = position - firstDigit
        let integerEnd = position
        let hasExponent = try skipFractionAndExponent()
        if position == integerEnd, digitCount <= 18, !(isNegative && value == 0) {
            return JSONNumber(isNegative ? -value : value)
        }
        return try keepText(from: start, isInteger: position == integerEnd, hasExponent: hasExponent)
    }

    /// - Returns: Whether there was an exponent.
    private mutating func skipFractionAndExponent() throws(JSONFault) -> Bool {
        if position < text.count, text[position] == UInt8(ascii: ".") {
            position += 1
            try skipDigits { _ in }
        }
        guard position < text.count, text[position] | 0x20 == UInt8(ascii: "e") else { return false }
        position += 1
        if position < text.count, text[position] == UInt8(ascii: "+") || text[position] == UInt8(ascii: "-") {
            position += 1
        }
        try skipDigits { _ in }
        return true
    }

    private mutating func keepText(
        from start: Int, isInteger: Bool, hasExponent: Bool
    ) throws(JSONFault) -> JSONNumber {
        let token = UnsafeBufferPointer(rebasing: text[start..<position])
        let number = JSONNumber(checkedText: makeString(ascii: token))
        if options.extremeNumbers == .refuse {
            // Without an exponent it takes more than 300 digits to leave the range of a double.
            let mayOverflow = hasExponent || token.count > 300
            if token.count > Self.maxNumberLength || mayOverflow && number.double == nil {
                throw JSONFault(kind: .numberOutOfRange, offset: start)
            }
        }
        // The only zero that comes here is "-0", which keeps its sign.
        if isInteger, token.count <= 20, let value = number.int, value != 0 { return JSONNumber(value) }
        return number
    }

    @inline(__always)
    private mutating func skipDigits(_ take: (UInt8) -> Void) throws(JSONFault) {
        let start = position
        while position < text.count {
            let digit = text[position] &- UInt8(ascii: "0")
            guard digit <= 9 else { break }
            take(digit)
            position += 1
        }
        guard position > start else {
            throw JSONFault(
                kind: position < text.count ? .invalidNumber : .unexpectedEnd, offset: position, expected: .digit)
        }
    }
}
