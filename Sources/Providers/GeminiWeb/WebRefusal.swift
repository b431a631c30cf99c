import PolluxCore

/// What this upstream cannot honour about a request, and what it passes over.
enum WebRefusal {
    static func refusal(of request: ModelRequest, maxPromptBytes: Int) -> GatewayError? {
        if !request.tools.isEmpty { return unsupported("tools", "function calling") }
        for case .other(let name, _) in request.hostedTools {
            return unsupported("tools", "the hosted tool \"\(name)\"")
        }
        if request.output != .text { return unsupported("response_format", "a guaranteed JSON form of answers") }
        if request.candidateCount > 1 {
            return unsupported("n", "more than one answer to a request", instead: "send n = 1 several times")
        }
        if !request.modalities.isSubset(of: [.text]) { return unsupported("modalities", "answers other than text") }
        return refusal(ofParts: request) ?? refusal(ofText: request, maxPromptBytes)
    }

    /// The names of fields that the client sent and that make no difference here.
    static func ignoredParameters(of request: ModelRequest) -> [String] {
        let sampling = request.sampling
        let fields: [(name: String, isSet: Bool)] = [
            ("temperature", sampling.temperature != nil), ("top_p", sampling.topP != nil),
            ("top_k", sampling.topK != nil), ("seed", sampling.seed != nil),
            ("presence_penalty", sampling.presencePenalty != nil),
            ("frequency_penalty", sampling.frequencyPenalty != nil), ("logit_bias", sampling.logitBias != nil),
            ("logprobs", sampling.logprobs == true), ("top_logprobs", sampling.topLogprobs != nil),
        ]
        return fields.filter(\.isSet).map(\.name)
    }

    private static func refusal(ofParts request: ModelRequest) -> GatewayError? {
        for part in ([request.system] + request.turns.map(\.parts)).joined() {
            switch part.content {
            case .text, .reasoning, .refusal: continue
            case .media: return unsupported("messages", "images and files in the prompt")
            case .toolCall, .toolResult: return unsupported("messages", "a conversation with function calls")
            }
        }
        return nil
    }

    private static func refusal(ofText request: ModelRequest, _ maxPromptBytes: Int) -> GatewayError? {
        let count = WebPrompt(request).text.utf8.count
        if count == 0 {
            return .invalid("messages", "the conversation holds no text; send at least one message with text")
        }
        guard count > maxPromptBytes else { return nil }
        return GatewayError(
            .contextTooLong, .request,
            "the conversation has \(count) bytes of text, and the upstream cuts it above \(maxPromptBytes); shorten it",
            param: "messages")
    }

    private static func unsupported(
        _ param: String, _ what: String,
        instead: String = "leave it out, or choose a model of a provider of kind gemini-api or openai-compatible"
    ) -> GatewayError {
        GatewayError(
            .unsupported, .request, "providers of kind gemini-web do not offer \(what); \(instead)", param: param)
    }
}

/// The conversation as the one text that a new chat is given, since the upstream knows no roles.
struct WebPrompt: Sendable, Equatable {
    let text: String

    init(_ request: ModelRequest) {
        let system = request.system.map { (role: Turn.Role.user, text: Self.text(of: [$0])) }
        let messages = system + request.turns.map { (role: $0.role, text: Self.text(of: $0.parts)) }
        if messages.count == 1 || messages.allSatisfy(\.text.isEmpty) {
            text = messages.first?.text ?? ""
        } else {
            text = messages.map { ($0.role == .user ? "## user\n" : "## assistant\n") + $0.text }
                .joined(separator: "\n")
        }
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
