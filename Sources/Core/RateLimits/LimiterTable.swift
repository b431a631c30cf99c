/// The limiters of one gateway, in memory. No clock and no lock: time comes in, decisions go out.
///
/// Entries end by themselves. Each stands once in a calendar, at a moment not after the one when its state will be that
/// of a limiter which was never charged; every decision looks at a few that are due and drops them, or puts them back
/// at their true time. When the table is full, the entry that resets first makes room.
struct LimiterTable: Sendable {
    /// One of four, by the rule.
    private struct Entry {
        /// GCRA's `tat`, a count, or the window's index.
        var value: Int64
        var window = SlidingWindow.State(index: 0)
        /// When it can be forgotten, in microseconds.
        var resetAt: Int64
        var isHeld = false
    }

    private var entries: [KeyedHash.Value: Entry] = [:]
    private var calendar = ResetCalendar<KeyedHash.Value>()
    private let capacity: Int
    /// Entries looked at, for tests of what a decision costs.
    private(set) var looks = 0

    /// Due entries that one decision drops: more than it can add, and few enough that none takes long.
    private static let sweptAtOnce = 8
    /// Entries that one new limiter may step over until it finds the one that makes room for it.
    private static let mostEvictionSteps = 64
    /// Entries are kept so many microseconds longer than they matter, for a clock that steps back a little.
    private static let grace: Int64 = 5_000_000
    /// A lease is looked after once in so many microseconds.
    private static let leaseInterval: Int64 = 60_000_000

    init(capacity: Int = 100_000) { self.capacity = max(1, capacity) }

    var count: Int { entries.count }
    /// Everything that was stepped over so far.
    var work: Int { looks + calendar.steps }

    // MARK: Deciding

    /// - Parameter now: In microseconds.
    mutating func decide(_ claims: [LimitClaim], now: Int64) -> LimitRuling {
        sweep(now)
        var ruling = LimitRuling(outcomes: [])
        ruling.outcomes.reserveCapacity(claims.count)
        var charges: [Charge] = []
        charges.reserveCapacity(claims.count)
        for claim in claims {
            looks += 1
            let place = entries.index(forKey: claim.limiter.digest)
            let (outcome, entry) = Self.decide(claim, place.map { entries.values[$0] }, now)
            ruling.outcomes.append(outcome)
            charges.append(Charge(entry: entry, place: place))
        }
        guard ruling.isAllowed else { return ruling }
        charge(claims, charges, now)
        ruling.receipt = Self.receipt(claims, charges)
        return ruling
    }

    /// What a claim makes of its limiter's entry, and where that stands already.
    private struct Charge {
        var entry: Entry
        var place: Dictionary<KeyedHash.Value, Entry>.Index?
    }

    private mutating func charge(_ claims: [LimitClaim], _ charges: [Charge], _ now: Int64) {
        // A new entry moves others, and may push one out.
        var placesHold = true
        for (claim, charge) in zip(claims, charges) {
            if placesHold, let place = charge.place {
                entries.values[place] = charge.entry
            } else {
                set(charge.entry, claim.limiter.digest, now)
                placesHold = false
            }
        }
    }

    private static func receipt(_ claims: [LimitClaim], _ charges: [Charge]) -> LimitReceipt {
        var receipt = LimitReceipt()
        for (claim, charge) in zip(claims, charges) {
            switch claim.rule {
            case .window(let window) where claim.isReservation:
                receipt.reservations.append(
                    .init(limiter: claim.limiter, window: window, cost: claim.cost, index: charge.entry.window.index))
            case .leases: receipt.leases.append(claim.limiter)
            case .gcra, .window, .daily: break
            }
        }
        return receipt
    }

