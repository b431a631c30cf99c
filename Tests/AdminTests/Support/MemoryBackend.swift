import PolluxCore
import PolluxTesting
import Synchronization

@testable import PolluxAdmin

/// What the API administers, in memory: no rule of its own beyond what a test needs.
final class MemoryBackend: Sendable {
    struct State {
        var accounts: [AccountName: Credential] = [:]
        var disabled: Set<AccountName> = []
        var resets: [String] = []
        var keys: [AdministeredKey] = []
        var audit: [AuditEntry] = []
        var backups: Set<String> = []
        var audited = 0
        /// So many more writes to the audit log succeed; `nil` for all.
        var auditsLeft: Int?
        /// What the next change of an account meets.
        var failure: AdminError?
        /// The audit log as it was when an account was changed.
        var auditAtChange: [AuditEntry] = []
        var patches: [JSONObject] = []
        var queries: [UsageQuery] = []
        var requests: [RequestRecord] = []
        var made = 0
        var media: [AdministeredMedia] = []
    }

    static let adminKey = "the-admin-key-of-these-tests"
    let state = Mutex(State())
    let time = ManualTime()
    let events = EventHub()

    var backend: AdminBackend {
        AdminBackend(
            accounts: self, keys: self, settings: self, control: self, media: self, usage: self, audit: self,
            events: events,
            time: time, log: .silent)
    }

    func put(_ provider: String, _ id: String, _ values: [String: String] = ["api_key": "a-secret-value"]) {
        let credential = Credential(accountID: id, values: values.mapValues { Secret($0) })
        state.withLock { $0.accounts[AccountName(provider: provider, id: id)] = credential }
    }
}

extension MemoryBackend: MediaAdministration {
    func files() -> [AdministeredMedia] { state.withLock { $0.media } }

    func delete(_ name: String) async -> Bool {
        state.withLock { state in
            let count = state.media.count
            state.media.removeAll { $0.file.name == name }
            return state.media.count < count
        }
    }

    func sweep() async -> [StoredMedia] {
        let now = time.wallNow
        return state.withLock { state in
            let isOver = { @Sendable (media: AdministeredMedia) in media.file.expiresAt.map { $0 <= now } ?? false }
            defer { state.media.removeAll(where: isOver) }
            return state.media.filter(isOver).map(\.file)
        }
    }
}

extension MemoryBackend: AccountAdministration {
    var providers: [String] { ["local", "business"] }

    func accounts() async throws(AdminError) -> [AdministeredAccount] {
        state.withLock { state in
            state.accounts.map { name, credential in
                let isDisabled = state.disabled.contains(name)
                return AdministeredAccount(
                    report: AccountReport(
                        provider: name.provider, accountID: name.id, source: AccountRecord.adminSource,
                        state: isDisabled ? .disabled : .ready,
                        classes: QuotaClass.allCases.map { AccountReport.ClassReport($0) }),
                    origins: credential.values.keys.sorted().map { ("values.\($0)", .admin) })
            }
        }
    }

    func account(_ name: AccountName) async throws(AdminError) -> AdministeredAccount? {
        try await accounts().first { $0.name == name }
    }

    func add(_ name: AccountName, _ draft: AccountDraft, awaitsSignIn: Bool) async throws(AdminError) {
        let failure = state.withLock { state in
            state.auditAtChange = state.audit
            return state.accounts.isEmpty ? nil : state.failure
        }
        if let failure { throw failure }
        let isNew = state.withLock { state in
            guard state.accounts[name] == nil else { return false }
            var credential = Credential(accountID: name.id, values: draft.values)
            if case .set(let time) = draft.expiresAt { credential.expiresAt = time }
            state.accounts[name] = credential
            return true
        }
        if !isNew { throw AdminError(409, "account_exists", "it is there") }
    }

    func edit(_ name: AccountName, _ draft: AccountDraft) async throws(AdminError) {
        state.withLock { $0.accounts[name]?.values.merge(draft.values) { _, new in new } }
    }

    func delete(_ name: AccountName) async throws(AdminError) {
        let found = state.withLock { $0.accounts.removeValue(forKey: name) != nil }
        if !found { throw AccountOperations.unknown(name) }
    }

