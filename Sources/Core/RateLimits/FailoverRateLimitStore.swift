import Synchronization

/// A store that others share, and what happens while it cannot be asked (`rate_limit.on_redis_failure`).
public final class FailoverRateLimitStore: RateLimitStore {
    public enum Mode: String, Sendable, CaseIterable {
        /// Each gateway counts by itself, and takes its share of every limit.
        case local
        /// Everything is let through.
        case open
        /// Nothing is: 503.
        case closed
    }

    private let shared: any RateLimitStore
    private let local = MemoryRateLimitStore()
    private let mode: Mode
    private let nodes: Int64
    private let log: Logger
    private let isAway = Atomic(false)

    /// - Parameter nodes: Gateways that share the store.
    public init(_ shared: any RateLimitStore, mode: Mode, nodes: Int, log: Logger) {
        (self.shared, self.mode, self.nodes, self.log) = (shared, mode, Int64(max(1, nodes)), log)
    }

    public func decide(_ claims: [LimitClaim], now: Instant) async throws(GatewayError) -> LimitRuling {
        do throws(GatewayError) {
            let ruling = try await shared.decide(claims, now: now)
            noteReturn()
            return ruling
        } catch {
            noteFailure(error)
            switch mode {
            case .closed: throw error
            case .open: return LimitRuling(outcomes: [])
            case .local:
                var ruling = local.decideNow(claims.map(share), now: now)
                ruling.receipt.isStandIn = true
                return ruling
            }
        }
    }

    /// While the shared store is away, those that this gateway itself gave out since; none where nothing is counted.
    public func held(_ limiters: [LimiterID], now: Instant) async throws(GatewayError) -> [Int64] {
        do throws(GatewayError) { return try await shared.held(limiters, now: now) } catch {
            switch mode {
            case .closed: throw error
            case .open: return []
            case .local: return try await local.held(limiters, now: now)
            }
        }
    }

    public func settle(_ receipt: LimitReceipt, spent: Int64, now: Instant) {
        (receipt.isStandIn ? local : shared).settle(receipt, spent: spent, now: now)
    }

    /// The same claim on this gateway's share of the limit, which is one at least.
    private func share(_ claim: LimitClaim) -> LimitClaim {
        guard nodes > 1 else { return claim }
        var claim = claim
        switch claim.rule {
        case .gcra(let gcra):
            let interval = LimitMath.product(gcra.interval, nodes)
            claim.rule = .gcra(GCRA(interval: interval, burst: gcra.burst / nodes))
        case .window(let window):
            claim.rule = .window(SlidingWindow(limit: window.limit / nodes, width: window.width))
        case .daily(let daily):
            claim.rule = .daily(DailyCounter(limit: max(1, daily.limit / nodes), endsIn: daily.endsIn))
        case .leases(let leases): claim.rule = .leases(ConcurrencyLeases(limit: max(1, leases.limit / nodes)))
        }
        return claim
    }

    // MARK: The log hears of it once

    private func noteFailure(_ error: GatewayError) {
        guard !isAway.exchange(true, ordering: .relaxed) else { return }
        let meanwhile =
            switch mode {
            case .local: "each gateway counts by itself, a share of 1/\(nodes) of every limit"
            case .open: "no limit is kept"
            case .closed: "requests that have a limit are refused"
            }
        log.warning(
            "rate limits cannot be shared", [LogField("message", error.detail), LogField("meanwhile", meanwhile)])
    }

    private func noteReturn() {
        guard isAway.load(ordering: .relaxed), isAway.exchange(false, ordering: .relaxed) else { return }
        log.info("rate limits are shared again")
    }
}
