import Synchronization

/// A configured provider with what belongs to it: its accounts and its retry budget.
public final class Upstream: Sendable {
    public let name: String
    public let kind: PluginKind
    public let provider: any Provider
    public let pool: AccountPool
    private let budget: Mutex<RetryBudget>

    public init(name: String, kind: PluginKind, provider: any Provider, pool: AccountPool, retry: RetryPolicy) {
        (self.name, self.kind, self.provider, self.pool) = (name, kind, provider, pool)
        budget = Mutex(RetryBudget(ratio: retry.budgetRatio))
    }

    /// Asks the budget for one more attempt.
    func mayAttempt(after failure: GatewayError?) -> Bool {
        budget.withLock { budget in
            guard let failure else {
                budget.recordFirstAttempt()
                return true
            }
            return budget.spend(afterTimeout: failure.kind == .upstreamTimeout)
        }
    }
}
