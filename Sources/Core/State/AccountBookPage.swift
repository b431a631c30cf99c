/// The accounts of one provider as the book has them; a value.
struct AccountBookPage: Sendable {
    /// What is true now.
    private(set) var records: [String: AccountRecord] = [:]
    /// What is written down, or cannot be for now: this alone is used.
    private var settled: [String: AccountRecord] = [:]
    /// To be written, or deleted when there is no record any more.
    private(set) var unsaved: Set<String> = []
    /// Whose sign-in has changed and the pool has not been told.
    private var renewed: Set<String> = []
    /// The set of each source that has spoken, in the order in which they did first.
    private var sources: [(name: String, credentials: [Credential])] = []
    /// Sources that may speak; an account of another one is gone.
    private var awaited: Set<String> = []

    /// Accounts that the operator added are, or were, among them.
    private var hasAdminAccounts = false

    let provider: String

    init(provider: String, records: [AccountRecord]) {
        self.provider = provider
        for record in records {
            self.records[record.accountID] = record
            settled[record.accountID] = record
        }
        hasAdminAccounts = settled.values.contains { $0.source == AccountRecord.adminSource }
    }

    // MARK: Sources

    mutating func expect(_ sources: Set<String>, now: WallTime, _ fingerprints: Fingerprints) {
        awaited = sources
        follow(now, fingerprints)
    }

    mutating func hear(
        _ credentials: [Credential], from source: String, now: WallTime, _ fingerprints: Fingerprints
    ) {
        if let index = sources.firstIndex(where: { $0.name == source }) {
            sources[index].credentials = credentials
        } else {
            sources.append((source, credentials))
        }
        follow(now, fingerprints)
    }

    /// Takes every source that may still speak at what is known of its accounts.
    mutating func recall() {
        let silent = settled.values.filter { record in
            record.source != AccountRecord.adminSource && record.goneSince == nil && mayStillSpeak(record.source)
        }
        for (name, records) in Dictionary(grouping: silent, by: \.source).sorted(by: { $0.key < $1.key }) {
            sources.append((name, records.sorted { $0.accountID < $1.accountID }.map(\.credential)))
        }
    }

    /// Forgets sources that the settings name no longer.
    mutating func forget(sources gone: [String], now: WallTime, _ fingerprints: Fingerprints) {
        sources.removeAll { gone.contains($0.name) }
        awaited.subtract(gone)
        follow(now, fingerprints)
    }

    /// Brings every record up to what its source says.
    private mutating func follow(_ now: WallTime, _ fingerprints: Fingerprints) {
        var named: [String: [(source: String, credential: Credential)]] = [:]
        for (source, credentials) in sources {
            for credential in credentials { named[credential.accountID, default: []].append((source, credential)) }
        }
        for (id, offers) in named {
            var record = records[id] ?? AccountRecord(provider: provider, accountID: id, source: offers[0].source)
            guard let offer = owner(of: record, among: offers) else { continue }
            note(record.follow(offer.credential, of: offer.source, fingerprints), record)
            use(id)
        }
        for (id, known) in records where named[id] == nil && known.goneSince == nil && !mayStillSpeak(known.source) {
            var record = known
            record.goneSince = now
            records[id] = record
            unsaved.insert(id)
            use(id)
        }
    }

    /// A source keeps its account for as long as it names it, and until it has spoken after a restart.
    private func owner(
        of record: AccountRecord, among offers: [(source: String, credential: Credential)]
    ) -> (source: String, credential: Credential)? {
        if record.source == AccountRecord.adminSource { return nil }
        if let same = offers.first(where: { $0.source == record.source }) { return same }
        return mayStillSpeak(record.source) && record.goneSince == nil ? nil : offers.first
    }

    private func mayStillSpeak(_ source: String) -> Bool {
        source == AccountRecord.adminSource
            || awaited.contains(source) && !sources.contains { $0.name == source }
    }

    // MARK: Changes

    /// Accounts that the operator is just changing: what cannot be written of that is not used either.
    private var underOperator: Set<String> = []
    /// Accounts with a new secret that is just being written.
    private var underRotation: Set<String> = []

    /// Accounts whose source said something while a write about them ran: the pool hears it afterwards.
    private var deferred: Set<String> = []

    /// What a source says needs no writing first, unless something else about the account does.
    private mutating func use(_ id: String) {
        if underOperator.contains(id) || underRotation.contains(id) {
            if settled[id] != records[id] { deferred.insert(id) }
        } else {
            settled[id] = records[id]
        }
    }

