import Synchronization

/// A configured provider with what belongs to it: its accounts and its retry budget.
public final class Upstream: Sendable {
    public let name: String
    public let kind: PluginKind
    public let provider: any Provider
    public let pool: AccountPool
    private let budget: Mutex<RetryBudget>

    /// - Parameter old: Whose place it takes after a reload: what is left of its budget is taken over.
    public init(
        name: String, kind: PluginKind, provider: any Provider, pool: AccountPool, retry: RetryPolicy,
        after old: Upstream? = nil
    ) {
        (self.name, self.kind, self.provider, self.pool) = (name, kind, provider, pool)
        budget = Mutex(RetryBudget(ratio: retry.budgetRatio, tokens: old?.budget.withLock { $0.tokens } ?? 20))
    }

    /// Asks the budget for one more attempt (T-4).
    ///
    /// The first attempt that a request makes here is what its client asked for, also when another provider has failed
    /// it: without that, a provider to fall back on would be cut off as soon as it is needed.
    /// - Parameter failure: What made the request come here again; `nil` at its first attempt here.
    func mayAttempt(again failure: GatewayError?) -> Bool {
        budget.withLock { budget in
            guard let failure else {
                budget.recordFirstAttempt()
                return true
            }
            return budget.spend(afterTimeout: failure.kind == .upstreamTimeout)
        }
    }

    /// Whether the budget would allow one more attempt now.
    func hasBudget(after failure: GatewayError?) -> Bool {
        budget.withLock { $0.allows(afterTimeout: failure?.kind == .upstreamTimeout) }
    }

    /// What is left of the budget of retries.
    var retriesLeft: Double { budget.withLock { $0.tokens } }
}
