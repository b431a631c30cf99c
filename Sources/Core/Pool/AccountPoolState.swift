/// The pool's rules as a value: no clock, lock or network. Time comes in, a decision goes out.
public struct AccountPoolState: Sendable {
    /// What a pool may do, from the provider's `pool:` settings.
    public struct Rules: Sendable, Equatable {
        public var strategy: Strategy
        /// Leases of one account at a time.
        public var maxInFlight: Int
        /// How long an account rests after a limit that names no time of its own; doubled while it repeats.
        public var cooldown: Duration
        public var maxCooldown: Duration

        public init(
            strategy: Strategy = .roundRobin, maxInFlight: Int = 1, cooldown: Duration = .seconds(600),
            maxCooldown: Duration = .seconds(7200)
        ) {
            (self.strategy, self.maxInFlight) = (strategy, maxInFlight)
            (self.cooldown, self.maxCooldown) = (cooldown, maxCooldown)
        }
    }

    public enum Strategy: String, Sendable, CaseIterable {
        /// The next ready account behind the one that was leased last.
        case roundRobin = "round-robin"
        /// The ready account with the fewest leases.
        case leastInFlight = "least-in-flight"
        /// The first ready account in file order.
        case fillFirst = "fill-first"
    }

    public enum Choice: Sendable, Equatable {
        case lease(accountID: String)
        case nothing(Shortage)
    }

    /// Why an account cannot be used until somebody acts.
    public enum Condition: Sendable, Equatable {
        case usable
        case disabled
        case expired
        case credentialRejected
        case restricted
        /// The provider cannot use the record as it stands.
        case incomplete(String)
    }

    struct Account: Sendable {
        let id: String
        var condition: Condition
        var expiresAt: WallTime?
        var inFlight = 0
        var cooldowns: [QuotaClass: Cooldown] = [:]
        /// Gone from its source; stays until its last lease is back.
        var isLeaving = false
    }

    struct Cooldown: Sendable, Equatable {
        var end: Instant
        /// How often in a row; the pool's own pause doubles with it.
        var repeats: Int
    }

    public let rules: Rules
    private(set) var accounts: [Account] = []
    private var positions: [String: Int] = [:]
    private var cursor = 0

    public init(_ rules: Rules) {
        precondition(rules.maxInFlight > 0, "a pool that may lease nothing is a settings fault")
        self.rules = rules
    }

    public var count: Int { accounts.count(where: { !$0.isLeaving }) }

    /// Takes one account for one attempt.
    ///
    /// - Parameter excluding: Accounts that this request has tried already.
    public mutating func lease(
        for quotaClass: QuotaClass, excluding tried: Set<String> = [], now: Instant, wallNow: WallTime
    ) -> Choice {
        guard let index = pick(quotaClass, tried, now, wallNow) else {
            return .nothing(shortage(for: quotaClass, excluding: tried, now: now, wallNow: wallNow))
        }
        accounts[index].inFlight += 1
        cursor = index + 1
        return .lease(accountID: accounts[index].id)
    }

    /// Returns a lease. What the error says about the account takes effect now.
    public mutating func release(
        _ accountID: String, for quotaClass: QuotaClass, after error: GatewayError?, now: Instant
    ) {
        guard let index = positions[accountID] else { return }
        precondition(accounts[index].inFlight > 0, "account \(accountID) was released twice")
        accounts[index].inFlight -= 1
        if let error { apply(error, to: index, quotaClass, now) } else { forgetLimits(of: index, quotaClass, now) }
        if accounts[index].isLeaving, accounts[index].inFlight == 0 { remove(at: index) }
    }

    /// Takes over a source's whole current set. Accounts that stay keep their leases and cooldowns; a changed
    /// credential clears what its predecessor was blamed for.
    public mutating func replaceAccounts(
        with wanted: [(credential: Credential, problem: String?)], changed: Set<String>
    ) {
        var next: [Account] = []
        var wantedIDs: Set<String> = []
        for (credential, problem) in wanted where wantedIDs.insert(credential.accountID).inserted {
            var account =
                positions[credential.accountID].map { accounts[$0] }
                ?? Account(id: credential.accountID, condition: .usable)
            account.isLeaving = false
            account.expiresAt = credential.expiresAt
            account.condition = condition(of: credential, problem, keeping: account, changed)
            next.append(account)
        }
        for var account in accounts where !wantedIDs.contains(account.id) && account.inFlight > 0 {
            account.isLeaving = true
            next.append(account)
        }
        accounts = next
        reindex()
    }

    /// Counts accounts by what keeps them from being leased.
    public func shortage(
        for quotaClass: QuotaClass, excluding tried: Set<String> = [], now: Instant, wallNow: WallTime
    ) -> Shortage {
        var shortage = Shortage(maxInFlight: rules.maxInFlight)
        for account in accounts where !account.isLeaving {
            shortage.accounts += 1
            if tried.contains(account.id) {
                shortage.tried += 1
            } else if account.currentCondition(wallNow) != .usable {
                shortage.unusable[account.currentCondition(wallNow).word, default: 0] += 1
            } else if let end = account.cooldowns[quotaClass]?.end, end > now {
                shortage.cooling += 1
                let wait = end - now
                shortage.firstBack = min(shortage.firstBack ?? wait, wait)
            } else if account.inFlight >= rules.maxInFlight {
                shortage.busy += 1
            } else {
                shortage.ready += 1
            }
        }
        return shortage
    }

