import Synchronization

/// Waiting for an account that is busy or will have rested in time.
extension AccountPool {
    /// How a wait ended.
    enum WaitEnd: Sendable {
        case granted(PoolLease)
        /// Waiting cannot help, or took too long.
        case refused
        /// As many wait as may.
        case full
        /// It was cancelled.
        case left
    }

    /// - Parameters:
    ///   - client: The client key's id: keys take turns.
    ///   - deadline: The wait ends then at the latest.
    ///   - maxDepth: How many may wait at a time; more are refused at once.
    /// - Throws: `noAccountAvailable` when waiting cannot help, at once, or took too long; `cancelled`.
    public func waitForLease(
        for quotaClass: QuotaClass, model: String = "", of client: String = "", provider: String,
        until deadline: Instant, maxDepth: Int
    ) async throws(GatewayError) -> PoolLease {
        let work = WaitLine.Work(quotaClass: quotaClass, model: model)
        let place = takePlace(for: client)
        defer { resign(place) }
        switch await wait(for: work, at: place, as: .member(maxDepth: maxDepth), until: deadline) {
        case .granted(let lease): return lease
        case .left: throw .cancelled
        case .refused, .full: throw shortage(for: quotaClass, model: model).error(provider: provider)
        }
    }

    /// How many requests stand in its line; one that may go to several providers stands in the line of each.
    public var waiting: Int { state.withLock { $0.line.count } }

    /// A place in line, for one who will wait. Nobody waits for its sake.
    func takePlace(for client: String) -> WaitLine.Place {
        WaitLine.Place(ticket: state.withLock { $0.line.takeTicket() }, client: client)
    }

    /// Gives up a place for good.
    func resign(_ place: WaitLine.Place) { state.withLock { $0.line.resign(place.ticket) } }

    /// - Parameters:
    ///   - evenInVain: Stays in line though no account is known to come free.
    func wait(
        for work: WaitLine.Work, at place: WaitLine.Place, as role: WaitLine.Role, until deadline: Instant,
        evenInVain: Bool = false
    ) async -> WaitEnd {
        let start = act { state, now, wallNow in
            state.join(work, at: place, as: role, until: deadline, evenInVain: evenInVain, now, wallNow)
        }
        guard case .waits(let id) = start else { return end(start, work) }
        let standing = await withTaskCancellationHandler {
            await waitForEnd(id)
        } onCancel: {
            act { state, _, _ in ((), state.leave(id)) }
        }
        return end(standing, work)
    }

    private func end(_ standing: Guarded.Standing, _ work: WaitLine.Work) -> WaitEnd {
        switch standing {
        case .granted(let handout): .granted(PoolLease(handout, work: work, pool: self))
        case .refused: .refused
        case .full: .full
        case .waits, .left: .left
        }
    }

    private func waitForEnd(_ id: UInt64) async -> Guarded.Standing {
        while true {
            let (standing, nextLook) = act { state, now, wallNow -> ((Guarded.Standing, Instant?), [WaitLine.Bell]) in
                let (standing, bells) = state.look(id, now, wallNow)
                return ((standing, state.line.nextLook(of: id)), bells)
            }
            guard case .waits = standing, let nextLook else { return standing }
            await sleep(id, until: nextLook)
        }
    }

    /// Sleeps until the bell rings or the time has come, whichever is first.
    private func sleep(_ id: UInt64, until deadline: Instant) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.awaitBell(id) }
            group.addTask { [time] in
                do { try await time.sleep(until: deadline) } catch { return }
            }
            await group.next()
            group.cancelAll()
        }
    }

    private func awaitBell(_ id: UInt64) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { bell in
                // Under the lock: a cancellation before it is seen here, one after it finds the bell.
                let hangs = state.withLock { !Task.isCancelled && $0.line.hang(bell, for: id) }
                if !hangs { bell.resume() }
            }
        } onCancel: {
            let bell = state.withLock { $0.line.takeBell(of: id) }
            bell?.resume()
        }
    }

    /// How many wait now.
    var waiterCount: Int { state.withLock { $0.line.count } }
}

