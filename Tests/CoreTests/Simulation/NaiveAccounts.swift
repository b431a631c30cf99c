import PolluxCore

/// The accounts of one provider as the referee keeps them: the documented rules, written as plainly as possible and
/// without a look at the pool.
final class NaiveAccounts {
    /// What keeps accounts from being leased, in figures.
    struct Figures: Equatable {
        var accounts = 0, ready = 0, busy = 0, cooling = 0, unusable = 0
        var firstBack: Duration?
    }

    let rules: AccountPoolState.Rules
    private var accounts: [String: NaiveAccount] = [:]
    /// Those that went while nothing ran on them: a lease that was taken just before may still show itself.
    private var gone: [String: NaiveAccount] = [:]
    /// In the order in which they first published.
    private var sources: [(name: String, credentials: [Credential])] = []
    /// Those that the sources name, in their order.
    private(set) var present: [NaiveAccount] = []
    var turns = NaiveTurns()
    private var hasHope = Array(repeating: false, count: NaiveWork.all.count)
    private var lostHope = Array(repeating: -1, count: NaiveWork.all.count)
    /// Of proxies that somebody uses.
    private var exitRests: [Secret?: NaiveRest] = [:]
    private var poolRest = NaiveRest()
    private(set) var endpoint: NaiveBreaker
    private var watch = NaiveWatch()
    private var openings: [(id: String, quotaClass: QuotaClass, fault: FaultClass, at: Instant)] = []
    /// What happened, to see that it does.
    private(set) var tally: [String: Int] = [:]

    init(_ rules: AccountPoolState.Rules) {
        self.rules = rules
        endpoint = NaiveBreaker(rules.endpoint)
    }

    subscript(id: String) -> NaiveAccount? { accounts[id] ?? gone[id] }

    // MARK: Events

    /// - Parameter number: Of the lease.
    func begin(_ id: String, _ work: NaiveWork, _ number: UInt64, _ now: Instant) {
        if accounts[id] == nil { accounts[id] = gone.removeValue(forKey: id) }
        guard let account = accounts[id] else { return }
        account.running += 1
        if rules.pace > .zero {
            account.beforePace = (account.pacedUntil, number)
            account.pacedUntil = now + rules.pace
        }
        let deadline = now + rules.attemptTimeout
        if endpoint.phase != .closed { tally["endpoint probed", default: 0] += 1 }
        endpoint.begin(number, deadline: deadline)
        if account.breakers[work.quotaClass].map({ $0.phase != .closed }) ?? false {
            tally["probed", default: 0] += 1
            account.breakers[work.quotaClass]?.begin(number, deadline: deadline)
        }
    }

    /// Lets time pass.
    func settle(_ now: Instant, _ wallNow: WallTime) {
        endpoint.settle(now)
        for account in accounts.values {
            for one in QuotaClass.allCases {
                account.breakers[one]?.settle(now)
                if let end = account.quotaEnds[one], end <= wallNow { account.quotaEnds[one] = nil }
            }
        }
    }

    /// A lease is back without an attempt.
    func giveBack(_ id: String, _ work: NaiveWork, _ number: UInt64) {
        forgo(id, work, number)
        if let account = accounts[id], account.beforePace.number == number {
            account.pacedUntil = account.beforePace.until
        }
    }

    /// A lease is back with nothing that counts.
    func forgo(_ id: String, _ work: NaiveWork, _ number: UInt64) {
        endpoint.forgo(number)
        accounts[id]?.breakers[work.quotaClass]?.forgo(number)
    }

    /// An answer has begun.
    func answers(_ id: String, _ work: NaiveWork, _ now: Instant) {
        guard let account = accounts[id] else { return }
        watch.note(id, nil, now)
        endpoint.answer(now)
        if account.breakers[work.quotaClass] == nil { account.breakers[work.quotaClass] = NaiveBreaker(rules.breaker) }
        account.breakers[work.quotaClass]?.answer(now)
    }

    /// Reckons what an attempt means for the breakers.
    ///
    /// - Parameter fault: `nil` for a success.
    private func reckon(
        _ account: NaiveAccount, _ work: NaiveWork, _ attempt: Visit.Attempt, _ fault: FaultClass?, isOwn: Bool,
        _ now: Instant
    ) {
        let quotaClass = work.quotaClass
        let (number, hasAnswered) = (attempt.lease, attempt.hasAnswered)
        watch.note(account.id, isOwn ? fault : nil, now)
        if endpoint.end(number, fault, hasAnswered: hasAnswered, now) {
            tally["endpoint suspended", default: 0] += 1
            for one in FaultClass.allCases { forgive(one, now) }
        }
        guard isOwn || fault == nil else { return account.breakers[quotaClass]?.forgo(number) ?? () }
        if let fault, watch.blamesEndpoint(fault, now) {
            tally["the endpoint's fault", default: 0] += 1
            forgive(fault, now)
            account.breakers[quotaClass]?.forgo(number)
            return
        }
        if account.breakers[quotaClass]?.end(number, fault, hasAnswered: hasAnswered, now) ?? false, let fault {
            tally["suspended", default: 0] += 1
            openings.append((account.id, quotaClass, fault, now))
        }
    }

