/// What leases that come back change.
extension AccountPoolState {
    /// How many models may have a lane of their own. A further one takes the place of the one that matters least.
    static let modelLaneLimit = 32

    /// What is known about the attempt for which an account was leased.
    public struct Trace: Sendable {
        public var requestID = ""
        /// Of the request, from 1; 0 when nothing was asked.
        public var attempt = 0
        /// The answer had begun, as was told to `answers`.
        public var hasAnswered = false
        /// The client had its first byte: what fails then is the endpoint's, not the account's.
        public var isCommitted = false
        /// The attempt used a credential that has been replaced since: what is said about it is no news.
        public var hasOldCredential = false

        public init() {}
    }

    /// The answer for which an account is leased has begun: a good outcome for the breakers, whatever comes of it.
    public mutating func answers(_ accountID: String, for quotaClass: QuotaClass, now: Instant, grant: UInt64 = 0) {
        guard let position = positions[accountID] else { return }
        clock = max(clock, now)
        let errand = AccountLife.Errand(work: LaneKey(quotaClass: quotaClass), number: grant)
        watch.note(nil, &entries[position].marks, clock)
        endpoint.answer(rules.endpoint, clock)
        catchUpOnForgiveness(position, errand)
        // No state depends on it, so there is nothing to tell; what has to be kept is kept when the lease is back.
        _ = entries[position].life.apply(.answered(errand), Evidence(.attempt), circumstances)
    }

    /// Returns a lease. What the error says about the account takes effect now.
    ///
    /// - Parameters:
    ///   - proxy: By which the attempt left; not given, the account's own. A source may have changed that meanwhile,
    ///     and the new one must not rest for the old.
    ///   - grant: Of the lease (`lastGrant`).
    public mutating func release(
        _ accountID: String, for quotaClass: QuotaClass, model: String = "", by proxy: Secret?? = .none,
        after error: GatewayError?, now: Instant, grant: UInt64 = 0, _ trace: Trace = Trace()
    ) {
        guard let position = positions[accountID] else { return }
        precondition(entries[position].inFlight > 0, "account \(accountID) was released twice")
        clock = max(clock, now)
        entries[position].inFlight -= 1
        let errand = AccountLife.Errand(work: LaneKey(quotaClass: quotaClass, model: model), number: grant)
        let exit = exit(of: position, by: proxy)
        let remembered = entries[position].life.models[errand.work] != nil
        if let error {
            let hasOwnProxy = (proxy ?? entries[position].proxy) != nil
            fail(position, errand, exit, error, trace, hasOwnProxy)
        } else {
            succeed(position, errand, exit, trace)
        }
        noteModel(errand.work, of: position, remembered)
        leave(position)
        refresh(position)
    }

    /// Returns a lease that was not used.
    ///
    /// - Parameter limit: Of the gateway's own, which keeps the account from this class of work until then.
    public mutating func giveBack(
        _ accountID: String, for quotaClass: QuotaClass, model: String = "", grant: UInt64 = 0,
        limit: (until: Instant, message: String)? = nil, now: Instant, _ trace: Trace = Trace()
    ) {
        guard let position = positions[accountID] else { return }
        precondition(entries[position].inFlight > 0, "account \(accountID) was released twice")
        clock = max(clock, now)
        entries[position].inFlight -= 1
        // Nobody asked the upstream, so nobody has to keep a distance from it.
        if entries[position].beforePace.grant == grant {
            entries[position].pacedUntil = entries[position].beforePace.until
        }
        let errand = AccountLife.Errand(work: LaneKey(quotaClass: quotaClass, model: model), number: grant)
        endpoint.forgo(grant)
        happen(.returned(errand), to: position, Evidence(.attempt))
        if let limit {
            let evidence = Evidence(
                .limit, requestID: trace.requestID, attempt: trace.attempt, message: limit.message)
            happen(.limited(quotaClass, until: limit.until), to: position, evidence)
        }
        leave(position)
        refresh(position)
    }

    private mutating func leave(_ position: Int) {
        guard entries[position].isLeaving, entries[position].inFlight == 0 else { return }
        entries[position].isGone = true
        positions[entries[position].id] = nil
    }

    // MARK: Outcomes

    private mutating func succeed(_ position: Int, _ errand: AccountLife.Errand, _ exit: Int?, _ trace: Trace) {
        watch.note(nil, &entries[position].marks, clock)
        let change = endpoint.succeed(errand.number, hasAnswered: trace.hasAnswered, rules.endpoint, clock)
        tell(change, Evidence(trace, "its upstream answered again"))
        catchUpOnForgiveness(position, errand)
        happen(.succeeded(errand, hasAnswered: trace.hasAnswered), to: position, Evidence(trace, "it answered"))
        if let exit, let rest = exits[exit].rest, rest.end <= clock { exits[exit].rest = nil }
        if let rest = poolRest, rest.end <= clock { poolRest = nil }
        noteLimit(position, exit, nil, trace)
    }

