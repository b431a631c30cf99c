import PolluxCore

/// The `!sim …` lines of a prompt, and what the prompt says besides.
///
/// Only lines behind the last line that is exactly `## user`, `## assistant` or `## function results` count, so that
/// directives of a replayed history do nothing (protocol notes, section 15.4).
struct PromptDirectives: Sendable {
    private(set) var all: [(name: String, value: String)] = []
    /// The last line that is neither a directive nor empty; empty when there is none.
    private(set) var lastLine = ""

    private static let mark = "!sim "
    private static let headings: Set<String> = ["## user", "## assistant", "## function results"]

    init() {}

    init(in prompt: String) {
        let lines = prompt.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .map { Self.withoutCarriageReturn(Substring($0)) }
        let start = lines.lastIndex { Self.headings.contains(String($0)) }.map { $0 + 1 } ?? 0
        for line in lines[start...] {
            if line.hasPrefix(Self.mark) {
                let words = line.dropFirst(Self.mark.count).split(
                    separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
                all.append((String(words.first ?? ""), words.count > 1 ? String(words[1]) : ""))
            } else if !line.utf8.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }) {
                lastLine = String(line)
            }
        }
    }

    func has(_ name: String) -> Bool { self[name] != nil }

    /// The value of the first directive of this name; empty when it has none.
    subscript(name: String) -> String? { all.first { $0.name == name }?.value }

    /// The value's first word as a whole number; `fallback` when it is none. nil when the directive is absent.
    func int(_ name: String, or fallback: Int) -> Int? {
        guard let value = self[name] else { return nil }
        return value.split(separator: " ").first.flatMap { Int($0) } ?? fallback
    }

    /// The value as seconds, at most an hour.
    func seconds(_ name: String) -> Duration? {
        guard let seconds = self[name].flatMap({ Double($0) }), seconds > 0 else { return nil }
        return .seconds(min(seconds, 3600))
    }

    /// What an ordered fault adds.
    mutating func append(_ others: PromptDirectives) { all += others.all }

    /// Name → value, for the list of requests.
    var json: JSON { .object(JSONObject(all.map { ($0.name, .string($0.value)) })) }

    private static func withoutCarriageReturn(_ line: Substring) -> Substring {
        line.utf8.last == UInt8(ascii: "\r") ? line[..<line.utf8.index(before: line.utf8.endIndex)] : line
    }
}