    /// Accounts that no waiting helps, and why.
    public func unusableAccounts(wallNow: WallTime) -> [(accountID: String, reason: String)] {
        accounts.filter { !$0.isLeaving }.compactMap { account in
            switch account.currentCondition(wallNow) {
            case .usable: nil
            case .incomplete(let problem): (account.id, problem)
            case let condition: (account.id, condition.word)
            }
        }
    }
}

// MARK: - Choosing

extension AccountPoolState {
    private func pick(_ quotaClass: QuotaClass, _ tried: Set<String>, _ now: Instant, _ wallNow: WallTime) -> Int? {
        switch rules.strategy {
        case .roundRobin:
            for step in accounts.indices {
                let index = (cursor + step) % accounts.count
                if isReady(accounts[index], quotaClass, tried, now, wallNow) { return index }
            }
            return nil
        case .fillFirst:
            return accounts.firstIndex { isReady($0, quotaClass, tried, now, wallNow) }
        case .leastInFlight:
            let ready = accounts.indices.filter { isReady(accounts[$0], quotaClass, tried, now, wallNow) }
            return ready.min { accounts[$0].inFlight < accounts[$1].inFlight }
        }
    }

    private func isReady(
        _ account: Account, _ quotaClass: QuotaClass, _ tried: Set<String>, _ now: Instant, _ wallNow: WallTime
    ) -> Bool {
        guard account.inFlight < rules.maxInFlight, !account.isLeaving, account.currentCondition(wallNow) == .usable,
            tried.isEmpty || !tried.contains(account.id)
        else { return false }
        guard let cooldown = account.cooldowns[quotaClass] else { return true }
        return cooldown.end <= now
    }

    private mutating func apply(_ error: GatewayError, to index: Int, _ quotaClass: QuotaClass, _ now: Instant) {
        switch error.accountEffect {
        case .none: break
        case .rejectCredential: accounts[index].condition = .credentialRejected
        case .restrict: accounts[index].condition = .restricted
        case .cool:
            let classes: [QuotaClass] = error.scope == .account ? QuotaClass.allCases : [quotaClass]
            for one in classes { cool(index, one, for: error.retryAfter, now) }
        }
    }

    private mutating func cool(_ index: Int, _ quotaClass: QuotaClass, for asked: Duration?, _ now: Instant) {
        let known = accounts[index].cooldowns[quotaClass]
        if let known, known.end > now {
            // A lease from before the rest began: no repetition, and only the upstream's own word makes it longer.
            accounts[index].cooldowns[quotaClass]?.end = max(known.end, asked.map { now + $0 } ?? known.end)
            return
        }
        let repeats = known?.repeats ?? 0
        let own = min(rules.cooldown * (1 << min(repeats, 16)), rules.maxCooldown)
        accounts[index].cooldowns[quotaClass] = Cooldown(end: now + (asked ?? own), repeats: repeats + 1)
    }

    /// A success ends the doubling. One that began before a rest does not end the rest.
    private mutating func forgetLimits(of index: Int, _ quotaClass: QuotaClass, _ now: Instant) {
        guard let known = accounts[index].cooldowns[quotaClass], known.end <= now else { return }
        accounts[index].cooldowns[quotaClass] = nil
    }

    private func condition(
        of credential: Credential, _ problem: String?, keeping account: Account, _ changed: Set<String>
    ) -> Condition {
        if credential.isDisabled { return .disabled }
        if let problem { return .incomplete(problem) }
        switch account.condition {
        case .credentialRejected, .restricted: return changed.contains(account.id) ? .usable : account.condition
        case .usable, .disabled, .expired, .incomplete: return .usable
        }
    }

    private mutating func remove(at index: Int) {
        accounts.remove(at: index)
        reindex()
    }

    private mutating func reindex() {
        positions = [:]
        for (index, account) in accounts.enumerated() { positions[account.id] = index }
        if cursor > accounts.count { cursor = 0 }
    }
}

extension AccountPoolState.Account {
    func currentCondition(_ wallNow: WallTime) -> AccountPoolState.Condition {
        if condition == .usable, let expiresAt, expiresAt <= wallNow { return .expired }
        return condition
    }
}

extension AccountPoolState.Condition {
    /// As it stands in a sentence: "2 are disabled".
    var word: String {
        switch self {
        case .usable: "ready"
        case .disabled: "disabled"
        case .expired: "expired"
        case .credentialRejected: "rejected by the upstream"
        case .restricted: "restricted by the upstream"
        case .incomplete: "incomplete"
        }
    }
}