    mutating func rotate(to credential: Credential, replacing basis: Credential) -> Bool {
        guard var record = records[credential.accountID],
            let change = record.rotate(to: credential, replacing: basis)
        else { return false }
        underRotation.insert(credential.accountID)
        note(change, record)
        return true
    }

    /// - Returns: False when there is no such account.
    mutating func change(
        _ accountID: String, _ body: (inout AccountRecord, _ said: Credential?) -> AccountRecord.Change
    ) -> Bool {
        guard var record = records[accountID] else { return false }
        underOperator.insert(accountID)
        let own = sources.first { $0.name == record.source }?.credentials.first { $0.accountID == accountID }
        note(body(&record, own), record)
        return true
    }

    mutating func insert(_ record: AccountRecord) {
        records[record.accountID] = record
        underOperator.insert(record.accountID)
        unsaved.insert(record.accountID)
        renewed.insert(record.accountID)
    }

    mutating func remove(_ accountID: String) {
        records[accountID] = nil
        underOperator.insert(accountID)
        unsaved.insert(accountID)
    }

    /// Takes back what could not be written: these fields, or the whole account when it is not to be there.
    mutating func undo(_ accountID: String, _ fields: [String: AccountRecord.Field?]) {
        for (name, field) in fields { records[accountID]?.fields[name] = field }
        undo(accountID, to: records[accountID])
    }

    mutating func undo(_ accountID: String, to record: AccountRecord?) {
        records[accountID] = record
        settled[accountID] = record
        underOperator.remove(accountID)
        unsaved.insert(accountID)
    }

    private mutating func note(_ change: AccountRecord.Change, _ record: AccountRecord) {
        let isNew = records[record.accountID] == nil
        records[record.accountID] = record
        if change.isAny || isNew { unsaved.insert(record.accountID) }
        if change.isOfSignIn || isNew { renewed.insert(record.accountID) }
    }

    /// Nothing that is compared, nor that is written with the record.
    mutating func note(_ memory: AccountMemory) {
        records[memory.accountID]?.memory = memory.body
        settled[memory.accountID]?.memory = memory.body
    }

    // MARK: Writing

    mutating func takeUnsaved() -> Set<String> {
        defer { unsaved = [] }
        return unsaved
    }

    /// What was written is used from now on; so is what was not, for requests go on, but for an operator's change.
    mutating func settle(_ ids: Set<String>, as written: [String: AccountRecord], hasFailed: Bool) {
        if hasFailed { unsaved.formUnion(ids) } else { underOperator.subtract(ids) }
        // One that was rotated again meanwhile waits for the next write.
        underRotation.subtract(ids.filter { records[$0]?.fields == written[$0]?.fields })
        for id in ids where !underOperator.contains(id) { settled[id] = written[id] }
    }

    // MARK: For the pool

    /// The pool has something to be told.
    var hasNews: Bool { !renewed.isEmpty || !deferred.isEmpty }

    func settledCredential(of accountID: String) -> Credential? { settled[accountID]?.credential }

    /// The set of each source for the pool, where every account stands with the one that owns it.
    mutating func takeUpdates(news: String?) -> [AccountBook.Update] {
        var sets: [(name: String, credentials: [Credential])] = sources.map { ($0.name, []) }
        var placed: Set<String> = []
        for (index, source) in sources.enumerated() {
            for credential in source.credentials {
                let id = credential.accountID
                guard let record = settled[id], record.source != AccountRecord.adminSource, !placed.contains(id) else {
                    continue
                }
                let isOwner = record.source == source.name
                let ownerNamesIt = sources.contains { name, credentials in
                    name == record.source && credentials.contains { $0.accountID == id }
                }
                guard isOwner || !ownerNamesIt else { continue }
                placed.insert(id)
                sets[index].credentials.append(record.credential)
            }
        }
        let own = settled.values.filter { $0.source == AccountRecord.adminSource }
        if !own.isEmpty || hasAdminAccounts {
            hasAdminAccounts = true
            let credentials = own.sorted { $0.accountID < $1.accountID }.map(\.credential)
            sets.append((AccountRecord.adminSource, credentials))
        }
        let changed = renewed.filter { settled[$0]?.fields == records[$0]?.fields }
        renewed.subtract(changed)
        deferred = deferred.filter { settled[$0]?.fields != records[$0]?.fields }
        return sets.map {
            AccountBook.Update(
                source: $0.name, credentials: $0.credentials, changed: changed, isNews: $0.name == news)
        }
    }
}
