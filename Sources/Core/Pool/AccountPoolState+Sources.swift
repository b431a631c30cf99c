/// New sets of accounts. The one place that walks over all of them: sources publish seldom.
extension AccountPoolState {
    /// Takes over a source's whole current set. Accounts that stay keep their leases and their lives; a changed
    /// credential clears what its predecessor was blamed for.
    public mutating func replaceAccounts(
        with wanted: [(credential: Credential, problem: String?)], changed: Set<String>, sources: [String: String] = [:]
    ) {
        var next: [Account] = []
        var wantedIDs: Set<String> = []
        for (credential, problem) in wanted where wantedIDs.insert(credential.accountID).inserted {
            let id = credential.accountID
            var account = positions[id].map { entries[$0] } ?? newAccount(id)
            account.isLeaving = false
            account.source = sources[id] ?? account.source
            account.weight = min(max(credential.weight, 1), Rota.largestWeight)
            account.proxy = credential.proxy
            let known = account.life.finding
            let told = account.life.apply(
                .published(
                    isDisabled: credential.isDisabled, problem: problem, expiresAt: credential.expiresAt,
                    isChanged: changed.contains(id)),
                Evidence(.source, message: problem ?? "its source published it"), circumstances)
            news += told
            if !account.isChanged, !told.isEmpty || known != account.life.finding {
                account.isChanged = true
                self.changed.append(id)
            }
            next.append(account)
        }
        for var account in entries where !account.isGone && !wantedIDs.contains(account.id) && account.inFlight > 0 {
            account.isLeaving = true
            next.append(account)
        }
        rebuild(next)
    }

    /// With what was remembered about it from before a restart.
    private mutating func newAccount(_ id: String) -> Account {
        var account = Account(id: id, life: AccountLife(provider: name, accountID: id))
        if let memory = remembered.removeValue(forKey: id) {
            news += account.life.restore(memory, circumstances)
        }
        return account
    }

    /// The same accounts, leases, rests and findings under other rules. Rests that run keep the end they have.
    public mutating func change(_ rules: Rules) {
        precondition(rules.maxInFlight > 0, "a pool that may lease nothing is a settings fault")
        self.rules = rules
        rebuild(accounts)
    }

    /// Lays out everything that is kept beside the accounts themselves.
    mutating func rebuild(_ accounts: [Account]) {
        entries = accounts
        positions = [:]
        counts = Array(repeating: 0, count: AccountBar.allCases.count)
        rota = Rota(weights: accounts.map(\.weight))
        loads = LoadScale(weights: accounts.map(\.weight), maxInFlight: rules.maxInFlight)
        if cursor > rota.count { cursor = 0 }
        marks = PositionHeap(capacity: accounts.count)
        probes = PositionHeap(capacity: accounts.count)
        watch = FaultWatch()
        quotaHolders = 0
        for (position, account) in accounts.enumerated() {
            positions[account.id] = position
            entries[position].countedAs = nil
            watch.adopt(account.marks)
            if let mark = account.life.nextMark(after: wall) { marks.set(position, to: mark.microseconds) }
            if let deadline = account.life.probeDeadline { probes.set(position, to: deadline.microseconds) }
            entries[position].holdsQuota = account.life.hasQuotaEnd(wall)
            if entries[position].holdsQuota { quotaHolders += 1 }
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
            entries[position].limitMarks = LimitWatch.Marks()
        }
        exitWakes = PositionHeap(capacity: exits.count)
        for index in exits.indices {
            guard let end = exits[index].rest?.end, end > clock else { continue }
            exits[index].isResting = true
            exitWakes.set(index, to: end.microseconds)
        }
    }

    mutating func rebuildLanes() {
        let keys = Set(entries.flatMap { $0.life.models.keys }).sorted {
            Self.end(of: $0, self) > Self.end(of: $1, self)
        }
        lanes = QuotaClass.allCases.map { LaneKey(quotaClass: $0) }.map(makeLane)
        modelLanes = [:]
        for key in keys.prefix(Self.modelLaneLimit) {
            modelLanes[key] = lanes.count
            lanes.append(makeLane(key))
            lanes[lanes.count - 1].records = entries.count { $0.life.models[key] != nil }
        }
        for key in keys.dropFirst(Self.modelLaneLimit) {
            for position in entries.indices { entries[position].life.models[key] = nil }
        }
    }

    /// The latest end of a model's rests; those that end first matter least.
    private static func end(of key: LaneKey, _ pool: AccountPoolState) -> Instant {
        pool.entries.compactMap { $0.life.models[key]?.end }.max() ?? Instant(microseconds: .min)
    }

    private func makeLane(_ key: LaneKey) -> Lane {
        Lane(key, rules.strategy, accounts: entries.count, slots: rota.count)
    }
}
