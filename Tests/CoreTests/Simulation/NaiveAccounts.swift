import PolluxCore

/// The accounts of one provider as the referee keeps them: the documented rules, written as plainly as possible and
/// without a look at the pool.
struct NaiveAccounts {
    enum Standing: Equatable { case free, busy, out }

    struct Account {
        var credential: Credential
        /// What the source published last; a rotated secret stands in `credential` only.
        var published: Credential
        var isPresent = true
        /// Refused or restricted by the upstream.
        var isBlamed = false
        var isIncomplete = false
        /// Attempts that run, and leases held over a pause.
        var running = 0
        var restEnds: [QuotaClass: Instant] = [:]
        var limitsInARow: [QuotaClass: Int] = [:]
        /// What it was at the last look, and the event since which it has been that.
        var standing: [QuotaClass: (now: Standing, since: Int)] = [:]
        /// The event at which it was last seen free.
        var lastFree: [QuotaClass: Int] = [:]
    }

    /// What keeps accounts from being leased, in figures.
    struct Figures: Equatable {
        var accounts = 0, ready = 0, busy = 0, cooling = 0, unusable = 0
        var firstBack: Duration?
    }

    let rules: AccountPoolState.Rules
    private(set) var order: [String] = []
    private(set) var accounts: [String: Account] = [:]

    init(_ rules: AccountPoolState.Rules) { self.rules = rules }

    subscript(id: String) -> Account? { accounts[id] }

    // MARK: Events

    mutating func begin(_ id: String) { accounts[id]?.running += 1 }

    mutating func end(_ id: String) {
        accounts[id]?.running -= 1
        if let account = accounts[id], !account.isPresent, account.running <= 0 { accounts[id] = nil }
    }

    mutating func blame(_ id: String, _ quotaClass: QuotaClass, _ error: GatewayError, _ now: Instant) {
        switch error.accountEffect {
        case .none: break
        case .rejectCredential, .restrict: accounts[id]?.isBlamed = true
        case .cool:
            for one in QuotaClass.allCases where error.scope == .account || one == quotaClass {
                rest(id, one, error.retryAfter, now)
            }
        }
    }

    /// A success ends the doubling, unless a rest has begun meanwhile.
    mutating func praise(_ id: String, _ quotaClass: QuotaClass, _ now: Instant) {
        guard let account = accounts[id], (account.restEnds[quotaClass] ?? now) <= now else { return }
        accounts[id]?.limitsInARow[quotaClass] = 0
    }

    private mutating func rest(_ id: String, _ quotaClass: QuotaClass, _ asked: Duration?, _ now: Instant) {
        guard let account = accounts[id] else { return }
        if let end = account.restEnds[quotaClass], end > now {
            if let asked { accounts[id]?.restEnds[quotaClass] = max(end, now + asked) }
            return
        }
        var own = rules.cooldown
        for _ in 0..<min(account.limitsInARow[quotaClass] ?? 0, 30) { own = min(own * 2, rules.maxCooldown) }
        accounts[id]?.limitsInARow[quotaClass, default: 0] += 1
        accounts[id]?.restEnds[quotaClass] = now + (asked ?? min(own, rules.maxCooldown))
    }

    mutating func rotate(_ credential: Credential) { accounts[credential.accountID]?.credential = credential }

    mutating func replace(with credentials: [Credential], incomplete: Set<String>) {
        order = credentials.map(\.accountID)
        for id in accounts.keys.sorted() where !order.contains(id) {
            if (accounts[id]?.running ?? 0) > 0 { accounts[id]?.isPresent = false } else { accounts[id] = nil }
        }
        for credential in credentials {
            let id = credential.accountID
            var account = accounts[id] ?? Account(credential: credential, published: credential)
            if account.published != credential || !account.isPresent {
                (account.credential, account.isBlamed) = (credential, false)
            }
            (account.published, account.isPresent) = (credential, true)
            account.isIncomplete = incomplete.contains(id)
            accounts[id] = account
        }
    }

    // MARK: Questions

    func isUsable(_ account: Account, _ wallNow: WallTime) -> Bool {
        guard account.isPresent, !account.published.isDisabled, !account.isBlamed, !account.isIncomplete else {
            return false
        }
        return account.published.expiresAt.map { $0 > wallNow } ?? true
    }

    func standing(_ account: Account, _ quotaClass: QuotaClass, _ now: Instant, _ wallNow: WallTime) -> Standing {
        guard isUsable(account, wallNow), (account.restEnds[quotaClass] ?? now) <= now else { return .out }
        return account.running < rules.maxInFlight ? .free : .busy
    }

    /// Looks at every account again after something happened.
    ///
    /// - Parameter lastFree: Until which event those were free that no longer are.
    mutating func look(_ event: Int, lastFree: Int, _ now: Instant, _ wallNow: WallTime) {
        for id in order {
            guard var account = accounts[id] else { continue }
            for quotaClass in QuotaClass.allCases {
                let standing = standing(account, quotaClass, now, wallNow)
                let known = account.standing[quotaClass]
                if known?.now != standing { account.standing[quotaClass] = (standing, event) }
                if standing == .free { account.lastFree[quotaClass] = event }
                if standing != .free, known?.now == .free { account.lastFree[quotaClass] = lastFree }
            }
            accounts[id] = account
        }
    }

    /// Accounts that have been `standing` since before `event` without a break.
    func lasting(_ standing: Standing, _ quotaClass: QuotaClass, before event: Int) -> [String] {
        order.filter { id in
            guard let known = accounts[id]?.standing[quotaClass] else { return false }
            return known.now == standing && known.since < event
        }
    }

    func figures(_ quotaClass: QuotaClass, _ now: Instant, _ wallNow: WallTime) -> Figures {
        var figures = Figures()
        for account in order.compactMap({ accounts[$0] }) {
            figures.accounts += 1
            switch standing(account, quotaClass, now, wallNow) {
            case .free: figures.ready += 1
            case .busy: figures.busy += 1
            case .out where !isUsable(account, wallNow): figures.unusable += 1
            case .out:
                figures.cooling += 1
                let wait = (account.restEnds[quotaClass] ?? now) - now
                figures.firstBack = min(figures.firstBack ?? wait, wait)
            }
        }
        return figures
    }
}
