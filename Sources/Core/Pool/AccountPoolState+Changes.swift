/// What changes where an account stands: time, limits, leases.
extension AccountPoolState {
    /// How many models may have a lane of their own. A further one takes the place of the one that matters least.
    static let modelLaneLimit = 32

    // MARK: Time

    /// Lets time pass: ends rests, and expires accounts by the wall clock. Each is paid for by what began it.
    mutating func settle(_ now: Instant, _ wallNow: WallTime) {
        if now > clock { clock = now }
        while let (key, position) = expiring.first, key <= wallNow.microseconds {
            expiring.remove(position)
            expired.set(position, to: ~key)
            entries[position].isExpired = true
            refresh(position)
        }
        // The wall clock was set back.
        while let (key, position) = expired.first, ~key > wallNow.microseconds {
            expired.remove(position)
            expiring.set(position, to: ~key)
            entries[position].isExpired = false
            refresh(position)
        }
        while let (key, exit) = exitWakes.first, key <= clock.microseconds {
            exitWakes.remove(exit)
            exits[exit].isResting = false
            for position in exits[exit].members { refresh(position) }
        }
        for lane in lanes.indices {
            while let (key, position) = lanes[lane].wakes.first, key <= clock.microseconds {
                looks += 1
                refresh(position, in: lane)
            }
        }
    }

    // MARK: Limits

    mutating func apply(_ error: GatewayError, to position: Int, _ key: LaneKey, _ exit: Int?) {
        switch error.accountEffect {
        case .none: break
        case .rejectCredential: blame(position, .credentialRejected)
        case .restrict: blame(position, .restricted)
        case .cool: cool(position, key, exit, error.scope, for: error.retryAfter)
        }
    }

    /// Nobody blames an account that is switched off or incomplete: when it is back, it is a new one.
    private mutating func blame(_ position: Int, _ condition: Condition) {
        switch entries[position].condition {
        case .usable, .expired, .credentialRejected, .restricted: entries[position].condition = condition
        case .disabled, .incomplete: break
        }
    }

    private mutating func cool(
        _ position: Int, _ key: LaneKey, _ exit: Int?, _ scope: GatewayError.Scope, for asked: Duration?
    ) {
        switch scope {
        case .account:
            for ordinal in QuotaClass.allCases.indices { coolClass(ordinal, of: position, for: asked) }
        case .exit:
            if let exit { coolExit(exit, for: asked) }
        case .endpoint:
            poolRest = Rest.extending(poolRest, by: asked, rules, now: clock)
        case .accountModel where !key.model.isEmpty:
            let lane = openLane(key)
            let known = entries[position].modelRests[key]
            if known == nil { lanes[lane].records += 1 }
            entries[position].modelRests[key] = Rest.extending(known, by: asked, rules, now: clock)
        case .accountModel, .accountClass, .session, .request:
            coolClass(key.quotaClass.ordinal, of: position, for: asked)
        }
    }

    private mutating func coolClass(_ ordinal: Int, of position: Int, for asked: Duration?) {
        let known = entries[position].classRests[ordinal]
        entries[position].classRests[ordinal] = Rest.extending(known, by: asked, rules, now: clock)
    }

    /// The exit by which an attempt left; `nil` when nobody uses it any more.
    func exit(of position: Int, by proxy: Secret??) -> Int? {
        guard let proxy, proxy != entries[position].proxy else { return entries[position].exit }
        return exitIndexes[proxy]
    }

    private mutating func coolExit(_ exit: Int, for asked: Duration?) {
        let rest = Rest.extending(exits[exit].rest, by: asked, rules, now: clock)
        exits[exit].rest = rest
        guard rest.end > clock else { return }
        exitWakes.set(exit, to: rest.end.microseconds)
        guard !exits[exit].isResting else { return }
        exits[exit].isResting = true
        for position in exits[exit].members { refresh(position) }
    }

    /// A success ends the doubling. One that began before a rest does not end the rest.
    mutating func forgetLimits(of position: Int, _ key: LaneKey, _ exit: Int?) {
        let ordinal = key.quotaClass.ordinal
        if let rest = entries[position].classRests[ordinal], rest.end <= clock {
            entries[position].classRests[ordinal] = nil
        }
        if let lane = modelLanes[key], let rest = entries[position].modelRests[key], rest.end <= clock {
            entries[position].modelRests[key] = nil
            lanes[lane].records -= 1
            if lanes[lane].records == 0 { closeLane(lane) }
        }
        if let exit, let rest = exits[exit].rest, rest.end <= clock { exits[exit].rest = nil }
        if let rest = poolRest, rest.end <= clock { poolRest = nil }
    }

    /// The lane of a model, made when the model begins to rest somewhere.
    mutating func openLane(_ key: LaneKey) -> Int {
        if let known = modelLanes[key] { return known }
        if modelLanes.count >= Self.modelLaneLimit { closeLane(leastUsefulLane) }
        modelLanes[key] = lanes.count
        lanes.append(Lane(key, rules.strategy, accounts: entries.count, slots: rota.count))
        for position in entries.indices { refresh(position, in: lanes.count - 1) }
        return lanes.count - 1
    }

    /// The one of a model whose rests are over or end first: forgetting it costs one needless attempt.
    private var leastUsefulLane: Int {
        let models = lanes.indices.dropFirst(QuotaClass.allCases.count)
        let end = { (lane: Int) in lanes[lane].wakes.first?.key ?? .min }
        return models.min { end($0) < end($1) } ?? models.startIndex
    }

    private mutating func closeLane(_ index: Int) {
        let key = lanes[index].key
        if lanes[index].records > 0 { for position in entries.indices { entries[position].modelRests[key] = nil } }
        modelLanes[key] = nil
        let last = lanes.removeLast()
        guard index < lanes.count else { return }
        lanes[index] = last
        modelLanes[last.key] = index
    }

    // MARK: Places

    /// Moves an account to its place in every lane, after anything about it changed.
    mutating func refresh(_ position: Int) {
        count(position)
        for lane in lanes.indices { refresh(position, in: lane) }
    }

    private mutating func count(_ position: Int) {
        let account = entries[position]
        let tag: Condition.Tag? =
            account.isLeaving || account.isGone
            ? nil : account.condition == .usable && account.isExpired ? .expired : account.condition.tag
        guard tag != account.countedAs else { return }
        if let known = account.countedAs { counts[known.rawValue] -= 1 }
        if let tag { counts[tag.rawValue] += 1 }
        let change = (tag == .usable ? 1 : 0) - (account.countedAs == .usable ? 1 : 0)
        exits[account.exit].usable += change
        entries[position].countedAs = tag
    }

    private mutating func refresh(_ position: Int, in lane: Int) {
        let key = lanes[lane].key
        let account = entries[position]
        var place = Lane.Place.ready
        var end = account.classRests[key.quotaClass.ordinal]?.end ?? clock
        if !key.model.isEmpty, let rest = account.modelRests[key] { end = max(end, rest.end) }
        if account.countedAs == nil {
            place = .absent
        } else if account.countedAs != .usable {
            place = .unusable
        } else if exits[account.exit].isResting {
            place = .shut
        } else if end > clock {
            place = .cooling
        } else if account.inFlight >= rules.maxInFlight {
            place = .busy
        }
        let load = loads.load(account.inFlight, weight: account.weight)
        lanes[lane].move(position, to: place, end: end, load: load, rota)
    }
}