    func setDisabled(_ name: AccountName, _ isDisabled: Bool) async throws(AdminError) {
        let found = state.withLock { state in
            if isDisabled { state.disabled.insert(name) } else { state.disabled.remove(name) }
            return state.accounts[name] != nil
        }
        if !found { throw AccountOperations.unknown(name) }
    }

    func reset(_ name: AccountName, _ quotaClass: QuotaClass?) async throws(AdminError) {
        state.withLock { $0.resets.append("\(name) \(quotaClass?.rawValue ?? "all")") }
    }

    func test(_ name: AccountName, turn: TrialTurn?) async throws(AdminError) -> [ProbeStep] {
        [ProbeStep("token"), ProbeStep("models", failure: GatewayError(.upstreamAuth, .account, "rejected"))]
    }

    func problem(with credential: Credential, of provider: String) -> String? {
        credential["api_key"] == nil ? "api_key: missing" : nil
    }

    func read(_ bytes: [UInt8], isText: Bool) throws(AdminError) -> [ImportedRecord] {
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        return lines.enumerated().filter { !$0.element.isEmpty }.map { index, line in
            let words = line.split(separator: " ")
            guard words.count == 2 else { return ImportedRecord(line: index + 1, problems: ["two words are needed"]) }
            let values = ["api_key": Secret(String(words[1]))]
            return ImportedRecord(
                line: index + 1, credential: Credential(accountID: String(words[0]), values: values))
        }
    }

    func lines(of credentials: [Credential]) -> String {
        credentials.map { "\($0.accountID) \($0["api_key"]?.reveal() ?? "")\n" }.joined()
    }

    func credentials(
        of names: [AccountName]
    ) async throws(AdminError) -> [(name: AccountName, credential: Credential)] {
        state.withLock { state in names.compactMap { name in state.accounts[name].map { (name, $0) } } }
    }
}

extension MemoryBackend: KeyAdministration {
    func keys() async throws(AdminError) -> [AdministeredKey] { state.withLock { $0.keys } }

    func create(_ draft: KeyDraft) async throws(AdminError) -> (StoredKey, Secret) {
        state.withLock { state in
            state.made += 1
            let key = StoredKey(
                id: "key_\(state.made)", name: draft.name ?? "", prefix: "abcdefgh", digest: [],
                models: draft.models ?? ["*"], createdAt: time.wallNow + .seconds(state.made))
            state.keys.append(AdministeredKey(key: key, isFromSettings: false))
            return (key, Secret("plx_the-whole-key"))
        }
    }

    func edit(_ id: String, _ draft: KeyDraft) async throws(AdminError) -> StoredKey {
        let edited = state.withLock { state -> StoredKey? in
            guard let index = state.keys.firstIndex(where: { $0.key.id == id }) else { return nil }
            if let name = draft.name { state.keys[index].key.name = name }
            if case .set(let time) = draft.expiresAt { state.keys[index].key.expiresAt = time }
            if case .clear = draft.expiresAt { state.keys[index].key.expiresAt = nil }
            return state.keys[index].key
        }
        guard let edited else { throw KeyOperations.unknown(id) }
        return edited
    }

    func revoke(_ id: String) async throws(AdminError) -> StoredKey {
        let key = state.withLock { state -> StoredKey? in
            guard let index = state.keys.firstIndex(where: { $0.key.id == id }) else { return nil }
            state.keys[index].key.revokedAt = time.wallNow
            return state.keys[index].key
        }
        guard let key else { throw KeyOperations.unknown(id) }
        return key
    }
}

extension MemoryBackend: SettingsAdministration {
    private func view(_ version: Int) -> SettingsView {
        SettingsView(version: "v\(version)", settings: ["retry": ["max_retries": 2]], changes: [:])
    }

    func settings() async throws(AdminError) -> SettingsView { view(state.withLock { $0.patches.count }) }

