import Synchronization

/// The accounts of one provider: who may be leased, and the secrets that go with them.
public final class AccountPool: Sendable {
    private struct Guarded: Sendable {
        var rules: AccountPoolState
        var credentials: [String: Credential] = [:]
        /// The current set of each source, by its name; the pool is their union in this order.
        var sources: [(name: String, credentials: [Credential])] = []
        /// What a source last published, by account: an unchanged, stale value never replaces a rotated one.
        var published: [String: Credential] = [:]
        /// Requests that wait for a busy account, first come, first served.
        var waiters: [Waiter] = []
        var nextWaiter: UInt64 = 0

        mutating func grant(_ quotaClass: QuotaClass, _ tried: Set<String>, _ now: Instant, _ wallNow: WallTime)
            -> Grant
        {
            switch rules.lease(for: quotaClass, excluding: tried, now: now, wallNow: wallNow) {
            case .nothing(let shortage): .failure(shortage)
            case .lease(let id): .success(credentials[id] ?? Credential(accountID: id, values: [:]))
            }
        }

        /// Hands accounts that came free to those who waited longest, and sends away those whom no release will help:
        /// what they waited for rests or is gone.
        mutating func serveWaiters(_ now: Instant, _ wallNow: WallTime) -> [(Waiter, Credential?)] {
            var served: [(Waiter, Credential?)] = []
            var index = 0
            while index < waiters.count {
                let waiter = waiters[index]
                switch grant(waiter.quotaClass, waiter.tried, now, wallNow) {
                case .success(let credential): served.append((waiters.remove(at: index), credential))
                case .failure(let shortage) where shortage.busy == 0: served.append((waiters.remove(at: index), nil))
                case .failure: index += 1
                }
            }
            return served
        }
    }

    private typealias Grant = Result<Credential, Shortage>

    private struct Waiter: Sendable {
        let id: UInt64
        let quotaClass: QuotaClass
        let tried: Set<String>
        let continuation: CheckedContinuation<Credential?, Never>
    }

    private let state: Mutex<Guarded>
    private let time: any TimeSource

    public init(_ rules: AccountPoolState.Rules, time: any TimeSource) {
        state = Mutex(Guarded(rules: AccountPoolState(rules)))
        self.time = time
    }

    /// Takes an account for one attempt.
    ///
    /// - Throws: `noAccountAvailable`, with the earliest time that helps.
    public func lease(
        for quotaClass: QuotaClass, excluding tried: Set<String> = [], provider: String
    ) throws(GatewayError) -> PoolLease {
        let (now, wallNow) = (time.now, time.wallNow)
        switch state.withLock({ $0.grant(quotaClass, tried, now, wallNow) }) {
        case .failure(let shortage): throw shortage.error(provider: provider)
        case .success(let credential): return PoolLease(credential: credential, quotaClass: quotaClass, pool: self)
        }
    }

