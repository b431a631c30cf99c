/// Requests that wait for an account, first come, first served; a value without clock or lock.
///
/// Those who wait for the same work stand in one queue. Joining, leaving and serving cost the same however many wait.
struct WaitLine: Sendable {
    typealias Work = AccountPoolState.LaneKey

    /// Whether a place counts among those that the line may have.
    enum Role: Sendable {
        /// It counts, and is refused when as many wait as may, unless it is one of them that comes back.
        case member(maxDepth: Int)
        /// It does not count: the request is a member of another line.
        case guest
    }

    /// A lease as the pool gives it: the account's secret, and the number by which the lease is known.
    struct Handout: Sendable {
        let credential: Credential
        let grant: UInt64
    }

    enum Outcome: Sendable {
        case granted(Handout)
        /// Nothing that is known will help in time.
        case refused
    }

    /// Wakes a request that waits. Rung outside of the lock.
    typealias Bell = CheckedContinuation<Void, Never>

    private struct Waiter: Sendable {
        let work: Work
        let deadline: Instant
        let evenInVain: Bool
        var outcome: Outcome?
        /// When it has to look whether a rest has ended; on behalf of all.
        var alarm: Instant?
        /// Set while it sleeps.
        var bell: Bell?
        /// It was called while it did not sleep.
        var wasCalled = false
    }

    private var waiters: [UInt64: Waiter] = [:]
    private var queues: [Work: IDQueue] = [:]
    private var nextID: UInt64 = 0
    /// The one who looks when the next rest ends.
    private var sentry: UInt64?
    /// How many wait and have no outcome yet.
    private(set) var count = 0
    /// Those that count, from when they came until they are served or give up: also while one that was sent away makes
    /// up its mind to come back, so that nobody takes its place meanwhile.
    private var members: Set<UInt64> = []

    /// A place behind everybody who has one. Who leaves the line and comes back to it has it still.
    mutating func takeTicket() -> UInt64 {
        nextID += 1
        return nextID
    }

    /// - Parameters:
    ///   - ticket: Of nobody else, and not in the line now.
    ///   - evenInVain: Is never sent away before its deadline.
    /// - Returns: False when the line is full.
    mutating func join(
        with ticket: UInt64, _ work: Work, as role: Role, until deadline: Instant, evenInVain: Bool
    ) -> Bool {
        if case .member(let maxDepth) = role, !members.contains(ticket) {
            guard members.count < maxDepth else { return false }
            members.insert(ticket)
        }
        waiters[ticket] = Waiter(work: work, deadline: deadline, evenInVain: evenInVain)
        queues[work, default: IDQueue()].insert(ticket)
        count += 1
        return true
    }

    /// One that was sent away does not come back.
    mutating func resign(_ ticket: UInt64) { members.remove(ticket) }

    func waits(_ id: UInt64) -> Bool { waiters[id].map { $0.outcome == nil } ?? false }
    func deadline(of id: UInt64) -> Instant? { waiters[id]?.deadline }

    /// When a waiter has to look again by itself.
    func nextLook(of id: UInt64) -> Instant? {
        waiters[id].map { waiter in waiter.alarm.map { min($0, waiter.deadline) } ?? waiter.deadline }
    }

    /// The one that came first, of all but some queues.
    mutating func first(except closed: Set<Work>) -> (id: UInt64, work: Work)? {
        var first: (id: UInt64, work: Work)?
        for work in Array(queues.keys) where !closed.contains(work) {
            guard let id = front(of: work) else { continue }
            if first.map({ id < $0.id }) ?? true { first = (id, work) }
        }
        return first
    }

    private mutating func front(of work: Work) -> UInt64? {
        let waiters = waiters
        let front = queues[work]?.first { waiters[$0].map { $0.outcome == nil } ?? false }
        if front == nil { queues[work] = nil }
        return front
    }

    /// Ends a wait. The caller rings the bell when it has let go of the lock.
    mutating func answer(_ id: UInt64, _ outcome: Outcome) -> Bell? {
        guard waits(id) else { return nil }
        waiters[id]?.outcome = outcome
        count -= 1
        if case .granted = outcome { members.remove(id) }
        if sentry == id { sentry = nil }
        return call(id)
    }

