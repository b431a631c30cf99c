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
    }

    typealias Grant = Result<Credential, Shortage>

    let state: Mutex<Guarded>
    let time: any TimeSource

    public init(_ rules: AccountPoolState.Rules, time: any TimeSource) {
        state = Mutex(Guarded(rules: AccountPoolState(rules)))
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
        let (now, wallNow) = (time.now, time.wallNow)
        let (grant, bells) = state.withLock { state -> (Grant, [WaitLine.Bell]) in
            let bells = state.line.count > 0 ? state.serve(now, wallNow) : []
            return (state.grant(work, excluding: tried, now, wallNow), bells)
        }
        ring(bells)
        return grant.map { PoolLease(credential: $0, work: work, pool: self) }
    }

    /// Takes a certain account for one attempt, if it is ready. Those who wait go first.
    public func lease(account: String, for quotaClass: QuotaClass, model: String = "") -> PoolLease? {
        let (now, wallNow) = (time.now, time.wallNow)
        let work = WaitLine.Work(quotaClass: quotaClass, model: model)
        let (credential, bells) = state.withLock { state -> (Credential?, [WaitLine.Bell]) in
            let bells = state.line.count > 0 ? state.serve(now, wallNow) : []
            let isLeased = state.rules.lease(
                account: account, for: quotaClass, model: model, now: now, wallNow: wallNow)
            return (isLeased ? state.credential(of: account) : nil, bells)
        }
        ring(bells)
        return credential.map { PoolLease(credential: $0, work: work, pool: self) }
    }

    /// Takes over what one source published.
    ///
    /// - Parameter problem: Says what an account lacks; such an account is kept but never leased.
    /// - Returns: The problems, by account, for the log.
    @discardableResult
    public func update(
        source: String, _ credentials: [Credential], problem: (Credential) -> String?
    ) -> [(accountID: String, problem: String)] {
        let problems = credentials.map { ($0.accountID, problem($0)) }
        let (now, wallNow) = (time.now, time.wallNow)
        let bells = state.withLock { state in
            if let index = state.sources.firstIndex(where: { $0.name == source }) {
                state.sources[index].credentials = credentials
            } else {
                state.sources.append((source, credentials))
            }
            let union = state.sources.flatMap(\.credentials)
            var changed: Set<String> = []
            var next: [String: Credential] = [:]
            for credential in union where next[credential.accountID] == nil {
                let isNew = state.published[credential.accountID] != credential
                if isNew { changed.insert(credential.accountID) }
                next[credential.accountID] = isNew ? credential : state.credentials[credential.accountID] ?? credential
            }
            let known = state.rules.accounts.filter { $0.inFlight > 0 && next[$0.id] == nil }
            for account in known { next[account.id] = state.credentials[account.id] }
            state.published = Dictionary(union.map { ($0.accountID, $0) }, uniquingKeysWith: { first, _ in first })
            state.credentials = next
            // Of the record that is in force: another source may name the account as well, and lack something.
            state.rules.replaceAccounts(with: union.map { ($0, problem($0)) }, changed: changed)
            return state.serve(now, wallNow)
        }
        ring(bells)
        return problems.compactMap { id, problem in problem.map { (id, $0) } }
    }

    /// How many accounts could be leased now, and what keeps the others.
    public func shortage(for quotaClass: QuotaClass = .text, model: String = "") -> Shortage {
        let (now, wallNow) = (time.now, time.wallNow)
        return state.withLock { $0.rules.shortage(for: quotaClass, model: model, now: now, wallNow: wallNow) }
    }

    /// How many accounts there are, whatever their state.
    public var count: Int { state.withLock { $0.rules.count } }

    /// The accounts that cannot be leased until somebody acts, in file order, and why.
    public var unusableAccounts: [(accountID: String, reason: String)] {
        let wallNow = time.wallNow
        return state.withLock { $0.rules.unusableAccounts(wallNow: wallNow) }
    }

    fileprivate func release(
        _ accountID: String, _ work: WaitLine.Work, by proxy: Secret?, after error: GatewayError?
    ) {
        let (now, wallNow) = (time.now, time.wallNow)
        let bells = state.withLock { state -> [WaitLine.Bell] in
            state.rules.release(
                accountID, for: work.quotaClass, model: work.model, by: .some(proxy), after: error, now: now)
            return state.line.count > 0 ? state.serve(now, wallNow) : []
        }
        ring(bells)
    }

    fileprivate func credential(of accountID: String) -> Credential? {
        state.withLock { $0.credentials[accountID] }
    }

    fileprivate func rotate(to credential: Credential) {
        state.withLock { $0.credentials[credential.accountID] = credential }
    }

    func ring(_ bells: [WaitLine.Bell]) {
        for bell in bells { bell.resume() }
    }
}

/// One account, leased for one attempt. Given back exactly once, by `release` or at the latest when it is forgotten.
public final class PoolLease: AccountLease {
    public let accountID: String
    private let initial: Credential
    private let work: WaitLine.Work
    private let pool: AccountPool
    private let isReleased = Atomic(false)
    /// The first secret that was asked for: with its proxy the attempt left.
    private let used = Mutex<Credential?>(nil)

    init(credential: Credential, work: WaitLine.Work, pool: AccountPool) {
        (accountID, initial, self.work, self.pool) = (credential.accountID, credential, work, pool)
    }

    /// The current secret: another lease of the same account may have rotated it.
    public var credential: Credential {
        let credential = pool.credential(of: accountID) ?? initial
        used.withLock { if $0 == nil { $0 = credential } }
        return credential
    }

    public func rotate(to credential: Credential) async throws(GatewayError) {
        pool.rotate(to: credential)
    }

    /// - Parameter error: What the attempt failed with; `nil` clears the account's record of limits for this class.
    public func release(after error: GatewayError?) {
        guard !isReleased.exchange(true, ordering: .relaxed) else { return }
        pool.release(accountID, work, by: proxy, after: error)
    }

    private var proxy: Secret? { used.withLock { $0 ?? initial }.proxy }

    deinit {
        if !isReleased.load(ordering: .relaxed) { pool.release(accountID, work, by: proxy, after: .cancelled) }
    }
}
