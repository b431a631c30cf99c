import Synchronization

/// What the operator asks about accounts and does to them, and what outlives a restart.
extension AccountPool {
    /// So many are looked at under the lock at a time, so that requests come in between when there are thousands.
    private static let accountsAtATime = 100

    /// Every account and what is known about it, in file order.
    public func reports() -> [AccountReport] {
        let ids = change { $0.rules.accountIDs }
        var reports: [AccountReport] = []
        reports.reserveCapacity(ids.count)
        for start in stride(from: 0, to: ids.count, by: Self.accountsAtATime) {
            let some = ids[start..<min(start + Self.accountsAtATime, ids.count)]
            reports += change { state in some.compactMap { state.rules.report(of: $0) } }
        }
        return reports
    }

    /// How many accounts are in which state, for each class of work.
    public func stateCounts() -> [QuotaClass: [AccountState: Int]] { change { $0.rules.stateCounts() } }

    public func report(of accountID: String) -> AccountReport? { change { $0.rules.report(of: accountID) } }

    /// Takes back what is held against an account: rests, quotas, suspensions, findings.
    ///
    /// - Parameter quotaClass: `nil` for all.
    /// - Returns: False when the pool has no such account.
    @discardableResult
    public func reset(account accountID: String, class quotaClass: QuotaClass? = nil) -> Bool {
        change { $0.rules.reset(accountID, quotaClass) }
    }

    /// Switches an account off or on, until the operator says otherwise: no timer and no source ends it. Switched on,
    /// it begins anew. Not kept over a restart: the account's record does that.
    ///
    /// - Returns: False when the pool has no such account.
    @discardableResult
    public func setDisabled(account accountID: String, _ isDisabled: Bool) -> Bool {
        change { $0.rules.setDisabled(accountID, isDisabled) }
    }

    /// Takes over what was remembered from before a restart. Best before the first source publishes; an account's
    /// findings then stand until its source has another credential.
    ///
    /// Those of other providers are passed over.
    public func restore(_ memories: [AccountMemory], wallNow: WallTime) {
        let mine = memories.filter { $0.provider == name }.map { ($0.accountID, $0.body) }
        guard !mine.isEmpty else { return }
        change(at: wallNow) { $0.rules.restore(mine) }
    }

    /// What has changed since it was asked last, for the store.
    public func takeChangedMemories() -> [AccountMemory] {
        var left = state.withLock { $0.rules.changed.count }
        var memories: [AccountMemory] = []
        while left > 0 {
            let some = change { $0.rules.takeChangedMemories(atMost: Self.accountsAtATime) }
            memories += some.map { AccountMemory(provider: name, accountID: $0.accountID, body: $0.body) }
            left -= Self.accountsAtATime
        }
        return memories
    }

    /// From now on rotated secrets are kept before they are used.
    public func keepCredentials(with keeper: any CredentialKeeping) { state.withLock { $0.keeper = keeper } }

    /// From now on the observer hears of each change. Kept for as long as the pool is.
    public func observe(_ observer: any TransitionObserver) { state.withLock { $0.observers.append(observer) } }

    /// Lets time pass though nobody asks for an account, so that its changes are told in time.
    public func tick() { change { _ in } }
}
