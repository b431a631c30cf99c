import Synchronization

/// The accounts of all providers: follows their sources, keeps what is rotated, obeys the operator.
///
/// What a source says is used at once and written within a second: the source would say it again. What is rotated, and
/// what the operator changes, is written first and used then. One write at a time for each provider; who comes
/// meanwhile shares the next one.
public final class AccountBook: Sendable {
    /// The set of one source for a provider's pool.
    public struct Update: Sendable, Equatable {
        public var source: String
        public var credentials: [Credential]
        /// Accounts of any source whose sign-in has changed: what was held against the old one is over. `nil` when
        /// nobody knows.
        public var changed: Set<String>?
        /// The source has just spoken.
        public var isNews: Bool

        public init(source: String, credentials: [Credential], changed: Set<String>? = nil, isNews: Bool = false) {
            (self.source, self.credentials, self.changed, self.isNews) = (source, credentials, changed, isNews)
        }
    }

    /// Takes what a provider's pool is to have.
    public typealias Receiver = @Sendable ([Update]) -> Void

    struct Guarded: Sendable {
        var pages: [String: AccountBookPage] = [:]
        var rounds: [String: SaveRound] = [:]
        var receivers: [String: Receiver] = [:]

        mutating func page(_ provider: String, _ body: (inout AccountBookPage) -> Void) {
            var page = pages[provider] ?? AccountBookPage(provider: provider, records: [])
            body(&page)
            pages[provider] = page
        }
    }

    let state: Mutex<Guarded>
    private let store: any AccountStore
    private let fingerprints: Fingerprints
    /// Held while a pool is told, so that it hears things in the order in which they became true.
    private let telling = Mutex<Void>(())

    public init(store: any AccountStore, records: [AccountRecord], fingerprints: Fingerprints) {
        (self.store, self.fingerprints) = (store, fingerprints)
        let pages = Dictionary(grouping: records, by: \.provider).map { provider, records in
            (provider, AccountBookPage(provider: provider, records: records))
        }
        state = Mutex(Guarded(pages: Dictionary(uniqueKeysWithValues: pages)))
    }

    /// Reads everything from the store.
    public static func open(
        _ store: any AccountStore & ConversationStore
    ) async throws(GatewayError) -> AccountBook {
        let key = try await store.hashKey()
        return AccountBook(
            store: store, records: try await store.accounts(), fingerprints: Fingerprints(key: key))
    }

    // MARK: Sources

    /// From now on a provider's pool hears of its accounts, whatever changes them.
    ///
    /// - Parameter sources: All that the settings name for the provider. Accounts of others are gone.
    public func attach(
        _ provider: String, sources: Set<String>, now: WallTime, receiver: @escaping Receiver
    ) {
        state.withLock { state in
            state.receivers[provider] = receiver
            state.page(provider) { $0.expect(sources, now: now, fingerprints) }
        }
    }

    /// The settings name the provider no longer. Its accounts are kept, should it come back.
    public func detach(_ provider: String) { state.withLock { $0.receivers[provider] = nil } }

    /// A source has spoken.
    public func publish(_ credentials: [Credential], from source: String, to provider: String, now: WallTime) {
        state.withLock { state in
            state.page(provider) { $0.hear(credentials, from: source, now: now, fingerprints) }
        }
        tell(provider, news: source)
    }

    /// Gives a provider's pool the accounts as they were, for somebody who looks at a gateway that is stopped: its
    /// sources are not asked.
    public func recall(_ provider: String) {
        state.withLock { $0.page(provider) { $0.recall() } }
        tell(provider)
    }

    /// The settings name these sources of the provider no longer.
    public func forget(sources: [String], of provider: String, now: WallTime) {
        state.withLock { $0.page(provider) { $0.forget(sources: sources, now: now, fingerprints) } }
        tell(provider)
    }

    private func tell(_ provider: String, news: String? = nil) {
        telling.withLock { _ in
            let (updates, receiver) = state.withLock { state -> ([Update], Receiver?) in
                guard let receiver = state.receivers[provider] else { return ([], nil) }
                var updates: [Update] = []
                state.page(provider) { updates = $0.takeUpdates(news: news) }
                return (updates, receiver)
            }
            receiver?(updates)
        }
    }

    // MARK: Rotation

    /// For one provider's pool.
    public func keeper(of provider: String) -> any CredentialKeeping { Keeper(book: self, provider: provider) }

    private struct Keeper: CredentialKeeping {
        let book: AccountBook
        let provider: String

        func keep(
            _ credential: Credential, replacing basis: Credential, use: (Credential) -> Void
        ) async throws(GatewayError) {
            await book.keep(credential, replacing: basis, provider, use)
        }
    }

