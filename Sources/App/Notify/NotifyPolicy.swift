import PolluxCore

/// What the operator is told, and when. A value: what is seen and the time come in, messages go out.
///
/// For each account and each provider it holds what is so and what the operator believes. Where they differ for long
/// enough, there is something to say. So a change that is undone at once is never told, many accounts that die together
/// make one message, and the same is not said twice within the throttle.
struct NotifyPolicy: Sendable {
    struct Rules: Sendable, Equatable {
        /// The same about the same account at most once in this time.
        var throttle = Duration.seconds(900)
        /// How long something bad lasts before it is told.
        var settle = Duration.seconds(5)
        /// How long something good lasts.
        var recovery = Duration.seconds(60)
        /// Nothing is told so soon after the start, when accounts are still being read.
        var quiet = Duration.seconds(15)
        /// How long before its end an account's sign-in is told of; rising.
        var expiryThresholds: [Duration] = [.seconds(3 * 3600), .seconds(24 * 3600)]
    }

    private let rules: Rules
    private let quietUntil: Instant
    private var standings: [Subject: Standing] = [:]
    private var expiries: [Subject: ExpiryWatch] = [:]

    init(_ rules: Rules, now: Instant) { (self.rules, quietUntil) = (rules, now + rules.quiet) }

    /// Whom it is about; a pool has no account.
    struct Subject: Hashable, Sendable {
        var provider: String
        var account: String?
    }

    /// How one of them is.
    fileprivate struct Standing: Sendable {
        /// What is wrong; `nil` when nothing is.
        var trouble: NotifyEvent?
        var since: Instant
        var item: Notice.Item
        /// What the operator believes.
        var told: NotifyEvent?
        var lastTold: [NotifyEvent: Instant] = [:]
    }
}

// MARK: - What is seen

extension NotifyPolicy {
    /// How a provider and its accounts are. Whoever is no longer there is forgotten.
    mutating func observe(_ view: PoolView, _ now: Instant, _ wallNow: WallTime) {
        let pool = Subject(provider: view.provider)
        note(
            pool, view.emptiness == nil ? nil : .poolEmpty, Notice.Item(reason: view.emptiness ?? ""),
            isRemembered: false, now)
        var present: Set<Subject> = [pool]
        for account in view.accounts where account.state != .disabled {
            let subject = Subject(provider: view.provider, account: account.id)
            present.insert(subject)
            note(
                subject, NotifyEvent(account.state), account.item, isRemembered: account.isRemembered, now)
            watchExpiry(subject, account, wallNow)
        }
        standings = standings.filter { $0.key.provider != view.provider || present.contains($0.key) }
        expiries = expiries.filter { $0.key.provider != view.provider || present.contains($0.key) }
    }

    /// A change of one account. Text stands for the account as a whole; a model that rests is nobody's trouble.
    mutating func observe(_ transition: AccountTransition, _ now: Instant) {
        guard transition.model.isEmpty, transition.quotaClass == nil || transition.quotaClass == .text else { return }
        let subject = Subject(provider: transition.provider, account: transition.accountID)
        guard transition.to != .disabled else {
            standings[subject] = nil
            expiries[subject] = nil
            return
        }
        note(
            subject, NotifyEvent(transition.to), Notice.Item(transition),
            isRemembered: transition.evidence.cause == .restart, now)
    }

    /// How many accounts and providers are remembered.
    var subjectCount: Int { standings.count }

    /// Providers that the settings no longer name.
    mutating func forget(except providers: Set<String>) {
        standings = standings.filter { providers.contains($0.key.provider) }
        expiries = expiries.filter { providers.contains($0.key.provider) }
    }

    private mutating func note(
        _ subject: Subject, _ trouble: NotifyEvent?, _ item: Notice.Item, isRemembered: Bool, _ now: Instant
    ) {
        guard var standing = standings[subject] else {
            // Told before the restart.
            let told = isRemembered ? trouble : nil
            standings[subject] = Standing(trouble: trouble, since: now, item: item, told: told)
            return
        }
        if standing.trouble != trouble { (standing.trouble, standing.since) = (trouble, now) }
        standing.item = item.adding(standing.item)
        standings[subject] = standing
    }
}

