public import PolluxCore

/// The limiters' rules, written as slowly and plainly as possible, on other ideas than the real ones: buckets that
/// leak, a count for every window there ever was, and waits found by trying.
public struct NaiveLimits: Sendable {
    /// Water in a bucket with a hole; microseconds are the measure of water.
    private struct Bucket { var level: Int64 = 0, at: Int64 = 0 }
    private struct Windows { var counts: [Int64: Int64] = [:], latest: Int64 = .min }

    private var buckets: [LimiterID: Bucket] = [:]
    private var windows: [LimiterID: Windows] = [:]
    private var days: [LimiterID: Int64] = [:]
    private var leases: [LimiterID: Int64] = [:]

    public init() {}

    public mutating func decide(_ claims: [LimitClaim], now: Instant) -> [LimitOutcome] {
        let outcomes = claims.map { outcome(of: $0, now.microseconds) }
        if !outcomes.contains(where: \.isLimited) { for claim in claims { charge(claim, now.microseconds) } }
        return outcomes
    }

    public mutating func settle(_ receipt: LimitReceipt, spent: Int64, now: Instant) {
        for item in receipt.reservations where item.cost != spent {
            let index = max(now.microseconds / 1000 / item.window.width, windows[item.limiter]?.latest ?? .min)
            let isMore = spent > item.cost
            if isMore || item.index >= index - 1 {
                let place = isMore ? index : item.index
                let count = windows[item.limiter]?.counts[place] ?? 0
                windows[item.limiter, default: Windows()].counts[place] = max(0, count + spent - item.cost)
            }
            windows[item.limiter]?.latest = index
        }
        for limiter in receipt.leases { leases[limiter, default: 1] -= 1 }
    }

    // MARK: One limiter

    private func outcome(of claim: LimitClaim, _ now: Int64) -> LimitOutcome {
        switch claim.rule {
        case .gcra(let gcra): return outcome(of: gcra, claim, now)
        case .window(let window): return outcome(of: window, claim, now / 1000)
        case .daily(let daily):
            let left = daily.limit - (days[claim.limiter] ?? 0)
            if claim.cost <= left { return LimitOutcome.yes(left - claim.cost, reset: daily.endsIn) }
            let wait = claim.cost > daily.limit ? LimitOutcome.never : daily.endsIn
            return LimitOutcome.no(max(0, left), reset: left < daily.limit ? daily.endsIn : 0, wait: wait)
        case .leases(let rule):
            let left = rule.limit - (leases[claim.limiter] ?? 0)
            return left > 0 ? LimitOutcome.yes(left - 1, reset: 0) : LimitOutcome.no(0, reset: 0, wait: 1_000_000)
        }
    }

    private func level(_ limiter: LimiterID, _ now: Int64) -> Int64 {
        guard let bucket = buckets[limiter] else { return 0 }
        // A clock that steps back fills what has leaked in the time that it takes back.
        return max(0, bucket.level - (now - bucket.at))
    }

    private func outcome(of gcra: GCRA, _ claim: LimitClaim, _ now: Int64) -> LimitOutcome {
        let (level, size) = (level(claim.limiter, now), gcra.interval * gcra.burst)
        let filled = level + gcra.interval * claim.cost
        if filled <= size { return LimitOutcome.yes((size - filled) / gcra.interval, reset: filled) }
        var left = (size - level) / gcra.interval
        while left * gcra.interval > size - level { left -= 1 }
        return LimitOutcome.no(
            left, reset: level, wait: claim.cost > gcra.burst ? LimitOutcome.never : filled - size)
    }

    /// - Parameter now: In milliseconds.
    private func spent(_ window: SlidingWindow, _ limiter: LimiterID, _ now: Int64) -> Int64 {
        guard let known = windows[limiter] else { return 0 }
        let now = max(now, known.latest == .min ? now : known.latest * window.width)
        let (index, elapsed) = now.quotientAndRemainder(dividingBy: window.width)
        let previous = (known.counts[index - 1] ?? 0) * (window.width - elapsed) / window.width
        return previous + (known.counts[index] ?? 0)
    }

    private func outcome(of window: SlidingWindow, _ claim: LimitClaim, _ now: Int64) -> LimitOutcome {
        let spent = spent(window, claim.limiter, now)
        let start = max(now, windows[claim.limiter].map { $0.latest * window.width } ?? now)
        let counts = windows[claim.limiter]?.counts ?? [:]
        let index = start / window.width
        func reset(adding cost: Int64) -> Int64 {
            if (counts[index] ?? 0) + cost > 0 { return ((index + 2) * window.width - start) * 1000 }
            return (counts[index - 1] ?? 0) > 0 ? ((index + 1) * window.width - start) * 1000 : 0
        }
        if spent + claim.cost <= window.limit {
            return LimitOutcome.yes(window.limit - spent - claim.cost, reset: reset(adding: claim.cost))
        }
        var wait = LimitOutcome.never
        if claim.cost <= window.limit {
            var milliseconds: Int64 = 1
            while self.spent(window, claim.limiter, start + milliseconds) + claim.cost > window.limit {
                milliseconds += 1
            }
            wait = milliseconds * 1000
        }
        return LimitOutcome.no(max(0, window.limit - spent), reset: reset(adding: 0), wait: wait)
    }

    private mutating func charge(_ claim: LimitClaim, _ now: Int64) {
        switch claim.rule {
        case .gcra(let gcra):
            buckets[claim.limiter] = Bucket(level: level(claim.limiter, now) + gcra.interval * claim.cost, at: now)
        case .window(let window):
            var known = windows[claim.limiter] ?? Windows()
            known.latest = max(known.latest, now / 1000 / window.width)
            known.counts[known.latest, default: 0] += claim.cost
            windows[claim.limiter] = known
        case .daily: days[claim.limiter, default: 0] += claim.cost
        case .leases: leases[claim.limiter, default: 0] += 1
        }
    }
}

extension LimitOutcome {
    fileprivate static func yes(_ remaining: Int64, reset: Int64) -> LimitOutcome {
        LimitOutcome(isLimited: false, remaining: remaining, resetAfter: reset, retryAfter: 0)
    }

    fileprivate static func no(_ remaining: Int64, reset: Int64, wait: Int64) -> LimitOutcome {
        LimitOutcome(isLimited: true, remaining: remaining, resetAfter: reset, retryAfter: wait)
    }
}
