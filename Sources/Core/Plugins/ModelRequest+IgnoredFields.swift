extension ModelRequest {
    /// What this request sets and a provider may be unable to act on, by the names of the OpenAI format whatever format
    /// it came in; fields without a neutral home by the client's own names. What a provider answers to
    /// `ignoredParameters(of:)`.
    ///
    /// - Parameter known: Names of fields that are acted on.
    public func ignoredFields(besides known: Set<String> = []) -> [String] {
        let dials: [(name: String, isSet: Bool)] = [
            ("temperature", sampling.temperature != nil), ("top_p", sampling.topP != nil),
            ("top_k", sampling.topK != nil), ("max_tokens", sampling.maxOutputTokens != nil),
            ("stop", !sampling.stop.isEmpty), ("seed", sampling.seed != nil),
            ("presence_penalty", sampling.presencePenalty != nil),
            ("frequency_penalty", sampling.frequencyPenalty != nil), ("logit_bias", sampling.logitBias != nil),
            ("logprobs", sampling.logprobs == true), ("top_logprobs", sampling.topLogprobs != nil),
            ("reasoning_effort", reasoning.level != nil || reasoning.budget != nil),
            ("user", client.endUserID != nil),
        ]
        return (dials.filter(\.isSet).map(\.name) + foreignFields).filter { !known.contains($0) }
    }

    /// The names under which the client sent what stands in `extensions`.
    private var foreignFields: [String] {
        let names = extensions.keys.compactMap { name in
            ["openai.", "gemini."].first(where: name.hasPrefix).map { String(name.dropFirst($0.count)) }
        }
        return names.sorted()
    }
}
