import PolluxCore

/// What this upstream cannot honour about a request.
enum WebRefusal {
    /// - Parameter canContinue: Whether a chat is known in which the conversation could go on; only asked when the
    ///   conversation is too long for a new one.
    static func refusal(of request: ModelRequest, maxPromptBytes: Int, canContinue: () -> Bool) -> GatewayError? {
        let able: ModelInfo.Capabilities = [.chat, .tools, .structuredOutput]
        if let refusal = request.refusal(beyond: able, webSearch: true, kind: GeminiWebProvider.kind) { return refusal }
        if let refusal = PromptWriter.refusal(of: request) { return refusal }
        do {
            _ = try PromptWriter(request).newChat().fitted(maxPromptBytes: maxPromptBytes, maxFileBytes: nil)
            return nil
        } catch {
            return error.kind == .contextTooLong && canContinue() ? nil : error
        }
    }
}
