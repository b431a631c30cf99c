import PolluxCore

/// The sources that stand behind one mark in an answer's text, as in ` [cite: 1, 2]`.
///
/// Source: Gemini web protocol notes, section 7.2, field 43.
struct WebCitation: Sendable, Equatable {
    let mark: String
    let sources: [Source]

    struct Source: Sendable, Equatable {
        let url: String
        let title: String
    }

    private static let maxGroups = 500

    /// - Returns: `nil` for a group without a mark or without sources.
    private init?(_ group: JSON) {
        guard let mark = group[0]?[0]?.someText ?? group[0]?.someText else { return nil }
        self.mark = mark
        sources = (group[1]?.array ?? []).prefix(50).compactMap { source in
            guard let place = source[3]?[0], let url = place[1]?.someText else { return nil }
            return Source(url: url, title: place[2]?.string ?? "")
        }
        if sources.isEmpty { return nil }
    }

    static func read(_ groups: [JSON]) -> [WebCitation] { groups.prefix(maxGroups).compactMap { WebCitation($0) } }

    /// Finds the marks in the text, one behind the other; a mark that is not there is left out.
    static func place(_ groups: [WebCitation], in text: [UInt8]) -> [Citation] {
        var position = 0
        var placed: [Citation] = []
        for group in groups {
            let mark = Array(group.mark.utf8)
            guard let start = find(mark, in: text, from: position) else { continue }
            position = start + mark.count
            placed += group.sources.map { Citation(url: $0.url, title: $0.title, range: start..<position) }
        }
        return placed
    }

    private static func find(_ mark: [UInt8], in text: [UInt8], from start: Int) -> Int? {
        guard let first = mark.first, text.count >= mark.count, start <= text.count - mark.count else { return nil }
        return (start...(text.count - mark.count)).first {
            text[$0] == first && text[$0..<($0 + mark.count)].elementsEqual(mark)
        }
    }
}