    private func forgive(_ fault: FaultClass, _ now: Instant) {
        for account in accounts.values {
            for one in QuotaClass.allCases { account.breakers[one]?.forget(fault) }
        }
        for opening in openings where opening.fault == fault && now - opening.at <= .seconds(10) {
            tally["released", default: 0] += 1
            accounts[opening.id]?.breakers[opening.quotaClass]?.release()
        }
        openings.removeAll { $0.fault == fault }
    }

    func end(_ id: String) {
        guard let account = accounts[id] else { return }
        account.running -= 1
        if !account.isPresent, account.running <= 0 { accounts[id] = nil }
    }

    /// - Parameters:
    ///   - attempt: What failed.
    ///   - isCommitted: The client had its first byte.
    func blame(
        _ attempt: Visit.Attempt, _ work: NaiveWork, isCommitted: Bool, _ error: GatewayError, _ now: Instant,
        _ wallNow: WallTime
    ) {
        guard let account = accounts[attempt.account] else { return }
        let exit = attempt.exit
        if error.kind == .cancelled { return forgo(account.id, work, attempt.lease) }
        if let fault = error.faultClass {
            let isOwn = !isCommitted && (fault != .network || exit != nil)
            if account.breakers[work.quotaClass] == nil {
                account.breakers[work.quotaClass] = NaiveBreaker(rules.breaker)
            }
            reckon(account, work, attempt, fault, isOwn: isOwn, now)
        } else {
            watch.note(account.id, nil, now)
            forgo(account.id, work, attempt.lease)
        }
        switch error.accountEffect {
        case .none: break
        case .exhaustQuota:
            tally["quota spent", default: 0] += 1
            let end = error.retryAfter.map { wallNow + $0 } ?? DailyReset.builtIn.next(after: wallNow)
            for one in error.scope == .account ? QuotaClass.allCases : [work.quotaClass] {
                account.quotaEnds[one] = max(account.quotaEnds[one] ?? end, end)
            }
        // Evidence against a credential that has been replaced meanwhile is no news.
        case .rejectCredential: if attempt.secret == account.credential["key"] { account.isBlamed = true }
        case .restrict, .needHuman, .endTrial: account.isBlamed = true
        case .cool:
            let asked = error.retryAfter
            switch error.scope {
            case .account:
                for one in QuotaClass.allCases { account.rests[NaiveWork(one).place].begin(asked, rules, now) }
            case .accountModel: account.rests[work.place].begin(asked, rules, now)
            case .exit: exitRests[exit]?.begin(asked, rules, now)
            case .endpoint: poolRest.begin(asked, rules, now)
            default: account.rests[NaiveWork(work.quotaClass).place].begin(asked, rules, now)
            }
        }
    }

    /// A success ends the doubling, unless a rest has begun meanwhile.
    func praise(_ attempt: Visit.Attempt, _ work: NaiveWork, _ now: Instant) {
        guard let account = accounts[attempt.account] else { return }
        let exit = attempt.exit
        if account.breakers[work.quotaClass] == nil { account.breakers[work.quotaClass] = NaiveBreaker(rules.breaker) }
        reckon(account, work, attempt, nil, isOwn: true, now)
        account.rests[work.place].forget(now)
        account.rests[NaiveWork(work.quotaClass).place].forget(now)
        exitRests[exit]?.forget(now)
        poolRest.forget(now)
    }

    func rotate(_ credential: Credential) { accounts[credential.accountID]?.credential = credential }

    /// - Parameters:
    ///   - credentials: All that the source names now; `nil` when it is no more.
    ///   - event: At which it says so.
    func publish(_ source: String, _ credentials: [Credential]?, at event: Int) {
        if let place = sources.firstIndex(where: { $0.name == source }) {
            sources[place].credentials = credentials ?? []
        } else if let credentials {
            sources.append((source, credentials))
        }
        if credentials == nil { sources.removeAll { $0.name == source } }
        // Each account once, as the first source has it.
        var union: [Credential] = []
        for credential in sources.flatMap(\.credentials)
        where !union.contains(where: { $0.accountID == credential.accountID }) {
            union.append(credential)
        }
        replace(with: union, at: event)
    }

    private func replace(with credentials: [Credential], at event: Int) {
        let before = present
        let ring = present.map { ($0.id, $0.weight) }
        present = credentials.map { credential in
            let account = accounts[credential.accountID] ?? NaiveAccount(credential)
            if account.published != credential || !account.isPresent {
                (account.credential, account.isBlamed) = (credential, false)
            }
            (account.published, account.isPresent) = (credential, true)
            accounts[account.id] = account
            return account
        }
        for account in before where !present.contains(where: { $0 === account }) {
            account.isPresent = false
            // Nobody looks at it while it is gone; if it comes back, it is free from then on.
            for place in account.watches.indices {
                if account.watches[place].standing == .free { account.watches[place].lastFree = event }
                account.watches[place].standing = .out
            }
            if account.running <= 0 { gone[account.id] = accounts.removeValue(forKey: account.id) }
        }
        let isSameRing = ring.elementsEqual(present.map { ($0.id, $0.weight) }, by: ==)
        if !isSameRing { turns.forget() }
        // Who has left in the middle of an answer has turns left, which others take.
        watch.keep(Set(accounts.keys))
        turns.isUneven = before.contains { !$0.isPresent } || accounts.values.contains { !$0.isPresent }
        // An exit that nobody uses is forgotten; one that a last lease uses is not.
        let exits = Set(accounts.values.map(\.published.proxy))
        exitRests = exitRests.filter { exits.contains($0.key) }
        for exit in exits where exitRests[exit] == nil { exitRests[exit] = NaiveRest() }
    }

