/// New sets of accounts. The one place that walks over all of them: sources publish seldom.
extension AccountPoolState {
    /// Takes over a source's whole current set. Accounts that stay keep their leases and cooldowns; a changed
    /// credential clears what its predecessor was blamed for.
    public mutating func replaceAccounts(
        with wanted: [(credential: Credential, problem: String?)], changed: Set<String>
    ) {
        var next: [Account] = []
        var wantedIDs: Set<String> = []
        for (credential, problem) in wanted where wantedIDs.insert(credential.accountID).inserted {
            var account =
                positions[credential.accountID].map { entries[$0] }
                ?? Account(id: credential.accountID, condition: .usable)
            account.isLeaving = false
            account.expiresAt = credential.expiresAt
            account.weight = min(max(credential.weight, 1), Rota.largestWeight)
            account.proxy = credential.proxy
            account.condition = condition(of: credential, problem, keeping: account, changed)
            next.append(account)
        }
        for var account in entries where !account.isGone && !wantedIDs.contains(account.id) && account.inFlight > 0 {
            account.isLeaving = true
            next.append(account)
        }
        rebuild(next)
    }

    /// The same accounts, leases, rests and conditions under other rules. Rests that run keep the end they have.
    public mutating func change(_ rules: Rules) {
        precondition(rules.maxInFlight > 0, "a pool that may lease nothing is a settings fault")
        self.rules = rules
        rebuild(accounts)
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

    /// Lays out everything that is kept beside the accounts themselves.
    mutating func rebuild(_ accounts: [Account]) {
        entries = accounts
        positions = [:]
        counts = Array(repeating: 0, count: Condition.Tag.allCases.count)
        rota = Rota(weights: accounts.map(\.weight))
        loads = LoadScale(weights: accounts.map(\.weight), maxInFlight: rules.maxInFlight)
        if cursor > rota.count { cursor = 0 }
        expiring = PositionHeap(capacity: accounts.count)
        expired = PositionHeap(capacity: accounts.count)
        for (position, account) in accounts.enumerated() {
            positions[account.id] = position
            entries[position].countedAs = nil
            entries[position].isExpired = false
            // Expires at once, when time passes next, if its hour has come.
            if let end = account.expiresAt { expiring.set(position, to: end.microseconds) }
        }
        rebuildExits()
        rebuildLanes()
        for position in entries.indices { refresh(position) }
    }

    private mutating func rebuildExits() {
        let rests = Dictionary(exits.map { ($0.proxy, $0.rest) }, uniquingKeysWith: { first, _ in first })
        (exits, exitIndexes) = ([], [:])
        for position in entries.indices {
            let proxy = entries[position].proxy
            let index = exitIndexes[proxy] ?? exits.count
            if index == exits.count {
                exitIndexes[proxy] = index
                exits.append(Exit(proxy: proxy, rest: rests[proxy] ?? nil))
            }
            exits[index].members.append(position)
            entries[position].exit = index
        }
        exitWakes = PositionHeap(capacity: exits.count)
        for index in exits.indices {
            guard let end = exits[index].rest?.end, end > clock else { continue }
            exits[index].isResting = true
            exitWakes.set(index, to: end.microseconds)
        }
    }

    private mutating func rebuildLanes() {
        let keys = modelLanes.keys.filter { key in entries.contains { $0.modelRests[key] != nil } }
        lanes = QuotaClass.allCases.map { LaneKey(quotaClass: $0) }.map(makeLane)
        modelLanes = [:]
        for key in keys {
            modelLanes[key] = lanes.count
            lanes.append(makeLane(key))
            lanes[lanes.count - 1].records = entries.count { $0.modelRests[key] != nil }
        }
    }

    private func makeLane(_ key: LaneKey) -> Lane {
        Lane(key, rules.strategy, accounts: entries.count, slots: rota.count)
    }
}
