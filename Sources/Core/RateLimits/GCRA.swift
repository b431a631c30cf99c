/// Requests per period, spread evenly, with room for a burst: the generic cell rate algorithm as redis-cell has it.
///
/// All that is stored is one moment, the theoretical arrival time (`tat`): when the limiter is empty again. A clock
/// that steps back admits nothing extra, one that jumps ahead refills the burst at most.
public struct GCRA: Sendable, Hashable {
    /// Microseconds that one request costs.
    public let interval: Int64
    /// What may be spent at once.
    public let burst: Int64

    /// The largest burst that a setting may name. With the longest interval, an hour, `interval × burst` stays below
    /// 2⁵² µs: Redis scripts count in doubles, and these are exact up to 2⁵³.
    public static let maxBurst = 1_000_000

    public init(interval: Int64, burst: Int64) {
        (self.interval, self.burst) = (max(1, interval), max(1, burst))
    }

    /// - Parameter limit: Requests per period; the interval is rounded up, so that no period admits more.
    public init(limit: Int, period: Duration, burst: Int) {
        let (limit, period) = (Int64(max(1, limit)), max(1, period.microseconds))
        self.init(interval: (period - 1) / limit + 1, burst: Int64(burst))
    }

    /// - Parameter tat: As stored; `nil` for a limiter that was never charged.
    /// - Returns: The outcome, and the value to store when everything that decides with it allows the request.
    public func decide(tat stored: Int64?, cost: Int64, now: Int64) -> (outcome: LimitOutcome, tat: Int64) {
        let tat = max(stored ?? now, now)
        let used = LimitMath.difference(tat, now)
        let span = LimitMath.product(interval, burst)
        let next = LimitMath.sum(tat, LimitMath.product(interval, max(1, cost)))
        let room = LimitMath.difference(span, LimitMath.difference(next, now))
        if room >= 0 {
            return (.allowed(remaining: room / interval, resetAfter: LimitMath.difference(next, now)), next)
        }
        let remaining = LimitMath.floor(LimitMath.difference(span, used), interval)
        let wait = cost > burst ? LimitOutcome.never : LimitMath.difference(0, room)
        return (.limited(remaining: remaining, resetAfter: used, retryAfter: wait), tat)
    }
}
