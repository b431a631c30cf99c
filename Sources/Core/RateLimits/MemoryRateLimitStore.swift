import Synchronization

/// Limiters in this process: what one gateway needs. One lock for all of them, so that every decision is one step
/// it is held for a fraction of a microsecond.
public final class MemoryRateLimitStore: RateLimitStore {
    private let table: Mutex<LimiterTable>

    /// - Parameter capacity: The most limiters that are kept; above it, those that reset first are forgotten.
    public init(capacity: Int = 100_000) { table = Mutex(LimiterTable(capacity: capacity)) }

    /// The same as the protocol's, for callers that need not wait.
    public func decideNow(_ claims: [LimitClaim], now: Instant) -> LimitRuling {
        table.withLock { $0.decide(claims, now: now.microseconds) }
    }

    public func decide(_ claims: [LimitClaim], now: Instant) async throws(GatewayError) -> LimitRuling {
        decideNow(claims, now: now)
    }

    public func settle(_ receipt: LimitReceipt, spent: Int64, now: Instant) {
        guard !receipt.isEmpty else { return }
        table.withLock { $0.settle(receipt, spent: spent, now: now.microseconds) }
    }

    /// How many limiters are kept.
    public var count: Int { table.withLock { $0.count } }
}
