internal import PolluxCore

/// Writes turns under their headings: text, the calls of the model and what the functions answered.
struct TurnWriter: Sendable {
    private let callNames: CallNames
    private(set) var message: MessageText

    init(callNames: CallNames, media: [PromptMedia]) {
        self.callNames = callNames
        message = MessageText(media: media)
    }

    /// One text for each heading: a turn of the user may hold results and a message.
    mutating func blocks(of turn: Turn) -> [String] {
        switch turn.role {
        case .model: modelBlock(turn).map { [$0] } ?? []
        case .user: userBlocks(turn)
        }
    }

    private mutating func modelBlock(_ turn: Turn) -> String? {
        let text = message.text(of: turn.parts, isFromUser: false)
        let calls = turn.parts.compactMap { part -> String? in
            guard case .toolCall(let call) = part.content else { return nil }
            return Self.block(of: call)
        }
        let lines = (text.isEmpty ? [] : [text]) + calls
        return lines.isEmpty ? nil : (["## assistant"] + lines).joined(separator: "\n")
    }

    private mutating func userBlocks(_ turn: Turn) -> [String] {
        var blocks: [String] = []
        for run in Self.runs(of: turn.parts) {
            if run.isResults {
                let results = run.parts.compactMap { part -> String? in
                    guard case .toolResult(let result) = part.content else { return nil }
                    return block(of: result)
                }
                blocks.append((["## function results"] + results).joined(separator: "\n"))
            } else {
                let text = message.text(of: run.parts)
                guard !text.isEmpty else { continue }
                let speaker = turn.name.map { MessageText.oneLine($0) + ": " } ?? ""
                blocks.append("## user\n" + speaker + text)
            }
        }
        return blocks
    }

    /// Parts in their order, results apart from the rest.
    private static func runs(of parts: [Part]) -> [(isResults: Bool, parts: [Part])] {
        var runs: [(isResults: Bool, parts: [Part])] = []
        for part in parts {
            let isResult = if case .toolResult = part.content { true } else { false }
            if let last = runs.indices.last, runs[last].isResults == isResult {
                runs[last].parts.append(part)
            } else {
                runs.append((isResult, [part]))
            }
        }
        return runs
    }

    private static func block(of call: ToolCall) -> String {
        let arguments = LenientJSON.parse(Array(call.rawArguments.utf8)[...])
        let value =
            switch arguments {
            case .object(let object)?: JSON.object(object)
            case nil where call.rawArguments.isEmpty: JSON.object(JSONObject())
            default: JSON.string(call.rawArguments)
            }
        return Fence.block("pollux-call", "{\"name\": \(JSON.string(call.name).text), \"arguments\": \(value.text)}")
    }

    /// On one line, so whatever a function answers cannot close the block.
    private mutating func block(of result: ToolResult) -> String {
        // The whole stands inside a JSON string: headings cannot be mistaken there, so the text is left alone.
        var content = MessageText(isVerbatim: true, media: message.media)
        var text = content.text(of: result.parts)
        for added in content.media.dropFirst(message.media.count) {
            text += (text.isEmpty ? "" : "\n") + "[attachment \(added.number)]"
        }
        message = MessageText(media: content.media)
        let name = result.name.isEmpty ? callNames[result.callID] : result.name
        var members = ["\"name\": \(JSON.string(name).text)"]
        if !result.callID.isEmpty { members.append("\"id\": \(JSON.string(result.callID).text)") }
        if result.isError { members.append("\"is_error\": true") }
        members.append("\"content\": \(JSON.string(text).text)")
        return Fence.block("pollux-result", "{\(members.joined(separator: ", "))}")
    }
}

/// The function's name by the id of its call, for results that do not carry it.
struct CallNames: Sendable {
    private var names: [String: String] = [:]

    init(_ turns: [Turn]) {
        for part in turns.lazy.flatMap(\.parts) {
            if case .toolCall(let call) = part.content { names[call.id] = call.name }
        }
    }

    /// Empty for an orphan.
    subscript(id: String) -> String { names[id] ?? "" }
}

/// A fenced code block: the one place where web apps leave text as it is.
enum Fence {
    /// The fence is longer than every run of backquotes in what it encloses.
    static func block(_ info: String, _ line: String) -> String {
        var (longest, run) = (2, 0)
        for byte in line.utf8 {
            run = byte == UInt8(ascii: "`") ? run + 1 : 0
            longest = max(longest, run)
        }
        let fence = String(repeating: "`", count: longest + 1)
        return "\(fence)\(info)\n\(line)\n\(fence)"
    }
}
