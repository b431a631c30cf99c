/// What can happen to an account, and what becomes of it.
extension AccountLife {
    /// Which lease an event is about.
    struct Errand: Sendable {
        var work: AccountPoolState.LaneKey
        /// Of the lease; tells the probe of a half-open breaker from others.
        var number: UInt64
    }

    enum Event: Sendable {
        /// A source says what it knows. A changed credential wipes out what its predecessor was blamed for.
        case published(isDisabled: Bool, problem: String?, expiresAt: WallTime?, isChanged: Bool)
        /// The operator switches it off or on. On means a fresh start.
        case switched(off: Bool)
        /// The operator takes back what rests, and what the upstream found; of one class or of all.
        case reset(QuotaClass?)
        case leased(Errand, deadline: Instant)
        /// The answer has begun.
        case answered(Errand)
        /// - hasAnswered: It was told that the answer had begun.
        case succeeded(Errand, hasAnswered: Bool)
        /// - fault: What its breaker counts it as; `nil` for what is neutral to it.
        case failed(Errand, GatewayError, fault: FaultClass?)
        /// A lease is back unused.
        case returned(Errand)
        /// A limit of the gateway's own refused it.
        case limited(QuotaClass, until: Instant)
        /// What opened a class's breaker was the endpoint's fault.
        case released(QuotaClass)
        case timePassed
    }

    /// The one transition function.
    ///
    /// - Returns: The changes of state, each once.
    mutating func apply(
        _ event: Event, _ evidence: @autoclosure () -> Evidence, _ given: AccountCircumstances
    ) -> [AccountTransition] {
        var moved: QuotaClass?
        var more: AccountTransition?
        switch event {
        case .answered, .succeeded, .failed, .returned: break
        default: moved = letTimePass(given)
        }
        switch event {
        case .published(let isDisabled, let problem, let expiresAt, let isChanged):
            // When it is back from being switched off or incomplete, it is a new one.
            if isDisabled || problem != nil || isChanged { finding = nil }
            (isDisabledByRecord, self.problem, self.expiresAt) = (isDisabled, problem, expiresAt)
        case .switched(let off):
            isSwitchedOff = off
            if !off { wipe(nil) }
        case .reset(let quotaClass): wipe(quotaClass)
        case .leased(let errand, let deadline):
            strands[errand.ordinal].breaker.begin(errand.number, deadline: deadline)
        case .answered(let errand):
            strands[errand.ordinal].breaker.answer(given.rules.breaker, given.now)
            return []
        case .succeeded(let errand, let hasAnswered):
            let isPlain = strands[errand.ordinal].isClean && models.isEmpty
            if succeed(errand, hasAnswered, given) { moved = errand.work.quotaClass }
            if isPlain { return [] }
        case .failed(let errand, let error, let fault):
            let known = models[errand.work]
            if fail(errand, error, fault, given) { moved = errand.work.quotaClass }
            if let rest = models[errand.work], rest.end > known?.end ?? given.now {
                more = tellModel(errand.work, rest, error, evidence(), given)
            }
        case .returned(let errand):
            strands[errand.ordinal].breaker.forgo(errand.number)
            return []
        case .limited(let quotaClass, let until):
            let known = strands[quotaClass.ordinal].limitEnd ?? until
            strands[quotaClass.ordinal].limitEnd = max(known, until)
        case .released(let quotaClass): strands[quotaClass.ordinal].breaker.release()
        case .timePassed: break
        }
        return tell(evidence, moved, given) + [more].compactMap(\.self)
    }

    // MARK: Attempts

    /// - Returns: Whether the breaker's phase changed.
    private mutating func succeed(_ errand: Errand, _ hasAnswered: Bool, _ given: AccountCircumstances) -> Bool {
        let ordinal = errand.ordinal
        counters.successes &+= 1
        counters.answers[ordinal] &+= 1
        counters.lastUsed = given.wall
        // A success ends the doubling. One that began before a rest does not end the rest.
        if let rest = strands[ordinal].rest, rest.end <= given.now { strands[ordinal].rest = nil }
        if !models.isEmpty, let rest = models[errand.work], rest.end <= given.now { models[errand.work] = nil }
        let change = strands[ordinal].breaker.succeed(
            errand.number, hasAnswered: hasAnswered, given.rules.breaker, given.now)
        return change != nil
    }

    private mutating func fail(
        _ errand: Errand, _ error: GatewayError, _ fault: FaultClass?, _ given: AccountCircumstances
    ) -> Bool {
        counters.lastUsed = given.wall
        // What was wrong with a request is no failure of the account.
        if error.scope != .request {
            counters.failures &+= 1
            (counters.lastError, counters.lastErrorAt) = (error.message, given.wall)
        }
        var moved = false
        if let fault {
            let change = strands[errand.ordinal].breaker.fail(
                errand.number, fault, given.rules.breaker, given.now, given.random)
            moved = change != nil
        } else {
            strands[errand.ordinal].breaker.forgo(errand.number)
        }
        take(errand, error, given)
        return moved
    }

