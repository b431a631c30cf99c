/// Judges a finished answer: one without content, call or refusal is a failure, for every provider.
struct AnswerVerdict {
    private var hasContent = false
    private var finishExplainsEmptiness = false
    private var hasFinish = false

    mutating func note(_ event: ModelEvent) {
        switch event {
        case .textDelta(let text), .refusalDelta(let text):
            if !text.isEmpty { hasContent = true }
        case .toolCallStarted, .media: hasContent = true
        case .promptBlocked: (hasContent, hasFinish) = (true, true)
        case .finished(let reason):
            hasFinish = true
            switch reason {
            case .filtered, .length: finishExplainsEmptiness = true
            case .stop, .toolCalls, .malformedToolCall, .other: break
            }
        default: break
        }
    }

    func judge() throws(GatewayError) {
        guard hasFinish else {
            throw GatewayError(.upstreamTruncated, .endpoint, "the upstream's answer broke off; try again")
        }
        guard hasContent || finishExplainsEmptiness else {
            throw GatewayError(
                .upstreamBadResponse, .endpoint, "the upstream finished without an answer; try again")
        }
    }
}
