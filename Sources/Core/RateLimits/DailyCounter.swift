/// So many a day, where the upstream begins the day at a place's midnight. The one limiter that goes by the calendar:
/// its name holds the date, so that a new day is another counter.
public struct DailyCounter: Sendable, Hashable {
    public let limit: Int64
    /// Microseconds until the day ends.
    public let endsIn: Int64
    /// A counter is kept so much longer than its day, for a clock that is set back.
    static let keptAfter: Int64 = 3_600_000_000

    public init(limit: Int64, endsIn: Int64) { (self.limit, self.endsIn) = (max(0, limit), max(0, endsIn)) }

    /// - Returns: The outcome, and the count to store when everything that decides with it allows the request.
    public func decide(count: Int64, cost: Int64) -> (outcome: LimitOutcome, count: Int64) {
        let next = LimitMath.sum(count, max(1, cost))
        if next <= limit { return (.allowed(remaining: limit - next, resetAfter: endsIn), next) }
        let wait = cost > limit ? LimitOutcome.never : endsIn
        return (
            .limited(remaining: max(0, limit - count), resetAfter: count > 0 ? endsIn : 0, retryAfter: wait), count
        )
    }
}

/// The day that a quota counts for: `2026-03-08` at the upstream's place, and when it ends.
public struct QuotaDay: Sendable, Hashable {
    public var name: String
    public var endsAt: WallTime

    public init(name: String, endsAt: WallTime) { (self.name, self.endsAt) = (name, endsAt) }
}