// MARK: - Under the lock

extension AccountPool.Guarded {
    /// Where a request that wants to wait stands.
    enum Standing: Sendable {
        case waits(UInt64)
        case granted(WaitLine.Handout)
        case refused
        case full
        /// It gave up its place.
        case left
    }

    mutating func grant(
        _ work: WaitLine.Work, excluding tried: Set<String> = [], _ now: Instant, _ wallNow: WallTime
    ) -> AccountPool.Grant {
        let choice = rules.lease(
            for: work.quotaClass, model: work.model, excluding: tried, now: now, wallNow: wallNow)
        switch choice {
        case .nothing(let shortage): return .failure(shortage)
        case .lease(let id): return .success(handout(id))
        }
    }

    /// The latest lease, which is of this account.
    func handout(_ accountID: String) -> WaitLine.Handout {
        WaitLine.Handout(
            credential: credentials[accountID] ?? Credential(accountID: accountID, values: [:]),
            grant: rules.lastGrant)
    }

    mutating func join(
        _ work: WaitLine.Work, at place: WaitLine.Place, as role: WaitLine.Role, until deadline: Instant,
        evenInVain: Bool, _ now: Instant, _ wallNow: WallTime
    ) -> (Standing, [WaitLine.Bell]) {
        var bells = line.count > 0 ? serve(now, wallNow) : []
        switch grant(work, now, wallNow) {
        case .success(let handout): return (.granted(handout), bells)
        case .failure(let shortage):
            let helps = evenInVain || shortage.helpsToWait(until: deadline, now)
            guard helps, now < deadline else { return (.refused, bells) }
            guard line.join(place, work, as: role, until: deadline, evenInVain: evenInVain) else {
                return (.full, bells)
            }
            if let bell = line.post(rules.nextWake) { bells.append(bell) }
            return (.waits(place.ticket), bells)
        }
    }

    /// Hands accounts that came free to those whose turn it is, and sends away those whom nothing will help in time.
    mutating func serve(_ now: Instant, _ wallNow: WallTime) -> [WaitLine.Bell] {
        var bells: [WaitLine.Bell] = []
        var closed: Set<WaitLine.Work> = []
        while let (id, work) = line.first(except: closed) {
            switch grant(work, now, wallNow) {
            case .success(let handout):
                if let bell = line.answer(id, .granted(handout)) { bells.append(bell) }
            case .failure(let shortage):
                closed.insert(work)
                if shortage.busy == 0 { bells += dismiss(work, shortage, now) }
            }
        }
        if let bell = line.post(rules.nextWake) { bells.append(bell) }
        return bells
    }

    private mutating func dismiss(_ work: WaitLine.Work, _ shortage: Shortage, _ now: Instant) -> [WaitLine.Bell] {
        let back = shortage.firstBack.map { now + $0 }
        return line.waiting(for: work, impatientBefore: back).compactMap { line.answer($0, .refused) }
    }

    /// One who waits has a look: it was called, or its time has come.
    mutating func look(_ id: UInt64, _ now: Instant, _ wallNow: WallTime) -> (Standing, [WaitLine.Bell]) {
        guard let deadline = line.deadline(of: id) else { return (.left, []) }
        line.stopAlarm(of: id, dueBy: now)
        var bells = line.waits(id) ? serve(now, wallNow) : []
        switch line.takeOutcome(of: id) {
        case .granted(let handout): return (.granted(handout), bells)
        case .refused: return (.refused, bells)
        case nil:
            guard now >= deadline else { return (.waits(id), bells) }
            bells += leave(id)
            return (.refused, bells)
        }
    }

    /// Gives up a place; somebody else looks after the next rest then.
    mutating func leave(_ id: UInt64) -> [WaitLine.Bell] {
        [line.leave(id), line.post(rules.nextWake)].compactMap { $0 }
    }
}

extension Shortage {
    /// A busy account may come free at any moment; one that rests is worth waiting for if it is back in time.
    func helpsToWait(until deadline: Instant, _ now: Instant) -> Bool {
        busy > 0 || firstBack.map { now + $0 <= deadline } ?? false
    }
}