    private func keep(
        _ credential: Credential, replacing basis: Credential, _ provider: String, _ use: (Credential) -> Void
    ) async {
        let isTaken = state.withLock { state in
            state.pages[provider]?.rotate(to: credential, replacing: basis) ?? false
        }
        guard isTaken else { return }
        _ = await save(provider)
        telling.withLock { _ in
            let current = state.withLock { $0.pages[provider]?.settledCredential(of: credential.accountID) }
            if let current { use(current) }
        }
        tellIfNeeded(provider)
    }

    /// What a source has said while a write ran waited for its end.
    private func tellIfNeeded(_ provider: String) {
        if state.withLock({ $0.pages[provider]?.hasNews ?? false }) { tell(provider) }
    }

    // MARK: The operator

    /// Every account of a provider, those that are gone too, by name.
    public func records(of provider: String) -> [AccountRecord] {
        state.withLock { state in
            (state.pages[provider]?.records.values).map { $0.sorted { $0.accountID < $1.accountID } } ?? []
        }
    }

    public func record(of accountID: String, provider: String) -> AccountRecord? {
        state.withLock { $0.pages[provider]?.records[accountID] }
    }

    /// Adds an account of the operator's own.
    ///
    /// - Throws: `invalidRequest` when there is one of that name; `storage_unavailable`, and then nothing has changed.
    public func add(
        _ credential: Credential, label: String? = nil, to provider: String
    ) async throws(GatewayError) {
        var record = AccountRecord(
            provider: provider, accountID: credential.accountID, source: AccountRecord.adminSource)
        for (name, value) in AccountRecord.fields(of: credential) { _ = record.edit(name, to: value) }
        if let label { _ = record.edit("label", to: Secret(label)) }
        let added = record
        let isNew = state.withLock { state in
            guard state.pages[provider]?.records[credential.accountID].map({ $0.goneSince != nil }) ?? true else {
                return false
            }
            state.page(provider) { $0.insert(added) }
            return true
        }
        guard isNew else {
            throw .invalid(
                "id", "provider \"\(provider)\" has an account \"\(credential.accountID)\" already", code: "exists")
        }
        try await saveOrUndo(provider) { $0.undo(credential.accountID, to: nil) }
        tell(provider)
    }

    /// Sets fields, which from then on are the operator's; `nil` leaves a field out on purpose.
    ///
    /// - Throws: `accountNotFound`; `storage_unavailable`, and then nothing has changed.
    public func edit(
        _ accountID: String, of provider: String, _ values: [String: Secret?]
    ) async throws(GatewayError) {
        try await change(accountID, of: provider, names: Array(values.keys)) { record, _ in
            let old = record
            var change = AccountRecord.Change()
            for (name, value) in values {
                let one = record.edit(name, to: value)
                change.isOfSignIn = change.isOfSignIn || one.isOfSignIn
            }
            change.isAny = record != old
            return change
        }
    }

    /// Gives fields back to the account's source.
    public func reset(
        _ accountID: String, of provider: String, _ names: [String]
    ) async throws(GatewayError) {
        let fingerprints = fingerprints
        try await change(accountID, of: provider, names: names) { record, said in
            let old = record
            var change = AccountRecord.Change()
            for name in names {
                let one = record.reset(name, to: said, fingerprints)
                change.isOfSignIn = change.isOfSignIn || one.isOfSignIn
            }
            change.isAny = record != old
            return change
        }
    }

    private func change(
        _ accountID: String, of provider: String, names: [String],
        _ body: (inout AccountRecord, Credential?) -> AccountRecord.Change
    ) async throws(GatewayError) {
        let old = state.withLock { state -> AccountRecord? in
            let old = state.pages[provider]?.records[accountID]
            if old != nil { state.page(provider) { _ = $0.change(accountID, body) } }
            return old
        }
        guard let old else { throw .accountNotFound(accountID, provider) }
        let fields = Dictionary(uniqueKeysWithValues: Set(names).map { ($0, old.fields[$0]) })
        try await saveOrUndo(provider) { $0.undo(accountID, fields) }
        tell(provider)
    }

    /// Removes an account for good: one of the operator's own, or one that its source names no more.
    ///
    /// - Throws: `invalidRequest` for one that its source names: it would come back.
    public func remove(
        _ accountID: String, of provider: String
    ) async throws(GatewayError) {
        guard let record = record(of: accountID, provider: provider) else {
            throw .accountNotFound(accountID, provider)
        }
        guard record.source == AccountRecord.adminSource || record.goneSince != nil else {
            throw .invalid(
                "id",
                "the account \"\(accountID)\" comes from \(record.source) and would come back; take it out there, or"
                    + " disable it", code: "owned_by_source")
        }
        state.withLock { $0.page(provider) { $0.remove(accountID) } }
        try await saveOrUndo(provider) { $0.undo(accountID, to: record) }
        tell(provider)
    }

