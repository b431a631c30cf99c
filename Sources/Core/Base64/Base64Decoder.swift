/// One run over a text. The buffers are borrowed from `Base64.decode` for the length of its call.
struct Base64Decoder {
    private let rules: Base64.DecodingRules
    private let text: UnsafeBufferPointer<UInt8>
    private let bytes: UnsafeMutableBufferPointer<UInt8>
    private(set) var written = 0
    private var position = 0

    /// - Parameter bytes: Room for three bytes per group of four characters, a begun group included.
    init(
        rules: Base64.DecodingRules, text: UnsafeBufferPointer<UInt8>, bytes: UnsafeMutableBufferPointer<UInt8>
    ) {
        (self.rules, self.text, self.bytes) = (rules, text, bytes)
    }

    /// - Returns: What is wrong, `nil` when the whole text was decoded.
    mutating func run() -> Base64Error? {
        let values = valueTable(for: rules)
        while true {
            decodeFullGroups(values)
            var group: UInt32 = 0
            var digits = 0
            while digits < 4, position < text.count {
                let value = values[Int(text[position])]
                if value < 64 {
                    group = group << 6 | UInt32(value)
                    digits += 1
                } else if text[position] == UInt8(ascii: "=") {
                    return finish(group, digits)
                } else if !(isWhitespace(text[position]) && rules.contains(.whitespace)) {
                    return Base64Error(reason: .character, offset: position)
                }
                position += 1
            }
            guard digits == 4 else { return finish(group, digits) }
            write(group, count: 3)
        }
    }

    /// The common case, four plain characters at a time.
    private mutating func decodeFullGroups(_ values: ValueTable) {
        while position &+ 4 <= text.count {
            let first = values[Int(text[position])]
            let second = values[Int(text[position &+ 1])]
            let third = values[Int(text[position &+ 2])]
            let fourth = values[Int(text[position &+ 3])]
            guard (first | second | third | fourth) < 64 else { return }
            write(UInt32(first) << 18 | UInt32(second) << 12 | UInt32(third) << 6 | UInt32(fourth), count: 3)
            position &+= 4
        }
    }

    /// Closes a last group of fewer than four characters, at the end of the text or at its first `=`.
    private mutating func finish(_ group: UInt32, _ digits: Int) -> Base64Error? {
        guard digits != 1 else { return Base64Error(reason: .length, offset: position) }
        let firstPad = position
        var pads = 0
        while position < text.count {
            if text[position] == UInt8(ascii: "=") {
                pads += 1
            } else if !(isWhitespace(text[position]) && rules.contains(.whitespace)) {
                return Base64Error(reason: .padding, offset: position)
            }
            position += 1
        }
        let needed = digits == 0 ? 0 : 4 - digits
        let padsAreRight =
            pads == needed || (pads == 0 && rules.contains(.missingPadding)) || rules.contains(.anyPadding)
        guard padsAreRight else {
            return Base64Error(reason: pads == 0 ? .length : .padding, offset: pads == 0 ? text.count : firstPad)
        }
        guard digits > 0 else { return nil }
        let whole = group << UInt32(6 * (4 - digits))
        let unused: UInt32 = digits == 2 ? 0xFFFF : 0xFF
        guard whole & unused == 0 || rules.contains(.looseBits) else {
            return Base64Error(reason: .bits, offset: firstPad - 1)
        }
        write(whole, count: digits - 1)
        return nil
    }

    private mutating func write(_ group: UInt32, count: Int) {
        bytes[written] = UInt8(truncatingIfNeeded: group >> 16)
        if count > 1 { bytes[written &+ 1] = UInt8(truncatingIfNeeded: group >> 8) }
        if count > 2 { bytes[written &+ 2] = UInt8(truncatingIfNeeded: group) }
        written &+= count
    }

    private func isWhitespace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D || byte == 0x0A }
}

/// 256 entries: the six bits of each character, 0xFF where there are none.
private typealias ValueTable = [UInt8]

private func valueTable(for rules: Base64.DecodingRules) -> ValueTable {
    switch (rules.contains(.standardAlphabet), rules.contains(.urlSafeAlphabet)) {
    case (true, true): bothValues
    case (false, true): urlSafeValues
    case (true, false): standardValues
    case (false, false): noValues
    }
}

private let noValues = ValueTable(repeating: 0xFF, count: 256)
private let standardValues = makeTable(extra: [("+", 62), ("/", 63)])
private let urlSafeValues = makeTable(extra: [("-", 62), ("_", 63)])
private let bothValues = makeTable(extra: [("+", 62), ("/", 63), ("-", 62), ("_", 63)])

private func makeTable(extra: [(Unicode.Scalar, UInt8)]) -> ValueTable {
    var table = noValues
    for value in UInt8(0)..<26 {
        table[Int(UInt8(ascii: "A") + value)] = value
        table[Int(UInt8(ascii: "a") + value)] = value + 26
    }
    for value in UInt8(0)..<10 { table[Int(UInt8(ascii: "0") + value)] = value + 52 }
    for (scalar, value) in extra { table[Int(scalar.value)] = value }
    return table
}
