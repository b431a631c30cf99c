@testable import PolluxCore

/// The pool's rules, written as slowly and plainly as possible: dictionaries, and every figure counted anew.
struct NaivePool {
    typealias Key = AccountPoolState.LaneKey

    struct Account {
        var inFlight = 0
        var isPresent = true
        var blame = AccountBar.none
        var isDisabled = false
        var isSwitchedOff = false
        var expiresAt: WallTime?
        var proxy: Secret?
        var weight = 1
        var rests: [Key: Rest] = [:]
        var quotaEnds: [QuotaClass: WallTime] = [:]
        var limitEnds: [QuotaClass: Instant] = [:]
        var breakers: [QuotaClass: NaiveBreaker] = [:]
        var pacedUntil: Instant?
        var beforePace: (until: Instant?, number: UInt64) = (nil, 0)
    }

    struct Rest {
        var end: Instant
        var inARow: Int
    }

    let rules: AccountPoolState.Rules
    var accounts: [String: Account] = [:]
    /// As in the last snapshot; those on their way out are behind.
    var order: [String] = []
    private var rota = Rota(weights: [])
    var exitRests: [Secret?: Rest] = [:]
    var poolRest: Rest?
    private var cursor = 0
    private(set) var endpoint: NaiveBreaker
    private var watch = NaiveWatch()
    private var openings: [(id: String, quotaClass: QuotaClass, fault: FaultClass, at: Instant)] = []

    init(_ rules: AccountPoolState.Rules) {
        self.rules = rules
        endpoint = NaiveBreaker(rules.endpoint)
    }

    func breaker(_ id: String, _ quotaClass: QuotaClass) -> NaiveBreaker {
        accounts[id]?.breakers[quotaClass] ?? NaiveBreaker(rules.breaker)
    }

    /// Ends what time ends, before anything else is asked.
    mutating func settle(_ now: Instant, _ wallNow: WallTime) {
        endpoint.settle(now)
        for id in accounts.keys {
            for one in QuotaClass.allCases {
                accounts[id]?.breakers[one]?.settle(now)
                if let end = accounts[id]?.quotaEnds[one], end <= wallNow { accounts[id]?.quotaEnds[one] = nil }
            }
        }
    }

    // MARK: Figures

    private enum Place {
        case unusable(String), shut(Instant), cooling(Instant), spent(Instant), suspended(Instant), paced(Instant)
        case busy, ready
    }

    private func place(_ id: String, _ key: Key, _ now: Instant, _ wallNow: WallTime) -> Place? {
        guard let account = accounts[id], account.isPresent else { return nil }
        if account.isDisabled || account.isSwitchedOff { return .unusable("disabled") }
        if account.blame != .none { return .unusable(account.blame.word) }
        if let end = account.expiresAt, end <= wallNow { return .unusable("expired") }
        if let rest = exitRests[account.proxy], rest.end > now { return .shut(rest.end) }
        if let place = ownRest(account, key, now, wallNow) { return place }
        let breaker = breaker(id, key.quotaClass)
        if !breaker.letsPass || account.inFlight >= rules.maxInFlight { return .busy }
        if let pace = account.pacedUntil, pace > now { return .paced(pace) }
        return .ready
    }

    private func ownRest(_ account: Account, _ key: Key, _ now: Instant, _ wallNow: WallTime) -> Place? {
        let classes: [QuotaClass] =
            rules.textRestsAll && key.quotaClass != .text ? [key.quotaClass, .text] : [key.quotaClass]
        var ends = classes.compactMap { account.rests[Key(quotaClass: $0)]?.end }
        if !key.model.isEmpty, let end = account.rests[key]?.end { ends.append(end) }
        ends += [account.limitEnds[key.quotaClass]].compactMap(\.self)
        ends = ends.filter { $0 > now }
        let quotas = classes.compactMap { account.quotaEnds[$0] }.filter { $0 > wallNow }.map { now + ($0 - wallNow) }
        var opens: [Instant] = []
        if case .open(let until)? = account.breakers[key.quotaClass]?.phase { opens = [until] }
        guard let last = (ends + quotas + opens).max() else { return nil }
        if !opens.isEmpty { return .suspended(last) }
        return quotas.isEmpty ? .cooling(last) : .spent(last)
    }

