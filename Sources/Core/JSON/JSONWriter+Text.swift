extension JSONWriter {
    /// Appends a string in quotes. Escaped are the quote, the backslash, controls, and the line separators U+0085,
    /// U+2028 and U+2029, which some readers of event streams and of JavaScript take for line ends.
    public static func appendString(_ string: String, to bytes: inout [UInt8]) {
        var string = string
        string.withUTF8 { text in
            let first = JSONBytes.firstEscapeCandidate(in: text, from: 0, to: text.count)
            bytes.append(addingCapacity: text.count + 2) { output in
                output.append(UInt8(ascii: "\""))
                output.append(text, from: 0, to: first)
                if first == text.count { output.append(UInt8(ascii: "\"")) }
            }
            if first < text.count { appendEscaped(text, from: first, to: &bytes) }
        }
    }

    static func appendInteger(_ value: Int, to bytes: inout [UInt8]) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var start = 20
            var rest = value.magnitude
            repeat {
                let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
                start -= 1
                digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit)
                rest = quotient
            } while rest > 0
            if value < 0 { bytes.append(UInt8(ascii: "-")) }
            bytes.append(contentsOf: digits[start..<20])
        }
    }

    static func append(_ text: StaticString, to bytes: inout [UInt8]) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    /// Appends the rest of a string from its first escape candidate on, and the closing quote. Room is made for
    /// `chunkLength` bytes at a time, each of which may become an escape of six.
    private static func appendEscaped(
        _ text: UnsafeBufferPointer<UInt8>, from start: Int, to bytes: inout [UInt8]
    ) {
        var position = start
        while position < text.count {
            let end = min(position + chunkLength, text.count)
            bytes.append(addingCapacity: 6 * chunkLength) { output in
                while position < end {
                    let length = escapedLength(text, at: position)
                    if length > 0 { appendEscape(of: text, at: position, to: &output) }
                    let run = position + length
                    // At least one byte further: a candidate that needs no escape is the first of a run.
                    position = JSONBytes.firstEscapeCandidate(in: text, from: max(run, position + 1), to: end)
                    output.append(text, from: run, to: position)
                }
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private static let chunkLength = 256

    /// The length in bytes of the character at a candidate when it must be escaped, else 0.
    private static func escapedLength(_ text: UnsafeBufferPointer<UInt8>, at position: Int) -> Int {
        switch text[position] {
        case 0xC2: position + 1 < text.count && text[position + 1] == 0x85 ? 2 : 0
        case 0xE2:
            position + 2 < text.count && text[position + 1] == 0x80 && text[position + 2] | 1 == 0xA9 ? 3 : 0
        case let byte: JSONBytes.isSpecial(byte) ? 1 : 0
        }
    }

    @inline(__always)
    private static func appendEscape(
        of text: UnsafeBufferPointer<UInt8>, at position: Int, to output: inout OutputSpan<UInt8>
    ) {
        switch text[position] {
        case UInt8(ascii: "\""): output.appendEscape(UInt8(ascii: "\""))
        case UInt8(ascii: "\\"): output.appendEscape(UInt8(ascii: "\\"))
        case 0x0A: output.appendEscape(UInt8(ascii: "n"))
        case 0x0D: output.appendEscape(UInt8(ascii: "r"))
        case 0x09: output.appendEscape(UInt8(ascii: "t"))
        case 0x08: output.appendEscape(UInt8(ascii: "b"))
        case 0x0C: output.appendEscape(UInt8(ascii: "f"))
        case 0xC2: output.appendHexEscape(0x0085)
        case 0xE2: output.appendHexEscape(text[position + 2] == 0xA8 ? 0x2028 : 0x2029)
        case let control: output.appendHexEscape(UInt16(control))
        }
    }
}

extension OutputSpan<UInt8> {
    @inline(__always)
    fileprivate mutating func append(_ text: UnsafeBufferPointer<UInt8>, from start: Int, to end: Int) {
        guard end > start else { return }
        withUnsafeMutableBufferPointer { buffer, count in
            let free = UnsafeMutableBufferPointer(rebasing: buffer[count...])
            count += free.initialize(fromContentsOf: text[start..<end])
        }
    }

    @inline(__always)
    fileprivate mutating func appendEscape(_ character: UInt8) {
        append(UInt8(ascii: "\\"))
        append(character)
    }

    fileprivate mutating func appendHexEscape(_ unit: UInt16) {
        appendEscape(UInt8(ascii: "u"))
        for shift: UInt16 in [12, 8, 4, 0] {
            let digit = UInt8(truncatingIfNeeded: unit >> shift & 0xF)
            append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }
}
