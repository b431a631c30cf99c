import PolluxCore

/// What this upstream cannot honour about a request, and what it passes over.
enum WebRefusal {
    /// - Parameter canContinue: Whether a chat is known in which the conversation could go on; only asked when the
    ///   conversation is too long for a new one.
    static func refusal(of request: ModelRequest, maxPromptBytes: Int, canContinue: () -> Bool) -> GatewayError? {
        for case .other(let name, _) in request.hostedTools {
            return unsupported("tools", "the hosted tool \"\(name)\"")
        }
        if request.candidateCount > 1 {
            return unsupported("n", "more than one answer to a request", instead: "send n = 1 several times")
        }
        if !request.modalities.isSubset(of: [.text]) { return unsupported("modalities", "answers other than text") }
        if let refusal = PromptWriter.refusal(of: request) { return refusal }
        do {
            let prompt = try PromptWriter(request).newChat()
            if !prompt.media.isEmpty { return media }
            _ = try prompt.fitted(maxPromptBytes: maxPromptBytes, maxFileBytes: nil)
            return nil
        } catch {
            return error.kind == .contextTooLong && canContinue() ? nil : error
        }
    }

    static let media = unsupported("messages", "images and files in the prompt")

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

    private static func unsupported(
        _ param: String, _ what: String,
        instead: String = "leave it out, or choose a model of a provider of kind gemini-api or openai-compatible"
    ) -> GatewayError {
        GatewayError(
            .unsupported, .request, "providers of kind gemini-web do not offer \(what); \(instead)", param: param)
    }
}
