/// What time does to a pool. Each end is paid for by what began it.
extension AccountPoolState {
    /// Clocks that are kept right drift by less for a long time; one that is set jumps.
    private static let leastStep = Duration.milliseconds(100)

    /// Lets time pass: ends rests, opens and half-opens breakers, expires accounts by the wall clock.
    mutating func settle(_ now: Instant, _ wallNow: WallTime) {
        if now > clock { clock = now }
        noteWallClock(wallNow - WallTime(microseconds: now.microseconds))
        settleEndpoint()
        while let (key, position) = marks.first, key <= wall.microseconds {
            marks.remove(position)
            passTime(position)
        }
        while let (key, exit) = exitWakes.first, key <= clock.microseconds {
            exitWakes.remove(exit)
            exits[exit].isResting = false
            tellPool(from: .cooling, to: .ready, Evidence(.time, message: "accounts behind a proxy have rested"))
            for position in exits[exit].members { passTime(position) }
        }
        while let (key, position) = probes.first, key <= clock.microseconds {
            probes.remove(position)
            passTime(position)
        }
        for lane in lanes.indices {
            while let (key, position) = lanes[lane].wakes.first, key <= clock.microseconds {
                looks += 1
                passTime(position)
            }
        }
    }

    private mutating func passTime(_ position: Int) {
        happen(.timePassed, to: position, Evidence(.time, message: "its time was over"))
        refresh(position)
    }

    /// When the wall clock was set, everything that goes by it is looked at anew; nobody sets clocks often.
    private mutating func noteWallClock(_ offset: Duration) {
        guard let known = wallOffset else { return wallOffset = offset }
        let step = offset - known
        guard step >= Self.leastStep || step <= .zero - Self.leastStep else { return }
        wallOffset = offset
        for position in entries.indices where !entries[position].isGone {
            happen(.timePassed, to: position, Evidence(.time, message: "the wall clock was set"))
            refresh(position)
        }
    }

    private mutating func settleEndpoint() {
        if let end = poolRest?.end, end <= clock, toldPoolRest {
            toldPoolRest = false
            tellPool(from: .cooling, to: .ready, Evidence(.time, message: "the upstream's rest is over"))
        }
        guard !endpoint.isClosed else { return }
        let change = endpoint.settle(rules.endpoint, clock, random)
        tell(change, Evidence(.time, message: "its time was over"))
    }

    // MARK: Telling

    /// What changes for every account, or for all behind one proxy, is told once, without an account.
    mutating func tellPool(from: AccountState, to: AccountState, until: Instant? = nil, _ evidence: Evidence) {
        news.append(
            AccountTransition(
                provider: name, accountID: "", from: from, to: to, until: until.map { wall + ($0 - clock) }, at: wall,
                evidence: evidence))
    }

    /// A change of the endpoint's breaker.
    mutating func tell(_ change: Breaker.Change?, _ evidence: Evidence) {
        guard let change else { return }
        let from = toldEndpoint
        switch change {
        case .opened(let until):
            toldEndpoint = .suspended
            tellPool(from: from, to: .suspended, until: until, evidence)
        case .halfOpened:
            toldEndpoint = .suspended
            tellPool(from: from, to: .suspended, evidence)
        case .closed:
            toldEndpoint = .ready
            tellPool(from: from, to: .ready, evidence)
        }
    }

    /// Something happens to an account; what it changes is noted for those who listen and for the store.
    mutating func happen(
        _ event: AccountLife.Event, to position: Int, _ evidence: @autoclosure () -> Evidence
    ) {
        let given = circumstances
        let changes = entries[position].life.apply(event, evidence(), given)
        noteChange(of: position)
        if case .succeeded = event, changes.isEmpty { return }
        news += changes
        if let mark = entries[position].life.nextMark(after: wall) {
            marks.set(position, to: mark.microseconds)
        } else {
            marks.remove(position)
        }
        let holdsQuota = entries[position].life.hasQuotaEnd(wall)
        if holdsQuota != entries[position].holdsQuota {
            quotaHolders += holdsQuota ? 1 : -1
            entries[position].holdsQuota = holdsQuota
        }
        if let deadline = entries[position].life.probeDeadline {
            probes.set(position, to: deadline.microseconds)
        } else {
            probes.remove(position)
        }
    }

    private mutating func noteChange(of position: Int) {
        guard !entries[position].isChanged else { return }
        entries[position].isChanged = true
        changed.append(entries[position].id)
    }
}

extension AccountLife {
    /// When the first of its probes in flight counts as failed.
    var probeDeadline: Instant? { strands.compactMap(\.breaker.probeDeadline).min() }
}
