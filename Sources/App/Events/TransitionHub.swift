import PolluxCore

/// Every change of an account's state, for all who want to know: the counters, the messages to the operator, the event
/// stream of the admin API, the log of transitions. Outlives a reload, as the pools do that it hears from.
final class TransitionHub: TransitionObserver {
    private let hub = BroadcastHub<AccountTransition>()
    private let metrics: GatewayMetrics

    init(_ metrics: GatewayMetrics) { self.metrics = metrics }

    func happened(_ transitions: [AccountTransition]) {
        for transition in transitions { publish(transition) }
    }

    /// From any thread; waits for nobody.
    func publish(_ transition: AccountTransition) {
        metrics.happened(transition)
        hub.publish(transition)
    }

    /// What happens from now on. Ends when the subscription is let go.
    func subscribe(limit: Int = 1000) -> BroadcastHub<AccountTransition>.Subscription { hub.subscribe(limit: limit) }
}
