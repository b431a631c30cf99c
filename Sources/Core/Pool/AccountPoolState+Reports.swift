/// What is told about accounts, and what is kept of them.
extension AccountPoolState {
    /// In file order, those on their way out included.
    var accountIDs: [String] { entries.compactMap { $0.isGone ? nil : $0.id } }

    func report(of accountID: String) -> AccountReport? { positions[accountID].map(report(at:)) }

    /// Those that are reported, counted by what the reports say.
    func stateCounts() -> [QuotaClass: [AccountState: Int]] {
        var counts: [QuotaClass: [AccountState: Int]] = [:]
        for account in entries where !account.isGone {
            for quotaClass in QuotaClass.allCases {
                counts[quotaClass, default: [:]][standing(quotaClass, account).state, default: 0] += 1
            }
        }
        return counts
    }

    private func report(at position: Int) -> AccountReport {
        let account = entries[position]
        let classes = QuotaClass.allCases.map { classReport($0, account) }
        let models = account.life.models.filter { $0.value.end > clock }.sorted { left, right in
            (left.key.model, left.key.quotaClass.ordinal) < (right.key.model, right.key.quotaClass.ordinal)
        }
        return AccountReport(
            provider: name, accountID: account.id, source: account.source, state: classes[0].state, classes: classes,
            models: models.map { key, rest in
                AccountReport.ModelReport(
                    key.model, key.quotaClass, until: circumstances.civil(rest.end), remaining: rest.end - clock)
            },
            reason: classes[0].reason, expiresAt: account.life.expiresAt, inFlight: account.inFlight,
            weight: account.weight, hasOwnProxy: account.proxy != nil, counters: account.life.counters,
            transitions: account.life.history)
    }

    private func classReport(_ quotaClass: QuotaClass, _ account: Account) -> AccountReport.ClassReport {
        let (state, until, reason) = standing(quotaClass, account)
        var breaker = account.life.strands[quotaClass.ordinal].breaker
        breaker.forget(account.life.strands[quotaClass.ordinal].forgiven .!= forgiven)
        return AccountReport.ClassReport(
            quotaClass, state: state, until: until, remaining: until.map { max($0 - wall, .zero) }, reason: reason,
            failures: breaker.failures, openings: breaker.openings(clock))
    }

    /// With what holds for its exit, and for all accounts: those hide what ends sooner.
    func standing(
        _ quotaClass: QuotaClass, _ account: Account
    ) -> (state: AccountState, until: WallTime?, reason: String?) {
        let (state, until) = account.life.state(quotaClass, rules, clock, wall)
        let strand = account.life.strands[quotaClass.ordinal]
        switch state {
        case .ready, .expiring: break
        case .disabled: return (state, until, account.life.isSwitchedOff ? "by the operator" : "by its record")
        case .restricted, .needsHuman, .credentialRejected, .trialEnded:
            return (state, until, account.life.finding?.reason ?? account.life.problem)
        case .suspended where strand.breaker.openUntil == nil:
            return (state, until, "one request at a time tries it")
        default: return (state, until, strand.reason)
        }
        switch gate {
        case .rests(let end): return (.cooling, circumstances.civil(end), "its upstream asked for a rest")
        case .suspended(let end):
            return (.suspended, circumstances.civil(end), "its upstream as a whole fails again and again")
        case .probing: return (.suspended, nil, "one request tries its upstream")
        case .open: break
        }
        if exits[account.exit].isResting, let end = exits[account.exit].rest?.end {
            return (.cooling, circumstances.civil(end), "the way by which it leaves rests")
        }
        return (state, until, nil)
    }

    // MARK: The operator

    /// - Returns: False for an account that is not there.
    mutating func reset(_ accountID: String, _ quotaClass: QuotaClass?) -> Bool {
        operate(.reset(quotaClass), accountID, "the operator took back what was held against it")
    }

    mutating func setDisabled(_ accountID: String, _ isOff: Bool) -> Bool {
        operate(
            .switched(off: isOff), accountID, isOff ? "the operator switched it off" : "the operator switched it on")
    }

    private mutating func operate(_ event: AccountLife.Event, _ accountID: String, _ message: String) -> Bool {
        guard let position = positions[accountID], !entries[position].isGone else { return false }
        happen(event, to: position, Evidence(.admin, message: message))
        // Models may rest no more.
        rebuildLanes()
        for position in entries.indices { refresh(position) }
        return true
    }

    // MARK: Over a restart

    /// Takes over what was remembered, of accounts that are there and of those that a source will name.
    mutating func restore(_ memories: [(accountID: String, body: JSON)]) {
        var isAnyThere = false
        for memory in memories {
            guard let position = positions[memory.accountID] else {
                remembered[memory.accountID] = memory.body
                continue
            }
            isAnyThere = true
            let given = circumstances
            news += entries[position].life.restore(memory.body, given)
        }
        if isAnyThere { rebuild(accounts) }
    }

    /// Of the accounts about which something has changed since it was asked last.
    mutating func takeChangedMemories(atMost count: Int = .max) -> [(accountID: String, body: JSON)] {
        let ids = changed.prefix(count)
        changed.removeFirst(ids.count)
        return ids.compactMap { id in
            guard let position = positions[id] else { return nil }
            entries[position].isChanged = false
            return (id, entries[position].life.memory(circumstances))
        }
    }
}
