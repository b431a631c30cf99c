/// The text of an answer as a client is to see it, worked out on the whole text so far, in bytes of UTF-8.
///
/// The web app escapes HTML, leaves links that stand for pictures, and, while an answer grows, shows things at its end
/// that the next frame takes back.
/// Source: Gemini web protocol notes, sections 7.1 and 8.
enum WebText {
    /// - Parameter isGrowing: Holds back what may look different in the next frame.
    static func clean(_ raw: String, isGrowing: Bool) -> [UInt8] {
        var text = decoded(raw, isGrowing: isGrowing)
        if isGrowing { trimFlicker(&text) }
        removePlaceholders(&text)
        removeFollowUp(&text)
        if isGrowing { trimUnfinished(&text) }
        return text
    }

    /// Thoughts have no pictures and no suggestions.
    static func cleanThoughts(_ raw: String, isGrowing: Bool) -> [UInt8] {
        var text = decoded(raw, isGrowing: isGrowing)
        if isGrowing { trimFlicker(&text) }
        return text
    }

    /// A text that only names a card, whose own text stands elsewhere.
    static func isCardLink(_ raw: String) -> Bool {
        guard let rest = afterHost(Array(raw.utf8.prefix(128)), at: 0) else { return false }
        return Array(raw.utf8.prefix(128))[rest...].starts(with: "card_content/".utf8)
    }

    // MARK: The end of a growing text

    /// Drops the closing fence that is shown under an unfinished block, and a run of escapes on the last line:
    /// backslashes before one of `` ` * _ ~ `` and what follows.
    private static func trimFlicker(_ text: inout [UInt8]) {
        let fence = Array("\n```".utf8)
        if text.suffix(fence.count).elementsEqual(fence) { text.removeLast(fence.count) }
        let lineStart = text.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        var index = lineStart
        while index < text.count {
            guard text[index] == UInt8(ascii: "\\") else {
                index += 1
                continue
            }
            let runStart = index
            while index < text.count, text[index] == UInt8(ascii: "\\") { index += 1 }
            if index == text.count || "`*_~".utf8.contains(text[index]) {
                text.removeSubrange(runStart...)
                return
            }
        }
    }

    /// The longest name or number between `&` and `;`.
    private static let longestEntity = 8

    /// Without HTML's escapes, outside code blocks. One that may be half is left out of a growing text.
    private static func decoded(_ raw: String, isGrowing: Bool) -> [UInt8] {
        var bytes = Array(raw.utf8)
        if isGrowing, let mark = bytes.suffix(longestEntity + 1).lastIndex(of: UInt8(ascii: "&")),
            bytes[(mark + 1)...].allSatisfy({ isWord($0) || $0 == UInt8(ascii: "#") })
        {
            bytes.removeSubrange(mark...)
        }
        return bytes.contains(UInt8(ascii: "&")) ? unescapedOutsideCode(bytes) : bytes
    }

    /// Code blocks are the one place where the web app escapes nothing: what looks like an entity there is the model's.
    private static func unescapedOutsideCode(_ bytes: [UInt8]) -> [UInt8] {
        var plain: [UInt8] = []
        plain.reserveCapacity(bytes.count)
        var fence: (mark: UInt8, count: Int)?
        var start = 0
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? bytes.count
            let line = bytes[start..<end]
            start = end
            let content = line.drop { $0 == UInt8(ascii: " ") }
            let mark = content.first ?? 0
            let run = content.prefix { $0 == mark }.count
            let isFence = (mark == UInt8(ascii: "`") || mark == UInt8(ascii: "~")) && run >= 3
            if let open = fence {
                let isBare = content.dropFirst(run).allSatisfy { $0 == 0x20 || $0 == 0x0A || $0 == 0x0D }
                if isFence, mark == open.mark, run >= open.count, isBare { fence = nil }
                plain += line
            } else {
                if isFence { fence = (mark, run) }
                plain += HTMLText.unescaped(line)
            }
        }
        return plain
    }

    /// What may become a picture's link or a suggestion once it is complete.
    private static func trimUnfinished(_ text: inout [UInt8]) {
        // Longer than any such link that was seen.
        if let mark = text.suffix(192).indices.first(where: { isUnfinishedLink(text, at: $0) }) {
            text.removeSubrange(mark...)
        }
        if let mark = text.suffix(4096).lastIndex(of: UInt8(ascii: "<")), isUnfinishedFollowUp(text[mark...]) {
            text.removeSubrange(mark...)
        }
    }

    private static func isUnfinishedFollowUp(_ tail: ArraySlice<UInt8>) -> Bool {
        let mark = Array("<FollowUp".utf8)
        return mark.starts(with: tail) || tail.starts(with: mark)
    }

    // MARK: Links that stand for pictures

    private static let hosts = ["https://googleusercontent.com/", "http://googleusercontent.com/"].map {
        Array($0.utf8)
    }

    /// Removes `http(s)://googleusercontent.com/<words>/<number>` and the line breaks behind it.
    private static func removePlaceholders(_ text: inout [UInt8]) {
        guard text.contains(UInt8(ascii: ":")) else { return }
        var kept: [UInt8] = []
        var (index, copied) = (0, 0)
        while index < text.count {
            guard text[index] == UInt8(ascii: "h"), let end = placeholderEnd(text, at: index) else {
                index += 1
                continue
            }
            kept += text[copied..<index]
            index = end
            while index < text.count, text[index] == UInt8(ascii: "\n") { index += 1 }
            copied = index
        }
        guard copied > 0 else { return }
        kept += text[copied...]
        text = kept
    }

    private static func placeholderEnd(_ text: [UInt8], at start: Int) -> Int? {
        guard var index = afterHost(text, at: start) else { return nil }
        var (end, words): (Int?, Int) = (nil, 0)
        while true {
            if words > 0 {
                let digits = text[index...].prefix { (0x30...0x39).contains($0) }
                if !digits.isEmpty { end = digits.endIndex }
            }
            let word = text[index...].prefix(while: isWord)
            guard !word.isEmpty, word.endIndex < text.count, text[word.endIndex] == UInt8(ascii: "/") else {
                return end
            }
            index = word.endIndex + 1
            words += 1
        }
    }

    private static func afterHost(_ text: [UInt8], at start: Int) -> Int? {
        hosts.first { text[start...].starts(with: $0) }.map { start + $0.count }
    }

    /// From this byte on the text is the beginning of such a link, without its number.
    private static func isUnfinishedLink(_ text: [UInt8], at start: Int) -> Bool {
        guard text[start] == UInt8(ascii: "h") else { return false }
        if hosts.contains(where: { $0.starts(with: text[start...]) }) { return true }
        guard let index = afterHost(text, at: start) else { return false }
        return text[index...].allSatisfy { isWord($0) || $0 == UInt8(ascii: "/") }
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    // MARK: Suggestions

    /// Removes `<FollowUp label="…" query="…"/>` where it stands last, and the blanks before it.
    private static func removeFollowUp(_ text: inout [UInt8]) {
        var end = text.count
        while end > 0, isBlank(text[end - 1]) { end -= 1 }
        guard text[..<end].suffix(2).elementsEqual("/>".utf8),
            let mark = text[..<end].suffix(4096).lastIndex(of: UInt8(ascii: "<")),
            text[mark..<end].starts(with: "<FollowUp".utf8)
        else { return }
        var start = mark
        while start > 0, isBlank(text[start - 1]) { start -= 1 }
        text.removeSubrange(start...)
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }
}
