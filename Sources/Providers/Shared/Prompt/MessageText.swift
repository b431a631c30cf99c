internal import PolluxCore

/// The text of a message's parts, and the files it holds.
///
/// Thoughts are not sent back. A file leaves a mark at its place, except in a message that is sent as it is. A line
/// that reads like a heading of ours gets a backslash, so that text from outside cannot pass for another speaker.
struct MessageText: Sendable {
    private let isVerbatim: Bool
    private(set) var media: [PromptMedia]

    private static let headings: Set<String> = [
        "# INSTRUCTIONS", "# FUNCTIONS", "# OUTPUT FORMAT", "# CONVERSATION", "## user", "## assistant",
        "## function results",
    ]
    private static let longestHeading = 24

    init(isVerbatim: Bool = false, media: [PromptMedia] = []) {
        (self.isVerbatim, self.media) = (isVerbatim, media)
    }

    mutating func text(of parts: [Part], isFromUser: Bool = true) -> String {
        var texts: [String] = []
        for part in parts {
            switch part.content {
            case .text(let text), .refusal(let text): if !text.isEmpty { texts.append(text) }
            case .media(let media):
                let mark = note(media, isFromUser: isFromUser)
                if !isVerbatim { texts.append(mark) }
            case .reasoning, .toolCall, .toolResult: continue
            }
        }
        let text = texts.joined(separator: "\n")
        return isVerbatim ? text : Self.withoutHeadings(text)
    }

    private mutating func note(_ media: Media, isFromUser: Bool) -> String {
        let number = self.media.count + 1
        self.media.append(PromptMedia(number: number, media: media, isFromUser: isFromUser))
        guard let name = media.displayName, !name.isEmpty else { return "[attachment \(number)]" }
        return "[attachment \(number): \(Self.oneLine(name))]"
    }

    /// The text with LF as its only line end.
    static func withPlainLineEnds(_ text: String) -> String {
        guard text.utf8.contains(0x0D) else { return text }
        var plain: [UInt8] = []
        plain.reserveCapacity(text.utf8.count)
        var previous: UInt8 = 0
        for byte in text.utf8 {
            if byte == 0x0D { plain.append(0x0A) } else if byte != 0x0A || previous != 0x0D { plain.append(byte) }
            previous = byte
        }
        return String(decoding: plain, as: UTF8.self)
    }

    /// A name from outside in words of ours: without line ends, and short.
    static func oneLine(_ name: String) -> String {
        String(name.unicodeScalars.prefix(200).map { $0.value < 0x20 ? " " : Character($0) })
    }

    static func withoutHeadings(_ text: String) -> String {
        let text = withPlainLineEnds(text)
        guard text.utf8.contains(UInt8(ascii: "#")) else { return text }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.contains(where: isHeading) else { return text }
        return lines.map { isHeading($0) ? "\\" + $0 : String($0) }.joined(separator: "\n")
    }

    private static func isHeading(_ line: Substring) -> Bool {
        guard line.utf8.first == UInt8(ascii: "#"), line.utf8.count <= longestHeading else { return false }
        var line = line
        while let last = line.last, last.isWhitespace { line.removeLast() }
        return headings.contains(String(line))
    }
}