    private static func decide(_ claim: LimitClaim, _ stored: Entry?, _ now: Int64) -> (LimitOutcome, Entry) {
        switch claim.rule {
        case .gcra(let gcra):
            let (outcome, tat) = gcra.decide(tat: stored?.value, cost: claim.cost, now: now)
            return (outcome, Entry(value: tat, resetAt: tat))
        case .window(let window):
            let (outcome, state) = window.decide(stored?.window, cost: claim.cost, now: LimitMath.floor(now, 1000))
            return (outcome, entry(state, window))
        case .daily(let daily):
            let (outcome, count) = daily.decide(count: stored?.value ?? 0, cost: claim.cost)
            let end = LimitMath.sum(now, LimitMath.sum(daily.endsIn, DailyCounter.keptAfter))
            return (outcome, Entry(value: count, resetAt: end))
        case .leases(let leases):
            let (outcome, held) = leases.decide(held: stored?.value ?? 0)
            return (outcome, lease(held, now))
        }
    }

    private static func entry(_ state: SlidingWindow.State, _ window: SlidingWindow) -> Entry {
        Entry(value: 0, window: state, resetAt: LimitMath.product(window.end(of: state), 1000))
    }

    private static func lease(_ held: Int64, _ now: Int64) -> Entry {
        Entry(value: held, resetAt: held > 0 ? LimitMath.sum(now, leaseInterval) : now, isHeld: held > 0)
    }

    // MARK: Settling

    mutating func settle(_ receipt: LimitReceipt, spent: Int64, now: Int64) {
        for reservation in receipt.reservations where reservation.cost != spent {
            looks += 1
            let place = entries.index(forKey: reservation.limiter.digest)
            let state = reservation.window.correct(
                place.map { entries.values[$0].window }, by: LimitMath.difference(max(0, spent), reservation.cost),
                chargedTo: reservation.index, now: LimitMath.floor(now, 1000))
            let entry = Self.entry(state, reservation.window)
            if let place {
                entries.values[place] = entry
            } else if state.current > 0 {
                // Nothing to correct in what was forgotten, unless more was spent.
                set(entry, reservation.limiter.digest, now)
            }
        }
        for limiter in receipt.leases {
            looks += 1
            guard let place = entries.index(forKey: limiter.digest) else { continue }
            let held = entries.values[place].value
            if held > 0 { entries.values[place] = Self.lease(held - 1, now) }
        }
    }

    // MARK: Room

    private mutating func set(_ entry: Entry, _ digest: KeyedHash.Value, _ now: Int64) {
        if let index = entries.index(forKey: digest) {
            entries.values[index] = entry
            return
        }
        if entries.count >= capacity { evict(now) }
        calendar.add(digest, at: Self.second(entry.resetAt))
        entries[digest] = entry
    }

    private mutating func sweep(_ now: Int64) {
        for _ in 0..<Self.sweptAtOnce {
            let due = LimitMath.difference(now, Self.grace)
            // The second that is running may hold what is not due yet.
            guard let (digest, _) = calendar.removeFirst(upTo: Self.second(due) - 1) else { return }
            looks += 1
            guard var entry = entries[digest] else { continue }
            if entry.isHeld { entry.resetAt = LimitMath.sum(now, Self.leaseInterval) }
            if entry.resetAt <= due {
                entries[digest] = nil
            } else {
                calendar.add(digest, at: Self.second(entry.resetAt))
            }
        }
    }

    /// What the calendar says of an entry may be long ago; then its turn comes again. A lease that is held stays.
    private mutating func evict(_ now: Int64) {
        for attempt in 1... {
            guard let (digest, second) = calendar.removeFirst() else { return }
            looks += 1
            guard let entry = entries[digest] else { continue }
            let resetAt = entry.isHeld ? LimitMath.sum(now, Self.leaseInterval) : entry.resetAt
            if attempt < Self.mostEvictionSteps, Self.second(resetAt) > second {
                calendar.add(digest, at: Self.second(resetAt))
            } else {
                entries[digest] = nil
                return
            }
        }
    }

    private static func second(_ microseconds: Int64) -> Int64 { LimitMath.floor(microseconds, 1_000_000) }
}
