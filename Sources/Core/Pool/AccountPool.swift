import Synchronization

/// The accounts of one provider: who may be leased, and the secrets that go with them.
public final class AccountPool: Sendable {
    struct Guarded: Sendable {
        var rules: AccountPoolState
        var credentials: [String: Credential] = [:]
        /// The current set of each source, by its name; the pool is their union in this order.
        var sources: [(name: String, credentials: [Credential])] = []
        /// What a source last published, by account: an unchanged, stale value never replaces a rotated one.
        var published: [String: Credential] = [:]
        var line = WaitLine()
        var observers: [any TransitionObserver] = []
        /// Makes rotated secrets durable; `nil` keeps them in memory alone.
        var keeper: (any CredentialKeeping)?
    }

    typealias Grant = Result<WaitLine.Handout, Shortage>

    /// The provider's.
    public let name: String
    let state: Mutex<Guarded>
    let time: any TimeSource

    /// - Parameters:
    ///   - name: The provider's, for what is told and remembered.
    ///   - dailyReset: When daily quotas begin anew.
    ///   - random: For the lengths of suspensions.
    public init(
        _ rules: AccountPoolState.Rules, name: String = "", dailyReset: DailyReset = .builtIn,
        random: any RandomSource = FastRandom(), time: any TimeSource
    ) {
        self.name = name
        state = Mutex(
            Guarded(rules: AccountPoolState(rules, name: name, dailyReset: dailyReset, random: random)))
        self.time = time
    }

    /// Takes an account for one attempt. Those who wait go first.
    ///
    /// - Parameters:
    ///   - model: The model's name at the upstream, where limits of single models are to be heeded.
    ///   - tried: Accounts that this request has tried already.
    /// - Throws: `noAccountAvailable`, with the earliest time that helps.
    public func lease(
        for quotaClass: QuotaClass, model: String = "", excluding tried: Set<String> = [], provider: String
    ) throws(GatewayError) -> PoolLease {
        switch lease(WaitLine.Work(quotaClass: quotaClass, model: model), excluding: tried) {
        case .failure(let shortage): throw shortage.error(provider: provider)
        case .success(let lease): return lease
        }
    }

    /// The same without a sentence about why there is none.
    func leaseIfReady(
        for quotaClass: QuotaClass, model: String = "", excluding tried: Set<String> = []
    ) -> PoolLease? {
        switch lease(WaitLine.Work(quotaClass: quotaClass, model: model), excluding: tried) {
        case .failure: nil
        case .success(let lease): lease
        }
    }

    private func lease(_ work: WaitLine.Work, excluding tried: Set<String>) -> Result<PoolLease, Shortage> {
        let grant = act { state, now, wallNow in
            let bells = state.line.count > 0 ? state.serve(now, wallNow) : []
            return (state.grant(work, excluding: tried, now, wallNow), bells)
        }
        return grant.map { PoolLease($0, work: work, pool: self) }
    }

    /// Takes a certain account for one attempt, if it is ready. Those who wait go first.
    public func lease(account: String, for quotaClass: QuotaClass, model: String = "") -> PoolLease? {
        let work = WaitLine.Work(quotaClass: quotaClass, model: model)
        let handout = act { state, now, wallNow -> (WaitLine.Handout?, [WaitLine.Bell]) in
            let bells = state.line.count > 0 ? state.serve(now, wallNow) : []
            let isLeased = state.rules.lease(
                account: account, for: quotaClass, model: model, now: now, wallNow: wallNow)
            return (isLeased ? state.handout(account) : nil, bells)
        }
        return handout.map { PoolLease($0, work: work, pool: self) }
    }

    /// Takes over what one source published.
    ///
    /// - Parameters:
    ///   - changed: Accounts whose credential is another one than before, if somebody knows better than the pool: by
    ///     default it compares with what was published since the process began.
    ///   - problem: Says what an account lacks; such an account is kept but never leased.
    /// - Returns: The problems, by account, for the log.
    @discardableResult
    public func update(
        source: String, _ credentials: [Credential], changed: Set<String>? = nil, problem: (Credential) -> String?
    ) -> [(accountID: String, problem: String)] {
        let problems = credentials.map { ($0.accountID, problem($0)) }
        act { state, now, wallNow in
            state.rules.settle(now, wallNow)
            state.publish(source, credentials, changed, problem)
            return ((), state.serve(now, wallNow))
        }
        return problems.compactMap { id, problem in problem.map { (id, $0) } }
    }

    /// How many accounts could be leased now, and what keeps the others.
    public func shortage(for quotaClass: QuotaClass = .text, model: String = "") -> Shortage {
        act { state, now, wallNow in
            (state.rules.shortage(for: quotaClass, model: model, now: now, wallNow: wallNow), [])
        }
    }

