import Synchronization

/// Waiting for an account that is busy or will have rested in time.
extension AccountPool {
    /// - Parameters:
    ///   - deadline: The wait ends then at the latest.
    ///   - maxDepth: How many may wait at a time; more are refused at once.
    /// - Throws: `noAccountAvailable` when waiting cannot help, at once, or took too long; `cancelled`.
    public func waitForLease(
        for quotaClass: QuotaClass, model: String = "", provider: String, until deadline: Instant, maxDepth: Int
    ) async throws(GatewayError) -> PoolLease {
        let work = WaitLine.Work(quotaClass: quotaClass, model: model)
        let (now, wallNow) = (time.now, time.wallNow)
        let (start, bells) = state.withLock { $0.join(work, until: deadline, maxDepth: maxDepth, now, wallNow) }
        ring(bells)
        guard case .waits(let id) = start else { return try lease(start, work, provider) }
        let end = await withTaskCancellationHandler {
            await waitForEnd(id)
        } onCancel: {
            ring(state.withLock { $0.leave(id) })
        }
        return try lease(end, work, provider)
    }

    private func lease(
        _ standing: Guarded.Standing, _ work: WaitLine.Work, _ provider: String
    ) throws(GatewayError) -> PoolLease {
        switch standing {
        case .granted(let credential): return PoolLease(credential: credential, work: work, pool: self)
        case .refused(let shortage): throw shortage.error(provider: provider)
        case .waits, .left: throw .cancelled
        }
    }

    private func waitForEnd(_ id: UInt64) async -> Guarded.Standing {
        while true {
            let (now, wallNow) = (time.now, time.wallNow)
            let (standing, nextLook, bells) = state.withLock { state in
                let (standing, bells) = state.look(id, now, wallNow)
                return (standing, state.line.nextLook(of: id), bells)
            }
            ring(bells)
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
        case granted(Credential)
        case refused(Shortage)
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
        case .lease(let id): return .success(credential(of: id))
        }
    }

    func credential(of accountID: String) -> Credential {
        credentials[accountID] ?? Credential(accountID: accountID, values: [:])
    }

    mutating func join(
        _ work: WaitLine.Work, until deadline: Instant, maxDepth: Int, _ now: Instant, _ wallNow: WallTime
    ) -> (Standing, [WaitLine.Bell]) {
        var bells = line.count > 0 ? serve(now, wallNow) : []
        switch grant(work, now, wallNow) {
        case .success(let credential): return (.granted(credential), bells)
        case .failure(let shortage):
            guard shortage.helpsToWait(until: deadline, now), now < deadline, line.count < maxDepth else {
                return (.refused(shortage), bells)
            }
            let id = line.join(work, until: deadline)
            if let bell = line.post(rules.nextWake) { bells.append(bell) }
            return (.waits(id), bells)
        }
    }

    /// Hands accounts that came free to those who waited longest, and sends away those whom nothing will help in time.
    mutating func serve(_ now: Instant, _ wallNow: WallTime) -> [WaitLine.Bell] {
        var bells: [WaitLine.Bell] = []
        var closed: Set<WaitLine.Work> = []
        while let (id, work) = line.first(except: closed) {
            switch grant(work, now, wallNow) {
            case .success(let credential):
                if let bell = line.answer(id, .granted(credential)) { bells.append(bell) }
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
        guard let work = line.work(of: id), let deadline = line.deadline(of: id) else { return (.left, []) }
        line.stopAlarm(of: id, dueBy: now)
        var bells = line.waits(id) ? serve(now, wallNow) : []
        switch line.takeOutcome(of: id) {
        case .granted(let credential): return (.granted(credential), bells)
        case .refused: return (.refused(shortage(of: work, now, wallNow)), bells)
        case nil:
            guard now >= deadline else { return (.waits(id), bells) }
            bells += leave(id)
            return (.refused(shortage(of: work, now, wallNow)), bells)
        }
    }

    /// Gives up a place; somebody else looks after the next rest then.
    mutating func leave(_ id: UInt64) -> [WaitLine.Bell] {
        [line.leave(id), line.post(rules.nextWake)].compactMap { $0 }
    }

    private mutating func shortage(of work: WaitLine.Work, _ now: Instant, _ wallNow: WallTime) -> Shortage {
        rules.shortage(for: work.quotaClass, model: work.model, now: now, wallNow: wallNow)
    }
}

extension Shortage {
    /// A busy account may come free at any moment; one that rests is worth waiting for if it is back in time.
    func helpsToWait(until deadline: Instant, _ now: Instant) -> Bool {
        busy > 0 || firstBack.map { now + $0 <= deadline } ?? false
    }
}
