/// A field of a request that a provider may be unable to act on, by its name in the OpenAI format.
public enum RequestField: String, Sendable, CaseIterable {
    case temperature
    case topP = "top_p"
    case topK = "top_k"
    case maxTokens = "max_tokens"
    case stop
    case seed
    case presencePenalty = "presence_penalty"
    case frequencyPenalty = "frequency_penalty"
    case logitBias = "logit_bias"
    case logprobs
    case topLogprobs = "top_logprobs"
    case parallelToolCalls = "parallel_tool_calls"
    case reasoningEffort = "reasoning_effort"
    case user
}

extension ModelRequest {
    /// What this request sets and a provider does not act on: by the names of the OpenAI format whatever format it came
    /// in, and what has no neutral home by the client's own names. The answer to `ignoredParameters(of:)`.
    ///
    /// - Parameter known: Fields that are acted on.
    public func ignoredFields(besides known: Set<RequestField> = []) -> [String] {
        let fields = RequestField.allCases.filter { !known.contains($0) && sets($0) }.map(\.rawValue)
        let foreign = extensions.keys.compactMap { name in
            ["openai.", "gemini."].first(where: name.hasPrefix).map { String(name.dropFirst($0.count)) }
        }
        return fields + foreign.sorted()
    }

    private func sets(_ field: RequestField) -> Bool {
        switch field {
        case .temperature: sampling.temperature != nil
        case .topP: sampling.topP != nil
        case .topK: sampling.topK != nil
        case .maxTokens: sampling.maxOutputTokens != nil
        case .stop: !sampling.stop.isEmpty
        case .seed: sampling.seed != nil
        case .presencePenalty: sampling.presencePenalty != nil
        case .frequencyPenalty: sampling.frequencyPenalty != nil
        case .logitBias: sampling.logitBias != nil
        case .logprobs: sampling.logprobs == true
        case .topLogprobs: sampling.topLogprobs != nil
        case .parallelToolCalls: parallelToolCalls != nil && !tools.isEmpty
        case .reasoningEffort: reasoning.level != nil || reasoning.budget != nil
        case .user: client.endUserID != nil
        }
    }
}
