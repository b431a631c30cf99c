internal import PolluxCore

/// What this upstream cannot honour about a request.
enum BusinessRefusal {
    static func refusal(of request: ModelRequest) -> GatewayError? {
        if !request.tools.isEmpty {
            return unsupported("tools", "function calling")
        }
        for case .other(let name, _) in request.hostedTools {
            return unsupported("tools", "the hosted tool \"\(name)\"")
        }
        switch request.output {
        case .text: break
        case .json, .jsonSchema: return unsupported("response_format", "a guaranteed JSON form of answers")
        }
        if request.candidateCount > 1 {
            return unsupported("n", "more than one answer to a request", instead: "send n = 1 several times")
        }
        if !request.modalities.isSubset(of: [.text]) {
            return unsupported("modalities", "answers other than text")
        }
        return refusal(ofParts: request)
    }

    private static func refusal(ofParts request: ModelRequest) -> GatewayError? {
        let turns = [request.system] + request.turns.map(\.parts)
        for part in turns.joined() {
            switch part.content {
            case .text, .reasoning, .refusal: continue
            case .media(let media): return unsupported("messages", "\(noun(media.kind)) in the prompt")
            case .toolCall, .toolResult: return unsupported("messages", "a conversation with function calls")
            }
        }
        return nil
    }

    private static func noun(_ kind: Media.Kind) -> String {
        switch kind {
        case .image: "an image"
        case .audio: "audio"
        case .video: "a video"
        case .document: "a document"
        }
    }

    private static func unsupported(
        _ param: String, _ what: String,
        instead: String = "leave it out, or choose a model of a provider of kind gemini-api or openai-compatible"
    ) -> GatewayError {
        GatewayError(
            .unsupported, .request, "providers of kind gemini-business do not offer \(what); \(instead)", param: param)
    }
}
