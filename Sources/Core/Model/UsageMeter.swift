/// What an answer cost, from its events: what the upstream reports, and an estimate of what has come, for answers that
/// break off before a report or never have one.
public struct UsageMeter: Sendable {
    /// The last report.
    public private(set) var reported: Usage?
    private var text = TokenEstimate()
    private var media = 0

    private let estimates: Bool

    private static let tokensOfMedia = 258

    /// - Parameter estimating: Also count what comes; it costs a look at every byte.
    public init(estimating: Bool = true) { estimates = estimating }

    public mutating func note(_ event: ModelEvent) {
        if case .usage(let usage) = event { reported = usage }
        guard estimates else { return }
        switch event {
        case .textDelta(let piece), .reasoningDelta(let piece), .refusalDelta(let piece),
            .toolCallArgumentsDelta(_, let piece):
            text.add(piece)
        case .toolCallStarted(_, _, let name): text.add(name)
        case .media: media = min(media + Self.tokensOfMedia, 1 << 40)
        case .usage, .started, .candidateSelected, .signature, .citation, .extended, .heartbeat, .finished,
            .promptBlocked,
            .ended:
            break
        }
    }

    /// An estimate of the answer's tokens so far.
    public var delivered: Int { min(text.tokens, 1 << 50) + media }

    /// What is charged: the report, else what was delivered with its prompt, else nothing.
    ///
    /// - Parameters:
    ///   - prompt: An estimate, for an answer without a report.
    ///   - wasDelivered: Something of it reached the client. What did not is charged only if the upstream says so.
    public func charge(prompt: Int64, wasDelivered: Bool) -> Int64 {
        if let reported { return Int64(reported.totalTokens) }
        guard wasDelivered, delivered > 0 else { return 0 }
        return LimitMath.sum(prompt, Int64(delivered))
    }
}