    // MARK: Questions

    func standing(
        _ account: NaiveAccount, _ work: NaiveWork, _ now: Instant, _ wallNow: WallTime
    ) -> NaiveAccount.Standing {
        guard account.isUsable(wallNow), back(account, work, now, wallNow) <= now else { return .out }
        if account.isProbed(work) || account.running >= rules.maxInFlight { return .busy }
        if let end = account.pacedUntil, end > now { return .out }
        return endpoint.letsPass ? .free : .busy
    }

    /// How many leases there are to be had when nothing runs: one at a time tries what is half-open, and a pace keeps
    /// the second one away.
    func room(_ work: NaiveWork, _ now: Instant, _ wallNow: WallTime) -> Int {
        let free = present.filter { standing($0, work, now, wallNow) == .free }
        if endpoint.phase != .closed { return min(free.count, 1) }
        return free.map { account in
            let isClosed = account.breakers[work.quotaClass].map { $0.phase == .closed } ?? true
            return rules.pace > .zero || !isClosed ? 1 : rules.maxInFlight
        }.reduce(0, +)
    }

    /// When an account has rested. What rests more than the account goes before: if its exit or the pool rests, its own
    /// rest is not looked at until that is over.
    private func back(
        _ account: NaiveAccount, _ work: NaiveWork, _ now: Instant, _ wallNow: WallTime
    ) -> Instant {
        var ends: [Instant] = []
        if poolRest.end > now { ends.append(poolRest.end) }
        if case .open(let until) = endpoint.phase { ends.append(until) }
        if let last = ends.max() { return last }
        if let rest = exitRests[account.published.proxy], rest.end > now { return rest.end }
        return account.restEnd(work, rules, now, wallNow)
    }

    /// Looks at every account again after something happened.
    ///
    /// - Parameter lastFree: Until which event those were free that no longer are.
    func look(_ event: Int, lastFree: Int, _ now: Instant, _ wallNow: WallTime) {
        for account in present {
            for work in NaiveWork.asked {
                let standing = standing(account, work, now, wallNow)
                let known = account[work].standing
                if standing == .free {
                    account[work].lastFree = event
                } else if known == .free {
                    account[work].lastFree = lastFree
                }
                if known != standing {
                    account[work].standing = standing
                    account[work].since = event
                }
            }
        }
    }

    /// Notes for which works there is nobody, free or busy, after something happened.
    ///
    /// - Parameter isNewMoment: Nothing but time has passed; only what is new counts.
    func noteHope(_ event: Int, isNewMoment: Bool) {
        for work in NaiveWork.asked {
            let hope = present.contains { $0[work].standing != .out }
            if !hope, !isNewMoment || hasHope[work.place] { lostHope[work.place] = event }
            hasHope[work.place] = hope
        }
    }

    /// The event at which waiting requests were last sent away, if at all.
    func hopeLost(_ work: NaiveWork) -> Int { lostHope[work.place] }

    /// Accounts that have been `standing` since before `event` without a break.
    ///
    /// - Parameter unseen: How many leases there may be that nobody has seen yet; a free account has room for them.
    func lasting(
        _ standing: NaiveAccount.Standing, _ work: NaiveWork, before event: Int, unseen: Int = 0
    ) -> [String] {
        present.filter { account in
            let watch = account[work]
            guard watch.standing == standing, watch.since < event else { return false }
            guard standing == .free, unseen > 0 else { return true }
            return rules.maxInFlight - account.running > unseen && !mayBlock(account, work)
        }.map(\.id)
    }

    /// One lease is enough to keep all others from an account, or from all of them.
    private func mayBlock(_ account: NaiveAccount, _ work: NaiveWork) -> Bool {
        let isClosed = account.breakers[work.quotaClass].map { $0.phase == .closed } ?? true
        return rules.pace > .zero || endpoint.phase != .closed || !isClosed
    }

    func figures(_ work: NaiveWork, _ now: Instant, _ wallNow: WallTime) -> Figures {
        var figures = Figures()
        for account in present {
            figures.accounts += 1
            switch standing(account, work, now, wallNow) {
            case .free: figures.ready += 1
            case .busy: figures.busy += 1
            case .out where !account.isUsable(wallNow): figures.unusable += 1
            case .out:
                figures.cooling += 1
                var end = back(account, work, now, wallNow)
                if end <= now {
                    tally["paced", default: 0] += 1
                    end = account.pacedUntil ?? now
                }
                let wait = end - now
                figures.firstBack = min(figures.firstBack ?? wait, wait)
            }
        }
        return figures
    }
}
