internal import PolluxCore

extension ModelRequest {
    /// The dials that this request sets, by their names in the OpenAI format, whatever format it came in. For providers
    /// whose upstream lacks them (`Provider.ignoredParameters`).
    var dials: [String] {
        let numbers: [(String, Bool)] = [
            ("temperature", sampling.temperature != nil), ("top_p", sampling.topP != nil),
            ("top_k", sampling.topK != nil), ("max_tokens", sampling.maxOutputTokens != nil),
            ("seed", sampling.seed != nil), ("presence_penalty", sampling.presencePenalty != nil),
            ("frequency_penalty", sampling.frequencyPenalty != nil), ("logit_bias", sampling.logitBias != nil),
            ("logprobs", sampling.logprobs == true), ("top_logprobs", sampling.topLogprobs != nil),
            ("reasoning_effort", reasoning.level != nil || reasoning.budget != nil),
        ]
        return numbers.filter(\.1).map(\.0)
    }
}
