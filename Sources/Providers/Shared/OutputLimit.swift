import PolluxCore

/// Ends an answer where its text reaches the client's limit on output tokens, for upstreams that know none. Tokens are
/// estimated; thoughts do not count.
///
/// At the limit the upstream is released, which ends its transfer, and the answer ends with `.finished(.length)`, usage
/// and `.ended`. For answers of one candidate.
struct OutputLimit: EventSource {
    private var source: (any EventSource)?
    private let limit: Int
    private let inputTokens: Int
    private var text = TokenEstimate()
    private var thoughts = TokenEstimate()
    /// Events to be handed out before the source is asked again, last one first.
    private var pending: [ModelEvent] = []

    /// - Parameters:
    ///   - limit: At least one token is let through.
    ///   - inputTokens: For the estimate that a cut answer reports.
    init(_ source: any EventSource, tokens limit: Int, inputTokens: Int) {
        (self.source, self.limit, self.inputTokens) = (source, max(1, limit), inputTokens)
    }

    var isReady: Bool { !pending.isEmpty || (source?.isReady ?? true) }

    mutating func next() async throws(GatewayError) -> ModelEvent? {
        if let event = pending.popLast() { return event }
        guard let event = try await source?.next() else { return nil }
        switch event {
        case .textDelta(let delta): return take(delta)
        case .reasoningDelta(let delta): thoughts.add(delta)
        default: break
        }
        return event
    }

    private mutating func take(_ delta: String) -> ModelEvent? {
        var whole = text
        whole.add(delta)
        guard whole.tokens > limit else {
            text = whole
            return .textDelta(delta)
        }
        source = nil
        let kept = prefix(of: delta)
        var usage = Usage(inputTokens: inputTokens, outputTokens: text.tokens)
        usage.reasoningTokens = thoughts.tokens
        usage.isEstimated = true
        pending = [.ended, .usage(usage), .finished(.length)]
        if !kept.isEmpty { pending.append(.textDelta(kept)) }
        return pending.popLast()
    }

    /// As many whole characters as the limit allows, counted.
    private mutating func prefix(of delta: String) -> String {
        var kept = ""
        for character in delta {
            var longer = text
            longer.add(String(character))
            guard longer.tokens <= limit else { break }
            text = longer
            kept.append(character)
        }
        return kept
    }
}