    /// When the pool as a whole is open again, if that is known.
    private func gateEnd(_ now: Instant) -> Instant? {
        var ends: [Instant] = []
        if let end = poolRest?.end, end > now { ends.append(end) }
        if case .open(let until) = endpoint.phase { ends.append(until) }
        return ends.max()
    }

    private func isShut(_ now: Instant) -> Bool { gateEnd(now) != nil || !endpoint.letsPass }

    func ready(_ key: Key, excluding tried: Set<String>, now: Instant, wallNow: WallTime) -> [String] {
        guard !isShut(now) else { return [] }
        return order.filter { id in
            guard !tried.contains(id), case .ready? = place(id, key, now, wallNow) else { return false }
            return true
        }
    }

    func shortage(_ key: Key, excluding tried: Set<String>, now: Instant, wallNow: WallTime) -> Shortage {
        var shortage = Shortage(maxInFlight: rules.maxInFlight)
        var ends: [Instant] = []
        var isOpen = false
        if case .open = endpoint.phase { isOpen = true }
        let gateEnd = gateEnd(now)
        shortage.isEndpointSuspended = isOpen || (gateEnd == nil && !endpoint.letsPass)
        for id in order {
            guard let place = place(id, key, now, wallNow) else { continue }
            shortage.accounts += 1
            if tried.contains(id) {
                shortage.tried += 1
                continue
            }
            if case .unusable(let word) = place {
                shortage.unusable[word, default: 0] += 1
                continue
            }
            if let gateEnd {
                if isOpen { shortage.suspended += 1 } else { shortage.cooling += 1 }
                ends.append(gateEnd)
                continue
            }
            switch place {
            case .unusable: break
            case .shut(let end), .cooling(let end):
                shortage.cooling += 1
                ends.append(end)
            case .spent(let end):
                shortage.spent += 1
                ends.append(end)
            case .suspended(let end):
                shortage.suspended += 1
                ends.append(end)
            case .paced(let end):
                shortage.paced += 1
                ends.append(end)
            case .busy: shortage.busy += 1
            case .ready: if endpoint.letsPass { shortage.ready += 1 } else { shortage.busy += 1 }
            }
        }
        shortage.firstBack = ends.min().map { $0 - now }
        return shortage
    }

    // MARK: Choosing

    mutating func choose(_ key: Key, excluding tried: Set<String>, now: Instant, wallNow: WallTime) -> String? {
        let ready = ready(key, excluding: tried, now: now, wallNow: wallNow)
        switch rules.strategy {
        case .fillFirst: return ready.first
        case .leastInFlight:
            return ready.min { left, right in
                guard let left = accounts[left], let right = accounts[right] else { return false }
                return left.inFlight * right.weight < right.inFlight * left.weight
            }
        case .roundRobin:
            for step in 0..<rota.count {
                let slot = (cursor + step) % rota.count
                let id = order[rota.owner(of: slot)]
                guard ready.contains(id) else { continue }
                cursor = slot + 1
                return id
            }
            return nil
        }
    }

    // MARK: What happens

    mutating func take(_ id: String, _ key: Key, _ number: UInt64, _ now: Instant) {
        accounts[id]?.inFlight += 1
        if rules.pace > .zero {
            let before = accounts[id]?.pacedUntil
            accounts[id]?.beforePace = (before, number)
            accounts[id]?.pacedUntil = now + rules.pace
        }
        let deadline = now + rules.attemptTimeout
        endpoint.begin(number, deadline: deadline)
        accounts[id]?.breakers[key.quotaClass]?.begin(number, deadline: deadline)
    }

