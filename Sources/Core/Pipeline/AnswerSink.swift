/// Where the events of an answer go. One sink serves one request through all its attempts.
///
/// It owns the commit point: the first byte to the client. Before it, an attempt's events can be forgotten.
public protocol AnswerSink: AnyObject {
    /// True once a byte went to the client; after that there is no retry.
    var isCommitted: Bool { get }
    /// No account is free: the request begins to wait for one, or has waited.
    func waits(_ isWaiting: Bool)
    /// An attempt begins: forget what an earlier one left.
    func begin(_ target: RouteTarget, attempt: Int)
    /// The upstream accepted the request and will answer, perhaps late.
    func upstreamAccepted()
    /// The attempt failed before anything was committed; another one may begin, after a pause.
    func attemptFailed()
    /// - Parameter more: Another event is ready, so nothing needs to be flushed yet.
    func take(_ event: ModelEvent, more: Bool) async throws(GatewayError)
}

extension AnswerSink {
    public func waits(_ isWaiting: Bool) {}
    public func attemptFailed() {}
}

/// Folds the answer for a client that wants it whole. Nothing is committed before the end.
public final class WholeAnswerSink: AnswerSink {
    private var reducer = ModelResponseReducer()
    public init() {}

    public var isCommitted: Bool { false }
    public var response: ModelResponse { reducer.response }
    public func begin(_ target: RouteTarget, attempt: Int) { reducer = ModelResponseReducer() }
    public func upstreamAccepted() {}
    public func take(_ event: ModelEvent, more: Bool) async throws(GatewayError) { reducer.apply(event) }
}
