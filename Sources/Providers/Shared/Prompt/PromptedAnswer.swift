internal import PolluxCore

/// What the client asked for and an upstream with nothing but a message box knows nothing of, put around its answer.
enum PromptedAnswer {
    /// - Parameters:
    ///   - answer: As the upstream gave it.
    ///   - inputTokens: For the estimate that a cut answer reports.
    ///   - repair: Asks the same chat again, with this prompt.
    ///   - keep: Told at the end what the client got. Not for an answer that was cut here: its chat has heard more.
    static func stream(
        _ answer: any EventSource, to request: ModelRequest, inputTokens: Int,
        repair: @escaping StructuredSource.Repair, keep: @escaping @Sendable (_ parts: [Part]) -> Void
    ) -> EventStream {
        var answer: any EventSource = CallingAnswer(answer, to: request)
        if let wanted = StructuredAnswer(request.output) {
            answer = StructuredSource(answer, wanted, repair: repair)
        }
        answer = KeptAnswer(answer, keep: keep)
        let sampling = request.sampling
        if !sampling.stop.isEmpty { answer = StopFilter(answer, stop: sampling.stop, inputTokens: inputTokens) }
        if let limit = sampling.maxOutputTokens {
            answer = OutputLimit(answer, tokens: limit, inputTokens: inputTokens)
        }
        return EventStream(answer)
    }
}
