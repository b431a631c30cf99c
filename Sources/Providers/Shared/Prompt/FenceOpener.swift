/// Recognises the line that opens a block of calls, byte by byte from the beginning of a line.
///
/// Shape: white space, three or more backticks or tildes, white space, `pollux-call`, then anything that is no part of
/// that word. Told apart as late as that, so that a gate may hold back no more than it must. Web apps put backslashes
/// before punctuation that stands outside a code block, and a model may write `pollux_call`: both are accepted.
struct FenceOpener: Sendable {
    enum Answer: Sendable {
        /// All bytes so far may begin an opener.
        case maybe
        case no
        /// The byte before this one completed the opener.
        case yes
    }

    private enum Stage: Sendable { case indent, fence(UInt8, count: Int), gap, word(matched: Int) }

    /// A longer beginning is no opener, so that what a gate holds back stays small.
    private static let maxBytes = 256
    private static let word = Array("pollux-call".utf8)

    private var stage = Stage.indent
    private var isEscaped = false
    private var count = 0

    private var isComplete: Bool {
        if case .word(let matched) = stage { matched >= Self.word.count } else { false }
    }

    mutating func push(_ byte: UInt8) -> Answer {
        if isComplete { return Self.isWordByte(byte) ? .no : .yes }
        count += 1
        guard count <= Self.maxBytes else { return .no }
        if byte == UInt8(ascii: "\\") {
            defer { isEscaped = true }
            return isEscaped ? .no : .maybe
        }
        let wasEscaped = isEscaped
        isEscaped = false
        return advance(byte, wasEscaped: wasEscaped) ? .maybe : .no
    }

    private mutating func advance(_ byte: UInt8, wasEscaped: Bool) -> Bool {
        let isSpace = !wasEscaped && (byte == 0x20 || byte == 0x09)
        switch stage {
        case .indent:
            if isSpace { return true }
            guard byte == UInt8(ascii: "`") || byte == UInt8(ascii: "~") else { return false }
            stage = .fence(byte, count: 1)
        case .fence(let mark, let marks):
            if byte == mark {
                stage = .fence(mark, count: marks + 1)
                return true
            }
            guard marks >= 3 else { return false }
            if isSpace { stage = .gap } else { return beginWord(byte, wasEscaped) }
        case .gap:
            return isSpace || beginWord(byte, wasEscaped)
        case .word(let matched):
            let expected = Self.word[matched]
            let isMatch =
                expected == UInt8(ascii: "-")
                ? byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") : !wasEscaped && byte | 0x20 == expected
            guard isMatch else { return false }
            stage = .word(matched: matched + 1)
        }
        return true
    }

    private mutating func beginWord(_ byte: UInt8, _ wasEscaped: Bool) -> Bool {
        guard !wasEscaped, byte | 0x20 == Self.word[0] else { return false }
        stage = .word(matched: 1)
        return true
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