    /// Waits for a busy account to come free.
    ///
    /// - Parameter maxDepth: How many may wait at a time; more are refused at once.
    /// - Throws: `noAccountAvailable` when waiting cannot help or took too long, `cancelled`.
    public func waitForLease(
        for quotaClass: QuotaClass, excluding tried: Set<String>, provider: String, until deadline: Instant,
        maxDepth: Int
    ) async throws(GatewayError) -> PoolLease {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        let credential = await withTaskGroup(of: Credential?.self) { group in
            group.addTask { await self.wait(id, quotaClass, tried, maxDepth) }
            group.addTask { [time] in
                do { try await time.sleep(until: deadline) } catch { return nil }
                self.stopWaiting(id)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            let second = await group.next() ?? nil
            return first ?? second
        }
        if let credential { return PoolLease(credential: credential, quotaClass: quotaClass, pool: self) }
        if Task.isCancelled { throw .cancelled }
        throw shortage(for: quotaClass).error(provider: provider)
    }

    /// - Returns: `nil` when the wait was ended, or was useless from the start.
    private func wait(
        _ id: UInt64, _ quotaClass: QuotaClass, _ tried: Set<String>, _ maxDepth: Int
    ) async -> Credential? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (now, wallNow) = (time.now, time.wallNow)
                let granted = state.withLock { state -> Credential?? in
                    // Under the lock: a cancellation before it is seen here, one after it finds the waiter.
                    let isCancelled = Task.isCancelled
                    switch state.grant(quotaClass, tried, now, wallNow) {
                    case .success(let credential): return .some(credential)
                    case .failure(let shortage):
                        guard shortage.busy > 0, state.waiters.count < maxDepth, !isCancelled else { return .some(nil) }
                        let waiter = Waiter(id: id, quotaClass: quotaClass, tried: tried, continuation: continuation)
                        state.waiters.append(waiter)
                        return nil
                    }
                }
                if let granted { continuation.resume(returning: granted) }
            }
        } onCancel: {
            stopWaiting(id)
        }
    }

    private func stopWaiting(_ id: UInt64) {
        let waiter = state.withLock { state in
            state.waiters.firstIndex { $0.id == id }.map { state.waiters.remove(at: $0) }
        }
        waiter?.continuation.resume(returning: nil)
    }

    /// How many wait now.
    var waiterCount: Int { state.withLock { $0.waiters.count } }

    /// Takes over what one source published.
    ///
    /// - Parameter problem: Says what an account lacks; such an account is kept but never leased.
    /// - Returns: The problems, by account, for the log.
    @discardableResult
    public func update(
        source: String, _ credentials: [Credential], problem: (Credential) -> String?
    ) -> [(accountID: String, problem: String)] {
        let problems = credentials.map { ($0.accountID, problem($0)) }
        let problemByID = Dictionary(problems, uniquingKeysWith: { first, _ in first })
        let (now, wallNow) = (time.now, time.wallNow)
        let served = state.withLock { state in
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
            state.rules.replaceAccounts(
                with: union.map { ($0, problemByID[$0.accountID] ?? problem($0)) }, changed: changed)
            return state.serveWaiters(now, wallNow)
        }
        for (waiter, credential) in served { waiter.continuation.resume(returning: credential) }
        return problems.compactMap { id, problem in problem.map { (id, $0) } }
    }

    /// How many accounts could be leased now, and what keeps the others.
    public func shortage(for quotaClass: QuotaClass = .text) -> Shortage {
        let (now, wallNow) = (time.now, time.wallNow)
        return state.withLock { $0.rules.shortage(for: quotaClass, now: now, wallNow: wallNow) }
    }

    /// The accounts that cannot be leased until somebody acts, in file order, and why.
    public var unusableAccounts: [(accountID: String, reason: String)] {
        let wallNow = time.wallNow
        return state.withLock { $0.rules.unusableAccounts(wallNow: wallNow) }
    }

    fileprivate func release(_ accountID: String, _ quotaClass: QuotaClass, after error: GatewayError?) {
        let (now, wallNow) = (time.now, time.wallNow)
        let served = state.withLock { state in
            state.rules.release(accountID, for: quotaClass, after: error, now: now)
            return state.waiters.isEmpty ? [] : state.serveWaiters(now, wallNow)
        }
        for (waiter, credential) in served { waiter.continuation.resume(returning: credential) }
    }

    fileprivate func credential(of accountID: String) -> Credential? {
        state.withLock { $0.credentials[accountID] }
    }

    fileprivate func rotate(to credential: Credential) {
        state.withLock { $0.credentials[credential.accountID] = credential }
    }
}

/// One account, leased for one attempt. Given back exactly once, by `release` or at the latest when it is forgotten.
public final class PoolLease: AccountLease {
    public let accountID: String
    private let initial: Credential
    private let quotaClass: QuotaClass
    private let pool: AccountPool
    private let isReleased = Atomic(false)

    fileprivate init(credential: Credential, quotaClass: QuotaClass, pool: AccountPool) {
        (accountID, initial, self.quotaClass, self.pool) = (credential.accountID, credential, quotaClass, pool)
    }

    /// The current secret: another lease of the same account may have rotated it.
    public var credential: Credential { pool.credential(of: accountID) ?? initial }

    public func rotate(to credential: Credential) async throws(GatewayError) {
        pool.rotate(to: credential)
    }

    /// - Parameter error: What the attempt failed with; `nil` clears the account's record of limits for this class.
    public func release(after error: GatewayError?) {
        guard !isReleased.exchange(true, ordering: .relaxed) else { return }
        pool.release(accountID, quotaClass, after: error)
    }

    deinit {
        if !isReleased.load(ordering: .relaxed) { pool.release(accountID, quotaClass, after: .cancelled) }
    }
}
