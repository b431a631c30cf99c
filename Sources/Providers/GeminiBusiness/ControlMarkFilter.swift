/// Takes control marks (`<ctrl46>`: `<ctrl`, digits, `>`) out of text that arrives in pieces, also when a mark is cut
/// over pieces. The upstream's image models leak them into their text.
///
/// Source: Gemini Business protocol notes, section 6.2 (seen on the wire by one public client).
struct ControlMarkFilter: Sendable {
    /// A longer run of digits is text, so that what is held back stays small.
    private static let maxDigits = 8
    private static let opening = Array("<ctrl".utf8)

    /// The beginning of what may become a mark.
    private var held: [UInt8] = []

    /// Bytes of text that were pushed and neither returned nor dropped yet.
    var heldCount: Int { held.count }

    /// The part of the text so far that is known to be no mark.
    mutating func push(_ text: String) -> String {
        if held.isEmpty, !text.utf8.contains(UInt8(ascii: "<")) { return text }
        return String(decoding: push(text.utf8), as: UTF8.self)
    }

    mutating func push(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        var clean: [UInt8] = []
        for byte in bytes { push(byte, into: &clean) }
        return clean
    }

    /// What was held back, once no more text will come: an unfinished mark is text.
    mutating func finish() -> String {
        defer { held = [] }
        return String(decoding: held, as: UTF8.self)
    }

    private mutating func push(_ byte: UInt8, into clean: inout [UInt8]) {
        if continuesMark(byte) {
            held.append(byte)
        } else if byte == UInt8(ascii: ">"), held.count > Self.opening.count {
            held = []
        } else {
            clean += held
            held = []
            // Only `<` begins a mark and it occurs nowhere inside one, so nothing before it can.
            if byte == UInt8(ascii: "<") { held.append(byte) } else { clean.append(byte) }
        }
    }

    private func continuesMark(_ byte: UInt8) -> Bool {
        if held.count < Self.opening.count { return byte == Self.opening[held.count] }
        return (0x30...0x39).contains(byte) && held.count < Self.opening.count + Self.maxDigits
    }
}
