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

    init(_ rules: AccountPoolState.Rules) { self.rules = rules }

    subscript(id: String) -> NaiveAccount? { accounts[id] ?? gone[id] }

    // MARK: Events

    func begin(_ id: String) {
        if accounts[id] == nil { accounts[id] = gone.removeValue(forKey: id) }
        accounts[id]?.running += 1
    }

    func end(_ id: String) {
        guard let account = accounts[id] else { return }
        account.running -= 1
        if !account.isPresent, account.running <= 0 { accounts[id] = nil }
    }

    /// - Parameter exit: The proxy by which the attempt left.
    func blame(_ id: String, _ work: NaiveWork, by exit: Secret?, _ error: GatewayError, _ now: Instant) {
        guard let account = accounts[id] else { return }
        switch error.accountEffect {
        case .none: break
        case .rejectCredential, .restrict: account.isBlamed = true
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
    func praise(_ id: String, _ work: NaiveWork, by exit: Secret?, _ now: Instant) {
        guard let account = accounts[id] else { return }
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
        guard account.isUsable(wallNow), back(account, work, now) <= now else { return .out }
        return account.running < rules.maxInFlight ? .free : .busy
    }

    /// When an account has rested. What rests more than the account goes before: if its exit or the pool rests, its own
    /// rest is not looked at until that is over.
    private func back(_ account: NaiveAccount, _ work: NaiveWork, _ now: Instant) -> Instant {
        if poolRest.end > now { return poolRest.end }
        if let rest = exitRests[account.published.proxy], rest.end > now { return rest.end }
        return account.restEnd(work)
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
            return standing != .free || rules.maxInFlight - account.running > unseen
        }.map(\.id)
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
                let wait = back(account, work, now) - now
                figures.firstBack = min(figures.firstBack ?? wait, wait)
            }
        }
        return figures
    }
}
