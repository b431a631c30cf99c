import PolluxCore

/// A request in the words of Acme's chat.
enum AcmeChatRequest {
    static func body(of request: ModelRequest) -> JSON {
        let system = request.system.compactMap(text).map { ["who": "system", "text": .string($0)] as JSON }
        var body = JSONObject([
            ("model", .string(request.resolvedModel)), ("talk", .array(system + request.turns.flatMap(lines))),
        ])
        if let limit = request.sampling.maxOutputTokens { body["most"] = .number(JSONNumber(limit)) }
        guard !request.tools.isEmpty else { return .object(body) }
        let (use, allowed) = choice(request.toolChoice)
        body["use"] = .string(use)
        body["functions"] = .array(
            request.tools.filter { allowed?.contains($0.name) ?? true }.map { tool in
                [
                    "name": .string(tool.name), "about": .string(tool.description ?? ""),
                    "input": tool.schema ?? ["type": "object", "properties": [:]],
                ]
            })
        return .object(body)
    }

    /// Acme cannot be told names, so only the allowed functions are shown to it.
    private static func choice(_ choice: ToolChoice) -> (use: String, allowed: [String]?) {
        switch choice {
        case .auto: ("free", nil)
        case .none: ("never", nil)
        case .required: ("must", nil)
        case .mustCall(let names): ("must", names)
        case .mayCall(let names): ("free", names)
        }
    }

    /// A turn holds several parts; Acme takes one thing a line.
    private static func lines(of turn: Turn) -> [JSON] {
        turn.parts.compactMap { part in
            switch part.content {
            case .text(let text), .refusal(let text):
                ["who": turn.role == .user ? "user" : "acme", "text": .string(text)]
            case .toolCall(let call):
                [
                    "who": "acme", "call": .string(call.id), "function": .string(call.name),
                    "json": .string(call.rawArguments),
                ]
            case .toolResult(let result):
                [
                    "who": "function", "call": .string(result.callID),
                    "text": .string(result.parts.compactMap(text).joined(separator: "\n")),
                ]
            // Thoughts of earlier answers help nobody here. Media never comes: no model offers it.
            case .reasoning, .media: nil
            }
        }
    }

    private static func text(of part: Part) -> String? {
        if case .text(let text) = part.content { text } else { nil }
    }
}