    func patch(
        _ patch: JSONObject, expecting expected: String, dryRun: Bool
    ) async throws(AdminError) -> SettingsChange {
        let version = state.withLock { $0.patches.count }
        guard expected == "*" || expected == "v\(version)" else {
            throw AdminError(412, "version_conflict", "another change came first")
        }
        if !dryRun { state.withLock { $0.patches.append(patch) } }
        return SettingsChange(view: view(dryRun ? version : version + 1), plan: ReloadPlan(), isApplied: !dryRun)
    }

    func forgetChanges(expecting expected: String) async throws(AdminError) -> SettingsChange {
        SettingsChange(view: view(0), plan: ReloadPlan(), isApplied: true)
    }

    func isAdminKey(_ key: Secret) -> Bool { key == Secret(Self.adminKey) }
}

extension MemoryBackend: GatewayControl {
    func status() async -> JSON { ["version": "test"] }
    func limits() async throws(AdminError) -> JSON { ["items": []] }
    func models() async -> [OfferedModel] { [OfferedModel(id: "m", owner: "o", targets: ["local/m"])] }
    func explain(_ question: RouteQuestion) async throws(AdminError) -> JSON { ["model": .string(question.model)] }
    func reload(dryRun: Bool) async throws(AdminError) -> ReloadOutcome {
        ReloadOutcome(result: dryRun ? .planned : .reloaded, plan: ReloadPlan())
    }
    func backUp(as name: String) async throws(AdminError) -> (path: String, bytes: Int) {
        let isNew = state.withLock { $0.backups.insert(name).inserted }
        guard isNew else { throw AdminError(409, "backup_exists", "it is there") }
        return ("data/backups/" + name, 4096)
    }
}

extension MemoryBackend: UsageStore, AuditStore {
    func note(_ requests: RequestBatch) { state.withLock { $0.requests += requests } }

    func usage(_ query: UsageQuery) async throws(GatewayError) -> [UsageRow] {
        state.withLock { $0.queries.append(query) }
        var row = UsageRow()
        (row.keyID, row.model, row.requests, row.errors) = ("key_1", "sim", 4, 1)
        row.total = .seconds(2)
        return [row]
    }

    func requests(_ query: RequestQuery) async throws(GatewayError) -> [RequestRecord] {
        let newestFirst = state.withLock { Array($0.requests.reversed()) }
        let behind = query.before.map { before in newestFirst.drop { $0.requestID != before }.dropFirst() }
        return Array((behind ?? newestFirst[...]).prefix(query.limit))
    }

    func note(_ transitions: [AccountTransition]) {}

    func transitions(
        provider: String?, accountID: String?, limit: Int
    ) async throws(GatewayError) -> [AccountTransition] {
        [
            AccountTransition(
                provider: provider ?? "", accountID: accountID ?? "", quotaClass: .images, from: .ready, to: .cooling,
                at: time.wallNow, evidence: Evidence(.attempt, requestID: "req_1", attempt: 1, upstreamStatus: 429))
        ]
    }

    func append(_ entry: AuditEntry) async throws(GatewayError) -> Int64 {
        try auditing { state in
            var entry = entry
            state.audited += 1
            entry.number = Int64(state.audited)
            state.audit.append(entry)
            return entry.number
        }
    }

    func complete(_ number: Int64, target: String, detail: String) async throws(GatewayError) {
        try auditing { state in
            guard let index = state.audit.firstIndex(where: { $0.number == number }) else { return }
            (state.audit[index].target, state.audit[index].detail) = (target, detail)
        }
    }

    func withdraw(_ number: Int64) async throws(GatewayError) {
        try auditing { $0.audit.removeAll { $0.number == number } }
    }

    private func auditing<Value: Sendable>(_ body: (inout State) -> Value) throws(GatewayError) -> Value {
        let value = state.withLock { state -> Value? in
            if let left = state.auditsLeft {
                if left == 0 { return nil }
                state.auditsLeft = left - 1
            }
            return body(&state)
        }
        guard let value else {
            throw GatewayError(.internalError, .request, "the disk is full", code: "storage_unavailable")
        }
        return value
    }

    func audit(limit: Int, before: Int64?) async throws(GatewayError) -> [AuditEntry] {
        state.withLock { state in
            Array(state.audit.reversed().filter { entry in before.map { entry.number < $0 } ?? true }.prefix(limit))
        }
    }
}
