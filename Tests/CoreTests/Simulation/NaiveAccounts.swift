import PolluxCore

/// One account in the referee's books.
final class NaiveAccount {
    /// What it is for one class of work.
    enum Standing: Equatable { case free, busy, out }

    struct Work {
        var restEnd = Instant(microseconds: .min)
        var limitsInARow = 0
        var standing = Standing.out
        /// The event since which it has been that without a break.
        var since = 0
        /// The event at which it was last seen free.
        var lastFree = -1
    }

    let id: String
    /// With what was rotated since.
    var credential: Credential
    /// What the source published last.
    var published: Credential
    var isPresent = true
    /// Refused or restricted by the upstream.
    var isBlamed = false
    /// Attempts that run, and leases held over a pause.
    var running = 0
    /// In the order of `QuotaClass.allCases`.
    var works = Array(repeating: Work(), count: QuotaClass.allCases.count)

    /// Its share; out of bounds it is cut.
    var weight: Int { min(max(published.weight, 1), 100) }

    init(_ credential: Credential) {
        (id, self.credential, published) = (credential.accountID, credential, credential)
    }

    func isUsable(_ wallNow: WallTime) -> Bool {
        guard isPresent, !published.isDisabled, !isBlamed, SimulatedProvider.lacks(published) == nil else {
            return false
        }
        return published.expiresAt.map { $0 > wallNow } ?? true
    }

    subscript(quotaClass: QuotaClass) -> Work {
        get { works[quotaClass.place] }
        set { works[quotaClass.place] = newValue }
    }
}

extension QuotaClass {
    var place: Int {
        switch self {
        case .text: 0
        case .images: 1
        case .videos: 2
        }
    }
}

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
    /// Those that the source names, in its order.
    private(set) var present: [NaiveAccount] = []
    var turns = NaiveTurns()

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

    func blame(_ id: String, _ quotaClass: QuotaClass, _ error: GatewayError, _ now: Instant) {
        guard let account = accounts[id] else { return }
        switch error.accountEffect {
        case .none: break
        case .rejectCredential, .restrict: account.isBlamed = true
        case .cool:
            for one in QuotaClass.allCases where error.scope == .account || one == quotaClass {
                rest(&account.works[one.place], error.retryAfter, now)
            }
        }
    }

    /// A success ends the doubling, unless a rest has begun meanwhile.
    func praise(_ id: String, _ quotaClass: QuotaClass, _ now: Instant) {
        guard let account = accounts[id], account[quotaClass].restEnd <= now else { return }
        account[quotaClass].limitsInARow = 0
    }

    private func rest(_ work: inout NaiveAccount.Work, _ asked: Duration?, _ now: Instant) {
        guard work.restEnd <= now else {
            if let asked { work.restEnd = max(work.restEnd, now + asked) }
            return
        }
        var own = rules.cooldown
        for _ in 0..<min(work.limitsInARow, 30) { own = min(own * 2, rules.maxCooldown) }
        work.limitsInARow += 1
        work.restEnd = now + (asked ?? min(own, rules.maxCooldown))
    }

    func rotate(_ credential: Credential) { accounts[credential.accountID]?.credential = credential }

    /// - Parameter event: At which the source says so.
    func replace(with credentials: [Credential], at event: Int) {
        let before = present
        turns.forget()
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
            for place in account.works.indices {
                if account.works[place].standing == .free { account.works[place].lastFree = event }
                account.works[place].standing = .out
            }
            if account.running <= 0 { gone[account.id] = accounts.removeValue(forKey: account.id) }
        }
    }

    // MARK: Questions

    func standing(
        _ account: NaiveAccount, _ quotaClass: QuotaClass, _ now: Instant, _ wallNow: WallTime
    ) -> NaiveAccount.Standing {
        guard account.isUsable(wallNow), account.works[quotaClass.place].restEnd <= now else { return .out }
        return account.running < rules.maxInFlight ? .free : .busy
    }

    /// Looks at every account again after something happened.
    ///
    /// - Parameter lastFree: Until which event those were free that no longer are.
    func look(_ event: Int, lastFree: Int, _ now: Instant, _ wallNow: WallTime) {
        for account in present {
            for quotaClass in QuotaClass.allCases {
                let standing = standing(account, quotaClass, now, wallNow)
                let place = quotaClass.place
                let known = account.works[place].standing
                if standing == .free {
                    account.works[place].lastFree = event
                } else if known == .free {
                    account.works[place].lastFree = lastFree
                }
                if known != standing {
                    account.works[place].standing = standing
                    account.works[place].since = event
                }
            }
        }
    }

    /// Accounts that have been `standing` since before `event` without a break.
    ///
    /// - Parameter unseen: How many leases there may be that nobody has seen yet; a free account has room for them.
    func lasting(
        _ standing: NaiveAccount.Standing, _ quotaClass: QuotaClass, before event: Int, unseen: Int = 0
    ) -> [String] {
        present.filter { account in
            let work = account.works[quotaClass.place]
            guard work.standing == standing, work.since < event else { return false }
            return standing != .free || rules.maxInFlight - account.running > unseen
        }.map(\.id)
    }

    func figures(_ quotaClass: QuotaClass, _ now: Instant, _ wallNow: WallTime) -> Figures {
        var figures = Figures()
        for account in present {
            figures.accounts += 1
            switch standing(account, quotaClass, now, wallNow) {
            case .free: figures.ready += 1
            case .busy: figures.busy += 1
            case .out where !account.isUsable(wallNow): figures.unusable += 1
            case .out:
                figures.cooling += 1
                let wait = account[quotaClass].restEnd - now
                figures.firstBack = min(figures.firstBack ?? wait, wait)
            }
        }
        return figures
    }
}