    private mutating func take(_ errand: Errand, _ error: GatewayError, _ given: AccountCircumstances) {
        if let found = AccountFinding(error, at: given.wall) { return blame(found) }
        switch error.accountEffect {
        case .cool:
            switch error.scope {
            case .account: for ordinal in strands.indices { cool(ordinal, error.retryAfter, given) }
            case .accountModel where !errand.work.model.isEmpty:
                models[errand.work] = .extending(
                    models[errand.work], by: error.retryAfter, given.rules, given.random, now: given.now)
            case .exit, .endpoint: break
            case .accountModel, .accountClass, .session, .request: cool(errand.ordinal, error.retryAfter, given)
            }
        case .exhaustQuota:
            let end = error.retryAfter.map { given.wall + $0 } ?? given.dailyReset.next(after: given.wall)
            if error.scope == .accountModel, !errand.work.model.isEmpty {
                return models[errand.work] = AccountRest(end: given.now + (end - given.wall), repeats: 1)
            }
            let spent = error.scope == .account ? Array(strands.indices) : [errand.ordinal]
            for ordinal in spent { strands[ordinal].quotaEnd = max(strands[ordinal].quotaEnd ?? end, end) }
        case .none, .rejectCredential, .restrict, .needHuman, .endTrial: break
        }
    }

    private mutating func cool(_ ordinal: Int, _ asked: Duration?, _ given: AccountCircumstances) {
        strands[ordinal].rest = .extending(
            strands[ordinal].rest, by: asked, given.rules, given.random, now: given.now)
    }

    /// Nobody blames an account that is switched off or incomplete: when it is back, it is a new one. Of two findings
    /// the graver one stands.
    private mutating func blame(_ found: AccountFinding) {
        guard !isDisabledByRecord, problem == nil else { return }
        if let finding, finding.bar.rawValue < found.bar.rawValue { return }
        finding = found
    }

    // MARK: Time, and the operator

    /// - Returns: A class whose breaker changed.
    private mutating func letTimePass(_ given: AccountCircumstances) -> QuotaClass? {
        var moved: QuotaClass?
        for quotaClass in QuotaClass.allCases {
            let ordinal = quotaClass.ordinal
            if let end = strands[ordinal].limitEnd, end <= given.now { strands[ordinal].limitEnd = nil }
            if let end = strands[ordinal].quotaEnd, end <= given.wall { strands[ordinal].quotaEnd = nil }
            guard !strands[ordinal].breaker.isClosed else { continue }
            if strands[ordinal].breaker.settle(given.rules.breaker, given.now, given.random) != nil {
                moved = quotaClass
            }
        }
        return moved
    }

    private mutating func wipe(_ quotaClass: QuotaClass?) {
        finding = nil
        for one in QuotaClass.allCases where quotaClass == nil || quotaClass == one {
            strands[one.ordinal] = Strand(forgiven: strands[one.ordinal].forgiven)
            models = models.filter { $0.key.quotaClass != one }
        }
    }

    // MARK: Telling

    private mutating func tellModel(
        _ work: AccountPoolState.LaneKey, _ rest: AccountRest, _ error: GatewayError, _ evidence: Evidence,
        _ given: AccountCircumstances
    ) -> AccountTransition {
        let change = AccountTransition(
            provider: provider, accountID: accountID, quotaClass: work.quotaClass,
            from: told[work.quotaClass.ordinal], to: error.accountEffect == .exhaustQuota ? .quotaExhausted : .cooling,
            until: given.civil(rest.end), at: given.wall, evidence: evidence, model: work.model)
        keep(change)
        return change
    }

    /// Compares every class with what was told last.
    ///
    /// - Parameter moved: A class whose breaker changed, which is told though it may be suspended as before.
    mutating func tell(
        _ evidence: () -> Evidence, _ moved: QuotaClass?, _ given: AccountCircumstances
    ) -> [AccountTransition] {
        var changes: [AccountTransition] = []
        for quotaClass in QuotaClass.allCases {
            let (state, until) = state(quotaClass, given.rules, given.now, given.wall)
            let known = told[quotaClass.ordinal]
            guard state != known || moved == quotaClass else { continue }
            told[quotaClass.ordinal] = state
            let evidence = evidence()
            strands[quotaClass.ordinal].reason = state.isSelectable ? nil : evidence.message
            changes.append(
                AccountTransition(
                    provider: provider, accountID: accountID, quotaClass: quotaClass, from: known, to: state,
                    until: until, at: given.wall, evidence: evidence))
        }
        changes = Self.joined(changes)
        for change in changes { keep(change) }
        return changes
    }

    /// One change instead of one for each class, when it is the same.
    private static func joined(_ changes: [AccountTransition]) -> [AccountTransition] {
        guard changes.count == QuotaClass.allCases.count, let first = changes.first,
            changes.allSatisfy({ ($0.from, $0.to, $0.until) == (first.from, first.to, first.until) })
        else { return changes }
        var all = first
        all.quotaClass = nil
        return [all]
    }
}

extension AccountLife.Errand {
    var ordinal: Int { work.quotaClass.ordinal }
}
