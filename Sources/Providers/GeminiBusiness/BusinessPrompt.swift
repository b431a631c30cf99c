internal import PolluxCore

/// The conversation as the one text that a new upstream session is given, since the upstream knows no roles.
///
/// A lone user message is sent as it is. Else each message becomes `User: <text>` (system text too) or
/// `Assistant: <text>`, each followed by an empty line. Thoughts are not sent back.
/// Source: Gemini Business protocol notes, section 7 (seed form).
struct BusinessPrompt: Sendable, Equatable {
    let text: String

    /// - Throws: `invalidRequest` when there is no text at all.
    init(_ request: ModelRequest) throws(GatewayError) {
        let messages = Self.messages(of: request)
        guard messages.contains(where: { !$0.text.isEmpty }) else {
            throw .invalid(nil, "the conversation holds no text; send at least one message with text")
        }
        if messages.count == 1, messages[0].role == .user, request.system.isEmpty {
            text = messages[0].text
        } else {
            text = messages.map { ($0.role == .user ? "User: " : "Assistant: ") + $0.text + "\n\n" }.joined()
        }
    }

    private static func messages(of request: ModelRequest) -> [(role: Turn.Role, text: String)] {
        let system = request.system.map { (role: Turn.Role.user, text: text(of: [$0])) }
        return system + request.turns.map { (role: $0.role, text: text(of: $0.parts)) }
    }

    private static func text(of parts: [Part]) -> String {
        let texts = parts.compactMap { part -> String? in
            switch part.content {
            case .text(let text), .refusal(let text): text
            case .reasoning, .media, .toolCall, .toolResult: nil
            }
        }
        return texts.joined(separator: "\n")
    }
}