    /// Many accounts limited at once are one address limited: all that leave by it rest.
    private mutating func noteLimit(_ position: Int, _ exit: Int?, _ error: GatewayError?, _ trace: Trace) {
        // A way out that was changed meanwhile says nothing about the new one.
        guard rules.limitsAddresses, let exit, exit == entries[position].exit else { return }
        let isLimit = error.map { $0.kind == .rateLimited && $0.accountEffect == .cool && $0.scope != .exit } ?? false
        guard exits[exit].limits.note(isLimited: isLimit, &entries[position].limitMarks, clock) else { return }
        guard !exits[exit].isResting else { return }
        coolExit(
            exit, for: error?.retryAfter ?? LimitWatch.rest,
            Evidence(
                .attempt, requestID: trace.requestID, attempt: trace.attempt, upstreamStatus: error?.upstreamStatus,
                error: error?.kind, message: "many accounts were limited at once: the upstream limits the address"))
    }

    private mutating func fail(
        _ position: Int, _ errand: AccountLife.Errand, _ exit: Int?, _ error: GatewayError, _ trace: Trace,
        _ hasOwnProxy: Bool
    ) {
        guard error.kind != .cancelled else {
            endpoint.forgo(errand.number)
            return happen(.returned(errand), to: position, Evidence(.attempt))
        }
        let fault = error.faultClass
        var isOwn = !trace.isCommitted
        // Without a proxy of its own an account has no way of its own to the upstream.
        if fault == .network, !hasOwnProxy { isOwn = false }
        watch.note(isOwn ? fault : nil, &entries[position].marks, clock)
        failEndpoint(errand, fault, error, trace)
        var counting = isOwn ? fault : nil
        if let fault = counting, watch.blamesEndpoint(fault, clock) {
            forgive([fault])
            counting = nil
        }
        var error = error
        if trace.hasOldCredential, error.accountEffect == .rejectCredential { error.accountEffect = .none }
        catchUpOnForgiveness(position, errand)
        let wasOpen = entries[position].life.strands[errand.ordinal].breaker.openUntil
        happen(.failed(errand, error, fault: counting), to: position, Evidence(trace, error))
        if let counting {
            counted[counting.rawValue] = true
            let open = entries[position].life.strands[errand.ordinal].breaker.openUntil
            if open != nil, wasOpen == nil { note(opening: position, errand, counting) }
        }
        rest(exit, error, trace)
        noteLimit(position, exit, error, trace)
    }

    private mutating func failEndpoint(
        _ errand: AccountLife.Errand, _ fault: FaultClass?, _ error: GatewayError, _ trace: Trace
    ) {
        guard let fault else { return endpoint.forgo(errand.number) }
        let change = endpoint.fail(errand.number, fault, rules.endpoint, clock, random)
        guard case .opened = change else { return }
        tell(change, Evidence(trace, error))
        forgive(FaultClass.allCases)
    }

    /// Rests of more than the account.
    private mutating func rest(_ exit: Int?, _ error: GatewayError, _ trace: Trace) {
        guard error.accountEffect == .cool else { return }
        switch error.scope {
        case .exit: if let exit { coolExit(exit, for: error.retryAfter, Evidence(trace, error)) }
        case .endpoint:
            let rest = AccountRest.extending(poolRest, by: error.retryAfter, rules, random, now: clock)
            poolRest = rest
            guard !toldPoolRest, rest.end > clock else { return }
            toldPoolRest = true
            tellPool(from: .ready, to: .cooling, until: rest.end, Evidence(trace, error))
        case .request, .session, .account, .accountClass, .accountModel: break
        }
    }

    /// The exit by which an attempt left; `nil` when nobody uses it any more.
    private func exit(of position: Int, by proxy: Secret??) -> Int? {
        guard let proxy, proxy != entries[position].proxy else { return entries[position].exit }
        return exitIndexes[proxy]
    }

    private mutating func coolExit(_ exit: Int, for asked: Duration?, _ evidence: Evidence) {
        let rest = AccountRest.extending(exits[exit].rest, by: asked, rules, random, now: clock)
        exits[exit].rest = rest
        guard rest.end > clock else { return }
        exitWakes.set(exit, to: rest.end.microseconds)
        guard !exits[exit].isResting else { return }
        exits[exit].isResting = true
        tellPool(from: .ready, to: .cooling, until: rest.end, evidence)
        for position in exits[exit].members { refresh(position) }
    }