    mutating func giveBack(_ id: String, _ key: Key, _ number: UInt64, limitedUntil: Instant?, _ now: Instant) {
        guard accounts[id] != nil else { return }
        accounts[id]?.inFlight -= 1
        let before = accounts[id]?.beforePace
        if let before, before.number == number { accounts[id]?.pacedUntil = before.until }
        endpoint.forgo(number)
        accounts[id]?.breakers[key.quotaClass]?.forgo(number)
        if let limitedUntil {
            let known = accounts[id]?.limitEnds[key.quotaClass] ?? limitedUntil
            accounts[id]?.limitEnds[key.quotaClass] = max(known, limitedUntil)
        }
        leave(id)
    }

    private mutating func leave(_ id: String) {
        if let account = accounts[id], account.inFlight == 0, !account.isPresent { accounts[id] = nil }
    }

    mutating func answers(_ id: String, _ key: Key, _ now: Instant) {
        guard accounts[id] != nil else { return }
        watch.note(id, nil, now)
        endpoint.answer(now)
        var breaker = breaker(id, key.quotaClass)
        breaker.answer(now)
        accounts[id]?.breakers[key.quotaClass] = breaker
    }

    /// - Parameter trace: What is known of the attempt.
    mutating func give(
        _ id: String, _ key: Key, _ error: GatewayError?, _ number: UInt64 = 0,
        _ trace: AccountPoolState.Trace = .init(), _ now: Instant
    ) {
        guard accounts[id] != nil else { return }
        accounts[id]?.inFlight -= 1
        count(id, key, error, number, trace, now)
        rest(id, key, error, now)
        leave(id)
    }

    private mutating func count(
        _ id: String, _ key: Key, _ error: GatewayError?, _ number: UInt64, _ trace: AccountPoolState.Trace,
        _ now: Instant
    ) {
        var breaker = breaker(id, key.quotaClass)
        defer { accounts[id]?.breakers[key.quotaClass] = breaker }
        if error?.kind == .cancelled {
            endpoint.forgo(number)
            breaker.forgo(number)
            return
        }
        guard let error else {
            watch.note(id, nil, now)
            endpoint.end(number, nil, hasAnswered: trace.hasAnswered, now)
            breaker.end(number, nil, hasAnswered: trace.hasAnswered, now)
            return
        }
        let fault = error.faultClass
        let isOwn = !trace.isCommitted && (fault != .network || accounts[id]?.proxy != nil)
        watch.note(id, isOwn ? fault : nil, now)
        guard let fault else {
            endpoint.forgo(number)
            breaker.forgo(number)
            return
        }
        if endpoint.end(number, fault, now) {
            accounts[id]?.breakers[key.quotaClass] = breaker
            for one in FaultClass.allCases { forgive(one, now) }
            breaker = self.breaker(id, key.quotaClass)
        }
        guard isOwn else { return breaker.forgo(number) }
        if watch.blamesEndpoint(fault, now) {
            accounts[id]?.breakers[key.quotaClass] = breaker
            forgive(fault, now)
            breaker = self.breaker(id, key.quotaClass)
            breaker.forgo(number)
        } else if breaker.end(number, fault, now) {
            openings.append((id, key.quotaClass, fault, now))
        }
    }

    private mutating func forgive(_ fault: FaultClass, _ now: Instant) {
        for id in accounts.keys {
            for one in QuotaClass.allCases { accounts[id]?.breakers[one]?.forget(fault) }
        }
        for opening in openings where opening.fault == fault && now - opening.at <= .seconds(10) {
            accounts[opening.id]?.breakers[opening.quotaClass]?.release()
        }
        openings.removeAll { $0.fault == fault }
    }