// MARK: - What is told

extension NotifyPolicy {
    /// Everything that there is to say now; it counts as said.
    mutating func take(_ now: Instant, _ wallNow: WallTime) -> [Notice] {
        guard now >= quietUntil else { return [] }
        var found: [Group: [Notice.Item]] = [:]
        for (subject, standing) in standings {
            guard let event = standing.event(now, rules) else { continue }
            standings[subject]?.tell(event, now)
            found[Group(event, subject), default: []].append(standing.item)
        }
        for (subject, watch) in expiries where watch.isDue {
            expiries[subject]?.tell()
            // Whoever is out of service has a greater trouble.
            guard let account = subject.account, standings[subject]?.trouble == nil else { continue }
            let item = Notice.Item(account: account, until: watch.expiresAt)
            found[Group(.accountExpiresSoon, subject), default: []].append(item)
        }
        return found.sorted { $0.key < $1.key }.map { group, items in
            Notice(
                event: group.event, provider: group.provider, at: wallNow,
                items: items.sorted { ($0.account ?? "") < ($1.account ?? "") })
        }
    }

    /// What becomes one message.
    private struct Group: Hashable, Comparable {
        let event: NotifyEvent
        let provider: String
        /// A provider's own message is not put together with one about its accounts.
        let isAboutAccounts: Bool

        init(_ event: NotifyEvent, _ subject: Subject) {
            (self.event, provider, isAboutAccounts) = (event, subject.provider, subject.account != nil)
        }

        static func < (left: Group, right: Group) -> Bool {
            if left.event != right.event { return left.event < right.event }
            if left.provider != right.provider { return left.provider < right.provider }
            return !left.isAboutAccounts && right.isAboutAccounts
        }
    }
}

extension NotifyPolicy.Standing {
    /// What there is to say about it now.
    fileprivate func event(_ now: Instant, _ rules: NotifyPolicy.Rules) -> NotifyEvent? {
        guard trouble != told else { return nil }
        let event = trouble ?? .allClear
        guard now - since >= (trouble == nil ? rules.recovery : rules.settle) else { return nil }
        if let last = lastTold[event], now - last < rules.throttle { return nil }
        return event
    }

    fileprivate mutating func tell(_ event: NotifyEvent, _ now: Instant) {
        told = trouble
        lastTold[event] = now
    }
}

extension NotifyEvent {
    /// What a state of an account is worth telling; `nil` for those that pass by themselves.
    init?(_ state: AccountState) {
        switch state {
        case .needsHuman: self = .accountNeedsHuman
        case .expired, .credentialRejected, .restricted, .trialEnded: self = .accountDead
        case .ready, .expiring, .cooling, .suspended, .quotaExhausted, .disabled: return nil
        }
    }
}

// MARK: - Ends that are known beforehand

/// Which of an account's warnings about its end have been given.
private struct ExpiryWatch: Sendable {
    let expiresAt: WallTime
    /// Thresholds that lie ahead.
    var ahead: [Duration]
    var isDue = false

    mutating func tell() { isDue = false }

    /// Passes the thresholds that have come.
    mutating func pass(_ wallNow: WallTime) {
        let left = expiresAt - wallNow
        guard left > .zero else {
            (ahead, isDue) = ([], false)
            return
        }
        let passed = ahead.filter { left <= $0 }
        guard !passed.isEmpty else { return }
        ahead.removeAll { left <= $0 }
        isDue = true
    }
}

extension NotifyPolicy {
    private mutating func watchExpiry(_ subject: Subject, _ account: PoolView.Account, _ wallNow: WallTime) {
        guard let expiresAt = account.expiresAt else {
            expiries[subject] = nil
            return
        }
        if let known = expiries[subject], known.expiresAt == expiresAt {
            expiries[subject]?.pass(wallNow)
            return
        }
        var watch = ExpiryWatch(expiresAt: expiresAt, ahead: rules.expiryThresholds)
        // A sign-in that was just renewed for less than a threshold is no news; one that is met at the start is.
        if expiries[subject] != nil { watch.ahead.removeAll { expiresAt - wallNow <= $0 } }
        watch.pass(wallNow)
        expiries[subject] = watch
    }
}