    // MARK: Whose fault it was (B-8)

    private static let openingsKept = Duration.seconds(10)

    private mutating func note(opening position: Int, _ errand: AccountLife.Errand, _ fault: FaultClass) {
        openings.removeAll { clock - $0.at > Self.openingsKept }
        openings.append(
            Opening(accountID: entries[position].id, quotaClass: errand.work.quotaClass, fault: fault, at: clock))
    }

    /// These faults are the endpoint's: accounts that were suspended for them just now are released, and what was
    /// counted of them is forgotten, by each breaker when it is used next.
    private mutating func forgive(_ faults: [FaultClass]) {
        for fault in faults where counted[fault.rawValue] {
            counted[fault.rawValue] = false
            forgiven[1 + fault.rawValue] &+= 1
        }
        guard openings.contains(where: { faults.contains($0.fault) }) else { return }
        for opening in openings where faults.contains(opening.fault) && clock - opening.at <= Self.openingsKept {
            guard let position = positions[opening.accountID] else { continue }
            happen(
                .released(opening.quotaClass), to: position,
                Evidence(.endpoint, message: "many accounts met \(opening.fault.noun): the upstream's fault"))
            refresh(position)
        }
        openings.removeAll { faults.contains($0.fault) }
    }

    private mutating func catchUpOnForgiveness(_ position: Int, _ errand: AccountLife.Errand) {
        guard entries[position].life.strands[errand.ordinal].forgiven != forgiven else { return }
        entries[position].life.catchUp(errand.ordinal, forgiven)
    }

    // MARK: Models

    private mutating func noteModel(_ key: LaneKey, of position: Int, _ remembered: Bool) {
        guard !key.model.isEmpty else { return }
        let remembers = entries[position].life.models[key] != nil
        if remembers, !remembered {
            let lane = openLane(key)
            lanes[lane].records += 1
        } else if remembered, !remembers, let lane = modelLanes[key] {
            lanes[lane].records -= 1
            if lanes[lane].records == 0 { closeLane(lane) }
        }
    }

    /// The lane of a model, made when the model begins to rest somewhere.
    private mutating func openLane(_ key: LaneKey) -> Int {
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
        if lanes[index].records > 0 { for position in entries.indices { entries[position].life.models[key] = nil } }
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
        let isAbsent = entries[position].isLeaving || entries[position].isGone
        let bar: AccountBar? = isAbsent ? nil : entries[position].life.bar(wall)
        let known = entries[position].countedAs
        guard bar != known else { return }
        if let known { counts[known.rawValue] -= 1 }
        if let bar { counts[bar.rawValue] += 1 }
        exits[entries[position].exit].usable += (bar == AccountBar.none ? 1 : 0) - (known == AccountBar.none ? 1 : 0)
        entries[position].countedAs = bar
    }

    mutating func refresh(_ position: Int, in lane: Int) {
        let (place, end) = place(of: position, lanes[lane].key)
        let load = loads.load(entries[position].inFlight, weight: entries[position].weight)
        lanes[lane].move(position, to: place, end: end, load: load, rota)
    }

    private func place(of position: Int, _ key: LaneKey) -> (Lane.Place, end: Instant) {
        guard let bar = entries[position].countedAs else { return (.absent, clock) }
        guard bar == .none else { return (.unusable, clock) }
        if exits[entries[position].exit].isResting { return (.shut, clock) }
        switch entries[position].life.availability(key, rules, clock, wall) {
        case .barred: return (.unusable, clock)
        case .rests(let place, let end): return (place, end)
        case .probing: return (.busy, clock)
        case .free: break
        }
        if entries[position].inFlight >= rules.maxInFlight { return (.busy, clock) }
        if let pace = entries[position].pacedUntil, pace > clock { return (.paced, pace) }
        return (.ready, clock)
    }
}

extension AccountLife {
    /// Learns of what the pool has forgiven since a class was used last.
    mutating func catchUp(_ ordinal: Int, _ forgiven: BreakerCounts.Tally) {
        strands[ordinal].breaker.forget(strands[ordinal].forgiven .!= forgiven)
        strands[ordinal].forgiven = forgiven
    }
}

extension Evidence {
    init(_ trace: AccountPoolState.Trace, _ message: String) {
        self.init(.attempt, requestID: trace.requestID, attempt: trace.attempt, message: message)
    }

    init(_ trace: AccountPoolState.Trace, _ error: GatewayError) {
        self.init(
            .attempt, requestID: trace.requestID, attempt: trace.attempt, upstreamStatus: error.upstreamStatus,
            error: error.kind, field: error.field, message: error.message)
    }
}
