/// Requests that wait for an account; a value without clock or lock. Client keys take turns, whatever their requests
/// ask for, and of one key the first to come is the first to be served: one that asks a lot makes itself wait.
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

    /// Where a request stands.
    struct Place: Sendable {
        /// Orders the requests of one client.
        let ticket: UInt64
        /// The client key's id.
        let client: String
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
        let client: String
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
    private var queues: [Work: TurnQueue] = [:]
    /// Of clients that wait: the lowest is next.
    private var turns: [String: (number: UInt64, waiting: Int)] = [:]
    private var lastTurn: UInt64 = 0
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
    ///   - place: Of nobody else, and not in the line now.
    ///   - evenInVain: Is never sent away before its deadline.
    /// - Returns: False when the line is full.
    mutating func join(
        _ place: Place, _ work: Work, as role: Role, until deadline: Instant, evenInVain: Bool
    ) -> Bool {
        let ticket = place.ticket
        if case .member(let maxDepth) = role, !members.contains(ticket) {
            guard members.count < maxDepth else { return false }
            members.insert(ticket)
        }
        waiters[ticket] = Waiter(work: work, client: place.client, deadline: deadline, evenInVain: evenInVain)
        var turn = turns[place.client] ?? (nextTurn(), 0)
        turn.waiting += 1
        turns[place.client] = turn
        queues[work, default: TurnQueue()].insert(ticket, of: place.client, turn: turn.number)
        count += 1
        return true
    }

    private mutating func nextTurn() -> UInt64 {
        lastTurn += 1
        return lastTurn
    }

    /// Who waits no more has no turn, and is behind all others when it comes again.
    private mutating func noteEnd(of client: String) {
        count -= 1
        guard var turn = turns[client] else { return }
        turn.waiting -= 1
        turns[client] = turn.waiting > 0 ? turn : nil
    }

    private mutating func passTurn(of client: String) {
        guard turns[client] != nil else { return }
        let turn = nextTurn()
        turns[client]?.number = turn
        for work in Array(queues.keys) { queues[work]?.move(client, to: turn) }
    }

    /// One that was sent away does not come back.
    mutating func resign(_ ticket: UInt64) { members.remove(ticket) }

    func waits(_ id: UInt64) -> Bool { waiters[id].map { $0.outcome == nil } ?? false }
    func deadline(of id: UInt64) -> Instant? { waiters[id]?.deadline }

    /// When a waiter has to look again by itself.
    func nextLook(of id: UInt64) -> Instant? {
        waiters[id].map { waiter in waiter.alarm.map { min($0, waiter.deadline) } ?? waiter.deadline }
    }

    /// The one whose turn it is, of all but some queues.
    mutating func first(except closed: Set<Work>) -> (id: UInt64, work: Work)? {
        var first: (id: UInt64, turn: UInt64, work: Work)?
        for work in Array(queues.keys) where !closed.contains(work) {
            guard let (id, turn) = front(of: work) else { continue }
            if first.map({ (turn, id) < ($0.turn, $0.id) }) ?? true { first = (id, turn, work) }
        }
        return first.map { ($0.id, $0.work) }
    }

    private mutating func front(of work: Work) -> (ticket: UInt64, turn: UInt64)? {
        let waiters = waiters
        let front = queues[work]?.first { waiters[$0].map { $0.outcome == nil } ?? false }
        if front == nil { queues[work] = nil }
        return front
    }

    /// Ends a wait. The caller rings the bell when it has let go of the lock.
    mutating func answer(_ id: UInt64, _ outcome: Outcome) -> Bell? {
        guard waits(id), let client = waiters[id]?.client else { return nil }
        waiters[id]?.outcome = outcome
        noteEnd(of: client)
        if case .granted = outcome {
            members.remove(id)
            passTurn(of: client)
        }
        if sentry == id { sentry = nil }
        return call(id)
    }

    /// Those of a queue who would have to wait beyond their time.
    func waiting(for work: Work, impatientBefore back: Instant?) -> [UInt64] {
        queues[work]?.tickets.filter { id in
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
        noteEnd(of: waiter.client)
        members.remove(id)
        if sentry == id { sentry = nil }
        let left = waiters
        queues[waiter.work]?.noteDeparture(of: waiter.client) { left[$0].map { $0.outcome == nil } ?? false }
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
