import PolluxCore

/// What an answer says: its text and its thoughts, made from the directives (protocol notes, section 15.4).
struct WebScript: Sendable {
    let text: String
    let thoughts: String
    let hasFlicker: Bool

    /// - Parameters:
    ///   - chat: As it was before this turn.
    ///   - files: The names the question gives, and what was uploaded.
    init(_ question: WebQuestion, earlier chat: WebChat, files: [(name: String, upload: WebUpload)]) {
        let directives = question.directives
        var lines: [String] = []
        var calls = ""
        for (name, value) in directives.all {
            switch name {
            case "say": lines.append(Self.withLineEnds(value))
            case "history":
                lines.append("history: " + chat.turns.map(\.firstPromptLine).joined(separator: " | "))
            case "files":
                lines.append("files: " + files.map { $0.upload.summary(name: $0.name) }.joined(separator: " "))
            case "call": calls += Self.callBlock(value)
            default: break
            }
        }
        if lines.isEmpty { lines = ["turn \(chat.turnCount + 1): \(directives.lastLine)"] }
        var text = lines.joined(separator: "\n")
        if directives.has("cite") { text += WebMediaSet.citationMark }
        text += calls
        self.text = directives.has("escape") ? WebEscaping.escaped(text) : text
        thoughts = Self.withLineEnds(directives["think"] ?? "")
        hasFlicker = directives.has("flicker")
    }

    /// `name {"a":1}` → a fenced block that asks for this call. The JSON stands as it was given, broken or not.
    private static func callBlock(_ value: String) -> String {
        let words = value.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        let name = JSON.string(String(words.first ?? "")).text
        let arguments = words.count > 1 ? words[1] : "{}"
        return "\n```pollux-call\n{\"name\": \(name), \"arguments\": \(arguments)}\n```"
    }

    private static func withLineEnds(_ text: String) -> String {
        var out: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), rest.first == UInt8(ascii: "n") {
                out.append(UInt8(ascii: "\n"))
                rest = rest.dropFirst()
            } else {
                out.append(byte)
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}

/// What the web app does to text outside code blocks: entities, and backslashes before Markdown.
enum WebEscaping {
    static func escaped(_ text: String) -> String {
        var isInFence = false
        let lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { line in
            let isFence = line.starts(with: "```".utf8) || line.starts(with: "~~~".utf8)
            if isFence { isInFence.toggle() }
            return isFence || isInFence ? String(Substring(line)) : escapedLine(line)
        }
        return lines.joined(separator: "\n")
    }

    private static func escapedLine(_ line: Substring.UTF8View) -> String {
        var out: [UInt8] = []
        for byte in line {
            switch byte {
            case UInt8(ascii: "&"): out += "&amp;".utf8
            case UInt8(ascii: "<"): out += "&lt;".utf8
            case UInt8(ascii: ">"): out += "&gt;".utf8
            case UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "_"), UInt8(ascii: "*"), UInt8(ascii: "|"):
                out += [UInt8(ascii: "\\"), byte]
            default: out.append(byte)
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}