    private mutating func rest(_ id: String, _ key: Key, _ error: GatewayError?, _ now: Instant) {
        guard var account = accounts[id] else { return }
        let classKey = Key(quotaClass: key.quotaClass)
        switch error?.accountEffect {
        case nil:
            for known in [classKey, key] where (account.rests[known]?.end ?? now) <= now { account.rests[known] = nil }
            if (exitRests[account.proxy]?.end ?? now) <= now { exitRests[account.proxy] = nil }
            if (poolRest?.end ?? now) <= now { poolRest = nil }
        case .rejectCredential: blame(&account, .credentialRejected)
        case .restrict: blame(&account, .restricted)
        case .needHuman: blame(&account, .needsHuman)
        case .endTrial: blame(&account, .trialEnded)
        case .exhaustQuota:
            let classes = error?.scope == .account ? QuotaClass.allCases : [key.quotaClass]
            // The random world names a time always.
            let end = wall(now) + (error?.retryAfter ?? .zero)
            for one in classes { account.quotaEnds[one] = max(account.quotaEnds[one] ?? end, end) }
        case .some(.none): break
        case .cool:
            let asked = error?.retryAfter
            switch error?.scope {
            case .account:
                for one in QuotaClass.allCases {
                    let known = Key(quotaClass: one)
                    account.rests[known] = rest(account.rests[known], asked, now)
                }
            case .exit: exitRests[account.proxy] = rest(exitRests[account.proxy], asked, now)
            case .endpoint: poolRest = rest(poolRest, asked, now)
            case .accountModel: account.rests[key] = rest(account.rests[key], asked, now)
            default: account.rests[classKey] = rest(account.rests[classKey], asked, now)
            }
        }
        accounts[id] = account
    }

    /// How far the wall clock is ahead; set by whoever moves the clocks.
    var wallOffset = Duration.zero
    private func wall(_ now: Instant) -> WallTime { WallTime(microseconds: now.microseconds) + wallOffset }

    /// The graver finding stands.
    private func blame(_ account: inout Account, _ bar: AccountBar) {
        guard !account.isDisabled, account.blame == .none || bar.rawValue <= account.blame.rawValue else { return }
        account.blame = bar
    }

    private func rest(_ known: Rest?, _ asked: Duration?, _ now: Instant) -> Rest {
        if let known, known.end > now {
            return Rest(end: asked.map { max(known.end, now + $0) } ?? known.end, inARow: known.inARow)
        }
        var own = rules.cooldown
        for _ in 0..<(known?.inARow ?? 0) { own = min(own * 2, rules.maxCooldown) }
        return Rest(end: now + (asked ?? own), inARow: (known?.inARow ?? 0) + 1)
    }

    // MARK: The operator and sources

    mutating func reset(_ id: String, _ quotaClass: QuotaClass?) {
        for one in QuotaClass.allCases where quotaClass == nil || one == quotaClass {
            let kept = accounts[id]?.rests.filter { $0.key.quotaClass != one } ?? [:]
            accounts[id]?.rests = kept
            accounts[id]?.quotaEnds[one] = nil
            accounts[id]?.limitEnds[one] = nil
            accounts[id]?.breakers[one] = nil
        }
        accounts[id]?.blame = .none
    }

    mutating func setDisabled(_ id: String, _ isOff: Bool) {
        accounts[id]?.isSwitchedOff = isOff
        if !isOff { reset(id, nil) }
    }

    mutating func replace(_ credentials: [Credential], _ changed: Set<String>) {
        let leaving = order.filter { id in
            !credentials.contains { $0.accountID == id } && (accounts[id]?.inFlight ?? 0) > 0
        }
        let stay = Set(credentials.map(\.accountID) + leaving)
        for id in leaving { accounts[id]?.isPresent = false }
        accounts = accounts.filter { stay.contains($0.key) }
        watch.keep(stay)
        for credential in credentials {
            var account = accounts[credential.accountID] ?? Account()
            account.isPresent = true
            (account.isDisabled, account.expiresAt) = (credential.isDisabled, credential.expiresAt)
            (account.proxy, account.weight) = (credential.proxy, credential.weight)
            // An operator's switch, like a new credential, wipes out what the upstream said.
            if changed.contains(credential.accountID) || credential.isDisabled { account.blame = .none }
            accounts[credential.accountID] = account
        }
        order = credentials.map(\.accountID) + leaving
        // An exit that nobody uses is forgotten.
        let exits = Set(order.map { accounts[$0]?.proxy })
        exitRests = exitRests.filter { exits.contains($0.key) }
        rota = Rota(weights: order.map { accounts[$0]?.weight ?? 1 })
        if cursor > rota.count { cursor = 0 }
    }
}