    /// How many accounts there are, whatever their state.
    public var count: Int { state.withLock { $0.rules.count } }

    /// The accounts that cannot be leased until somebody acts, in file order, and why.
    public var unusableAccounts: [(accountID: String, reason: String)] {
        let wallNow = time.wallNow
        return state.withLock { $0.rules.unusableAccounts(wallNow: wallNow) }
    }

    // MARK: Under the lock, and behind it

    /// Decides under the lock; rings and tells when it has let go of it.
    @discardableResult
    func act<Value: Sendable>(
        at wallNow: WallTime? = nil,
        _ decide: (inout Guarded, Instant, WallTime) -> sending (Value, [WaitLine.Bell])
    ) -> Value {
        let (now, wallNow) = (time.now, wallNow ?? time.wallNow)
        let (value, bells, news, observers) = state.withLock { state in
            let (value, bells) = decide(&state, now, wallNow)
            let news = state.rules.news
            if !news.isEmpty { state.rules.news = [] }
            return (value, bells, news, news.isEmpty ? [] : state.observers)
        }
        for bell in bells { bell.resume() }
        if !news.isEmpty { for observer in observers { observer.happened(news) } }
        return value
    }

    /// Changes something about accounts, by which some who wait may be served.
    func change<Value: Sendable>(
        at wallNow: WallTime? = nil, _ body: (inout Guarded) -> sending Value
    ) -> Value {
        act(at: wallNow) { state, now, wallNow in
            state.rules.settle(now, wallNow)
            let value = body(&state)
            return (value, state.line.count > 0 ? state.serve(now, wallNow) : [])
        }
    }

    func answers(_ handout: WaitLine.Handout, _ work: WaitLine.Work) {
        act { state, now, wallNow in
            state.rules.settle(now, wallNow)
            state.rules.answers(
                handout.credential.accountID, for: work.quotaClass, now: now, grant: handout.grant)
            return ((), [])
        }
    }

    func release(_ handout: WaitLine.Handout, _ work: WaitLine.Work, _ use: PoolLease.Use, after error: GatewayError?) {
        act { state, now, wallNow in
            let id = handout.credential.accountID
            let current = state.credentials[id]
            let trace = use.trace(of: handout, current)
            state.rules.settle(now, wallNow)
            state.rules.release(
                id, for: work.quotaClass, model: work.model, by: .some(use.proxy(of: handout)), after: error, now: now,
                grant: handout.grant, trace)
            return ((), state.line.count > 0 ? state.serve(now, wallNow) : [])
        }
    }

    func giveBack(
        _ handout: WaitLine.Handout, _ work: WaitLine.Work, _ use: PoolLease.Use, limitedFor: Duration?,
        _ message: String
    ) {
        act { state, now, wallNow in
            state.rules.giveBack(
                handout.credential.accountID, for: work.quotaClass, model: work.model, grant: handout.grant,
                limit: limitedFor.map { (now + $0, message) }, now: now, use.trace(of: handout, nil))
            return ((), state.line.count > 0 ? state.serve(now, wallNow) : [])
        }
    }

    func credential(of accountID: String) -> Credential? {
        state.withLock { $0.credentials[accountID] }
    }

    func rotate(to credential: Credential) {
        state.withLock { $0.credentials[credential.accountID] = credential }
    }
}

extension AccountPool.Guarded {
    /// The accounts of all sources, each once, as the first source has it.
    mutating func publish(
        _ source: String, _ credentials: [Credential], _ known: Set<String>?, _ problem: (Credential) -> String?
    ) {
        if let index = sources.firstIndex(where: { $0.name == source }) {
            sources[index].credentials = credentials
        } else {
            sources.append((source, credentials))
        }
        var (changed, next, owners): (Set<String>, [String: Credential], [String: String]) = (known ?? [], [:], [:])
        for (owner, credentials) in sources {
            for credential in credentials where next[credential.accountID] == nil {
                let id = credential.accountID
                let isNew = published[id] != credential
                // What a restart left remembered is about this very credential, as far as the pool can tell.
                if isNew, known == nil, rules.remembered[id] == nil { changed.insert(id) }
                next[id] = isNew ? credential : self.credentials[id] ?? credential
                owners[id] = owner
            }
        }
        let union = sources.flatMap(\.credentials)
        for account in rules.accounts where account.inFlight > 0 && next[account.id] == nil {
            next[account.id] = self.credentials[account.id]
        }
        published = Dictionary(union.map { ($0.accountID, $0) }, uniquingKeysWith: { first, _ in first })
        self.credentials = next
        // Of the record that is in force: another source may name the account as well, and lack something.
        rules.replaceAccounts(with: union.map { ($0, problem($0)) }, changed: changed, sources: owners)
    }
}