    /// Those of a queue who would have to wait beyond their time.
    func waiting(for work: Work, impatientBefore back: Instant?) -> [UInt64] {
        queues[work]?.ids.filter { id in
            guard let waiter = waiters[id], waiter.outcome == nil, !waiter.evenInVain else { return false }
            return back.map { $0 > waiter.deadline } ?? true
        } ?? []
    }

    /// Takes away what became of a wait; the waiter is forgotten.
    mutating func takeOutcome(of id: UInt64) -> Outcome? {
        guard let outcome = waiters[id]?.outcome else { return nil }
        waiters[id] = nil
        return outcome
    }

    /// Gives up a place, at once. An outcome that has come already stays, for the waiter to take.
    mutating func leave(_ id: UInt64) -> Bell? {
        guard waits(id), let waiter = waiters.removeValue(forKey: id) else { return nil }
        count -= 1
        members.remove(id)
        if sentry == id { sentry = nil }
        let left = waiters
        queues[waiter.work]?.noteDeparture { left[$0].map { $0.outcome == nil } ?? false }
        return waiter.bell
    }

    // MARK: Waking

    /// One who looks now needs no alarm for what is over.
    mutating func stopAlarm(of id: UInt64, dueBy now: Instant) {
        guard let alarm = waiters[id]?.alarm, alarm <= now else { return }
        waiters[id]?.alarm = nil
        if sentry == id { sentry = nil }
    }

    /// Makes sure that somebody looks when the next rest ends.
    mutating func post(_ wake: Instant?) -> Bell? {
        guard let wake else {
            if let sentry { waiters[sentry]?.alarm = nil }
            sentry = nil
            return nil
        }
        if let sentry, let alarm = waiters[sentry]?.alarm, alarm <= wake { return nil }
        guard let id = sentry ?? first(except: [])?.id else { return nil }
        sentry = id
        waiters[id]?.alarm = wake
        return call(id)
    }

    private mutating func call(_ id: UInt64) -> Bell? {
        let bell = waiters[id]?.bell
        waiters[id]?.bell = nil
        if bell == nil { waiters[id]?.wasCalled = true }
        return bell
    }

    /// Hangs up the bell of one who is about to sleep.
    ///
    /// - Returns: False when it was called already, or waits no more.
    mutating func hang(_ bell: Bell, for id: UInt64) -> Bool {
        guard let waiter = waiters[id], !waiter.wasCalled, waiter.outcome == nil else {
            waiters[id]?.wasCalled = false
            return false
        }
        waiters[id]?.bell = bell
        return true
    }

    /// Takes down the bell of one whose sleep ends otherwise.
    mutating func takeBell(of id: UInt64) -> Bell? {
        let bell = waiters[id]?.bell
        waiters[id]?.bell = nil
        return bell
    }
}

/// Ids in their order. Those that went meanwhile are passed over when they come to the front, or cleared when
/// they are the greater part.
private struct IDQueue: Sendable {
    private var storage: [UInt64] = []
    private var head = 0
    private var departures = 0

    var ids: ArraySlice<UInt64> { storage[head...] }

    /// Puts an id in its place, most often the last one. One that went and comes back may still stand there.
    mutating func insert(_ id: UInt64) {
        if head > 32, head > storage.count / 2 {
            storage.removeSubrange(..<head)
            head = 0
        }
        var (low, high) = (head, storage.count)
        if let last = storage.last, last < id { low = high }
        while low < high {
            let middle = (low + high) / 2
            if storage[middle] < id { low = middle + 1 } else { high = middle }
        }
        if low < storage.count, storage[low] == id { return }
        storage.insert(id, at: low)
    }

    /// The first that still waits; drops those before it.
    mutating func first(where waits: (UInt64) -> Bool) -> UInt64? {
        while head < storage.count {
            if waits(storage[head]) { return storage[head] }
            head += 1
            departures = max(departures - 1, 0)
        }
        return nil
    }

    mutating func noteDeparture(_ waits: (UInt64) -> Bool) {
        departures += 1
        guard departures > 16, departures > ids.count / 2 else { return }
        storage = ids.filter(waits)
        (head, departures) = (0, 0)
    }
}