    /// An operator's change is made whole or not at all.
    private func saveOrUndo(
        _ provider: String, _ undo: (inout AccountBookPage) -> Void
    ) async throws(GatewayError) {
        guard let error = await save(provider) else { return }
        state.withLock { $0.page(provider, undo) }
        throw error
    }

    // MARK: What pools remember

    /// For a provider's new pool.
    public func memories(of provider: String) -> [AccountMemory] {
        records(of: provider).compactMap { record in
            record.memory.map { AccountMemory(provider: provider, accountID: record.accountID, body: $0) }
        }
    }

    /// Durable within a second, and at hand for a pool that is made anew.
    public func note(_ memories: [AccountMemory]) {
        state.withLock { state in
            for memory in memories { state.page(memory.provider) { $0.note(memory) } }
        }
        store.note(memories)
    }

    // MARK: Time

    /// Tries again to write what the disk did not take. Called each second.
    public func saveRest() async {
        let providers = state.withLock { $0.pages.filter { !$0.value.unsaved.isEmpty }.map(\.key) }
        for provider in providers {
            _ = await save(provider)
            tellIfNeeded(provider)
        }
    }

    /// Drops accounts that have been gone for long.
    public func purge(_ retention: Retention, now: WallTime) async {
        let end = now + (.zero - retention.goneAccounts)
        let providers = state.withLock { state -> [String] in
            for (provider, page) in state.pages {
                let old = page.records.values.filter { $0.goneSince.map { $0 < end } ?? false }
                for record in old { state.page(provider) { $0.remove(record.accountID) } }
            }
            return Array(state.pages.keys)
        }
        for provider in providers { _ = await save(provider) }
    }

    // MARK: Writing

    /// Writes what has changed of a provider, together with what others have changed meanwhile.
    ///
    /// - Returns: Why it could not be written.
    private func save(_ provider: String) async -> GatewayError? {
        switch await takeTurn(provider) {
        case .done(let error): return error
        case .yours:
            let (records, ids, members) = state.withLock { state in
                var page = state.pages[provider] ?? AccountBookPage(provider: provider, records: [])
                let ids = page.takeUnsaved()
                state.pages[provider] = page
                let members = state.rounds[provider]?.begin() ?? []
                return (page.records, ids, members)
            }
            let failure = await write(ids, records, provider)
            let next = state.withLock { state in
                state.page(provider) { $0.settle(ids, as: records, hasFailed: failure != nil) }
                return state.rounds[provider]?.end()
            }
            for member in members { member.resume(returning: .done(failure)) }
            next?.resume(returning: .yours)
            return failure
        }
    }

    private func write(
        _ ids: Set<String>, _ records: [String: AccountRecord], _ provider: String
    ) async -> GatewayError? {
        do throws(GatewayError) {
            try await store.save(ids.compactMap { records[$0] })
            for id in ids where records[id] == nil { try await store.delete(provider: provider, accountID: id) }
            return nil
        } catch {
            return error
        }
    }

    private func takeTurn(_ provider: String) async -> SaveRound.Turn {
        await withCheckedContinuation { waiter in
            let isMine = state.withLock { state in
                state.rounds[provider, default: SaveRound()].join(waiter)
            }
            if isMine { waiter.resume(returning: .yours) }
        }
    }
}

/// Who writes now, and who waits for the next time.
struct SaveRound: Sendable {
    enum Turn: Sendable {
        /// Somebody has written what you changed.
        case done(GatewayError?)
        /// Write what there is, for all.
        case yours
    }

    typealias Waiter = CheckedContinuation<Turn, Never>

    private var isWriting = false
    private var waiters: [Waiter] = []
    var waiterCount: Int { waiters.count }

    /// - Returns: True for the one who writes at once; the others are told.
    mutating func join(_ waiter: Waiter) -> Bool {
        guard isWriting else {
            isWriting = true
            return true
        }
        waiters.append(waiter)
        return false
    }

    /// - Returns: Those whose changes are written along.
    mutating func begin() -> [Waiter] {
        defer { waiters = [] }
        return waiters
    }

    /// - Returns: The one who writes next, for those who came meanwhile.
    mutating func end() -> Waiter? {
        if waiters.isEmpty {
            isWriting = false
            return nil
        }
        return waiters.removeFirst()
    }
}

extension GatewayError {
    /// An account that a provider does not have.
    public static func accountNotFound(_ accountID: String, _ provider: String) -> GatewayError {
        .invalid("id", "provider \"\(provider)\" has no account \"\(accountID)\"", code: "account_not_found")
    }
}
