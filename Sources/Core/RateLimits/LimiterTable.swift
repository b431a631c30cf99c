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

    private var entries = SlotTable<Entry>()
    /// By the number of their slot: an entry is forgotten only when the calendar gives it back.
    private var calendar = ResetCalendar<UInt32>()
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
            let slot = entries.slot(of: claim.limiter.digest)
            let (outcome, entry) = Self.decide(claim, slot.map { entries[$0] }, now)
            ruling.outcomes.append(outcome)
            charges.append(Charge(entry: entry, slot: slot))
        }
        guard ruling.isAllowed else { return ruling }
        charge(claims, charges, now)
        ruling.receipt = Self.receipt(claims, charges)
        return ruling
    }

    /// What a claim makes of its limiter's entry, and where that stands already.
    private struct Charge {
        var entry: Entry
        var slot: Int?
    }

    private mutating func charge(_ claims: [LimitClaim], _ charges: [Charge], _ now: Int64) {
        // What stands already comes first: a new entry may push one out.
        for case let (charge, slot?) in charges.lazy.map({ ($0, $0.slot) }) { entries[slot] = charge.entry }
        for (claim, charge) in zip(claims, charges) where charge.slot == nil {
            set(charge.entry, claim.limiter.digest, now)
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
            let slot = entries.slot(of: reservation.limiter.digest)
            let state = reservation.window.correct(
                slot.map { entries[$0].window }, by: LimitMath.difference(max(0, spent), reservation.cost),
                chargedTo: reservation.index, now: LimitMath.floor(now, 1000))
            let entry = Self.entry(state, reservation.window)
            if let slot {
                entries[slot] = entry
            } else if state.current > 0 {
                // Nothing to correct in what was forgotten, unless more was spent.
                set(entry, reservation.limiter.digest, now)
            }
        }
        for limiter in receipt.leases {
            looks += 1
            guard let slot = entries.slot(of: limiter.digest) else { continue }
            let held = entries[slot].value
            if held > 0 { entries[slot] = Self.lease(held - 1, now) }
        }
    }

    // MARK: Room

    private mutating func set(_ entry: Entry, _ digest: KeyedHash.Value, _ now: Int64) {
        if let slot = entries.slot(of: digest) {
            entries[slot] = entry
            return
        }
        if entries.count >= capacity { evict(now) }
        calendar.add(UInt32(entries.insert(entry, for: digest)), at: Self.second(entry.resetAt))
    }

    private mutating func sweep(_ now: Int64) {
        for _ in 0..<Self.sweptAtOnce {
            let due = LimitMath.difference(now, Self.grace)
            // The second that is running may hold what is not due yet.
            guard let (slot, _) = calendar.removeFirst(upTo: Self.second(due) - 1) else { return }
            looks += 1
            let resetAt = resetAt(of: slot, now)
            if resetAt <= due {
                entries.remove(Int(slot))
            } else {
                calendar.add(slot, at: Self.second(resetAt))
            }
        }
    }

    /// What the calendar says of an entry may be long ago; then its turn comes again. A lease that is held stays.
    private mutating func evict(_ now: Int64) {
        for attempt in 1... {
            guard let (slot, second) = calendar.removeFirst() else { return }
            looks += 1
            let resetAt = Self.second(resetAt(of: slot, now))
            if attempt < Self.mostEvictionSteps, resetAt > second {
                calendar.add(slot, at: resetAt)
            } else {
                entries.remove(Int(slot))
                return
            }
        }
    }

    private func resetAt(of slot: UInt32, _ now: Int64) -> Int64 {
        let entry = entries[Int(slot)]
        return entry.isHeld ? LimitMath.sum(now, Self.leaseInterval) : entry.resetAt
    }

    private static func second(_ microseconds: Int64) -> Int64 { LimitMath.floor(microseconds, 1_000_000) }
}
