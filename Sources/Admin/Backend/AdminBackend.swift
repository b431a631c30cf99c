public import PolluxCore

/// What the API administers. The gateway implements each part; tests have some in memory.
public struct AdminBackend: Sendable {
    public var accounts: any AccountAdministration
    public var keys: any KeyAdministration
    public var settings: any SettingsAdministration
    public var control: any GatewayControl
    public var media: any MediaAdministration
    public var usage: any UsageStore
    public var audit: any AuditStore
    public var events: EventHub
    public var time: any TimeSource
    public var log: Logger

    public init(
        accounts: any AccountAdministration, keys: any KeyAdministration, settings: any SettingsAdministration,
        control: any GatewayControl, media: any MediaAdministration, usage: any UsageStore, audit: any AuditStore,
        events: EventHub, time: any TimeSource, log: Logger
    ) {
        (self.accounts, self.keys, self.settings, self.control) = (accounts, keys, settings, control)
        self.media = media
        (self.usage, self.audit, self.events, self.time, self.log) = (usage, audit, events, time, log)
    }
}

/// Names an account: ids are unique within a provider.
public struct AccountName: Sendable, Hashable, Comparable, CustomStringConvertible {
    public var provider: String
    public var id: String

    public init(provider: String, id: String) { (self.provider, self.id) = (provider, id) }

    public var description: String { "\(provider)/\(id)" }

    public static func < (left: AccountName, right: AccountName) -> Bool {
        (left.provider, left.id) < (right.provider, right.id)
    }
}

/// One account with what the pool knows and where its values come from.
public struct AdministeredAccount: Sendable {
    public var report: AccountReport
    /// The operator's name for it.
    public var label: String?
    /// Where each value comes from; never the value.
    public var origins: [(field: String, origin: AccountRecord.Origin)]
    public var goneSince: WallTime?

    public init(
        report: AccountReport, label: String? = nil, origins: [(field: String, origin: AccountRecord.Origin)] = [],
        goneSince: WallTime? = nil
    ) {
        (self.report, self.label, self.origins, self.goneSince) = (report, label, origins, goneSince)
    }

    var name: AccountName { AccountName(provider: report.provider, id: report.accountID) }
}

/// What an operator writes about an account; what is `nil` stays as it is.
public struct AccountDraft: Sendable, Equatable {
    public var values: [String: Secret] = [:]
    public var expiresAt: Change<WallTime> = .keep
    public var proxy: Change<Secret> = .keep
    public var weight: Int?
    public var isDisabled: Bool?
    public var label: Change<String> = .keep
    /// Fields that follow their source again.
    public var reset: [String] = []

    public init() {}

    /// What becomes of a field that may be empty.
    public enum Change<Value: Sendable & Equatable>: Sendable, Equatable {
        case keep
        case clear
        case set(Value)
    }
}

/// The accounts of every provider. Changes are durable when the call returns.
public protocol AccountAdministration: Sendable {
    /// The providers that have accounts, in file order.
    var providers: [String] { get }
    func accounts() async throws(AdminError) -> [AdministeredAccount]
    func account(_ name: AccountName) async throws(AdminError) -> AdministeredAccount?
    /// - Throws: 404 for an unknown provider, 409 for an account that is there, 422 for one that it cannot use.
    ///
    /// - Parameter awaitsSignIn: An import of accounts that have none yet: what they lack is no fault.
    func add(_ name: AccountName, _ draft: AccountDraft, awaitsSignIn: Bool) async throws(AdminError)
    func edit(_ name: AccountName, _ draft: AccountDraft) async throws(AdminError)
    /// - Throws: 409 for an account that its source names: it would come back.
    func delete(_ name: AccountName) async throws(AdminError)
    func setDisabled(_ name: AccountName, _ isDisabled: Bool) async throws(AdminError)
    /// Ends rests, breakers and findings of one class of work, or of all.
    func reset(_ name: AccountName, _ quotaClass: QuotaClass?) async throws(AdminError)
    /// - Throws: 404; 409 while the account is busy with as many requests as it may have.
    ///
    /// - Parameter turn: Also ask for one short answer, which spends quota.
    func test(_ name: AccountName, turn: TrialTurn?) async throws(AdminError) -> [ProbeStep]
    /// What a provider says about an account that is not there yet; `nil` when it could use it.
    func problem(with credential: Credential, of provider: String) -> String?
    /// Takes an import apart; records that cannot be used say why.
    ///
    /// - Parameter isText: One account per line, not JSON.
    /// - Throws: 400 for what is no list of accounts at all.
    func read(_ import: [UInt8], isText: Bool) throws(AdminError) -> [ImportedRecord]
    /// Accounts as lines that `read` takes, without their sign-ins; with a comment for each that no line can hold.
    func lines(of credentials: [Credential]) -> String
    /// Secrets and all, for an export.
    func credentials(of names: [AccountName]) async throws(AdminError) -> [(name: AccountName, credential: Credential)]
}

/// A real answer, asked for to try an account.
public struct TrialTurn: Sendable, Equatable {
    /// By the upstream's own name; `nil` takes the first that it offers.
    public var model: String?

    public init(model: String? = nil) { self.model = model }
}

/// A client key for the operator's eyes.
public struct AdministeredKey: Sendable, Equatable {
    public var key: StoredKey
    /// It stands in the settings file.
    public var isFromSettings: Bool

    public init(key: StoredKey, isFromSettings: Bool) { (self.key, self.isFromSettings) = (key, isFromSettings) }
}

/// What an operator writes about a key; what is `nil` stays as it is.
public struct KeyDraft: Sendable, Equatable {
    public var name: String?
    public var models: [String]?
    public var limits: AccountDraft.Change<JSON> = .keep
    public var expiresAt: AccountDraft.Change<WallTime> = .keep
    public var mayExplain: Bool?

    public init() {}
}

/// Client keys at run time. Changes are durable, and in force, when the call returns.
public protocol KeyAdministration: Sendable {
    /// Those of the settings first, then the others, oldest first.
    func keys() async throws(AdminError) -> [AdministeredKey]
    /// - Returns: The key's record, and the key itself, which nobody sees again.
    /// - Throws: 409 for a name that another key has; 422 for limits that cannot be read.
    func create(_ draft: KeyDraft) async throws(AdminError) -> (StoredKey, Secret)
    /// - Throws: 409 for a key of the settings.
    func edit(_ id: String, _ draft: KeyDraft) async throws(AdminError) -> StoredKey
    /// - Throws: 409 for a key of the settings.
    func revoke(_ id: String) async throws(AdminError) -> StoredKey
}

/// The settings in force: a file, and what was changed about it through this API.
public protocol SettingsAdministration: Sendable {
    /// With secrets masked.
    func settings() async throws(AdminError) -> SettingsView
    /// - Parameter expected: The version that the change was made from; `*` for any.
    /// - Throws: 412 when it is not the version in force; 422 with every problem by its path. Then nothing has changed.
    func patch(_ patch: JSONObject, expecting expected: String, dryRun: Bool) async throws(AdminError) -> SettingsChange
    /// Takes back every change, so that the file alone counts.
    func forgetChanges(expecting expected: String) async throws(AdminError) -> SettingsChange
    func isAdminKey(_ key: Secret) -> Bool
}

public struct SettingsView: Sendable {
    public var version: String
    public var settings: JSON
    /// What was changed through this API: a merge patch over the file, masked.
    public var changes: JSON

    public init(version: String, settings: JSON, changes: JSON) {
        (self.version, self.settings, self.changes) = (version, settings, changes)
    }
}

public struct SettingsChange: Sendable {
    public var view: SettingsView
    public var plan: ReloadPlan
    public var isApplied: Bool

    public init(view: SettingsView, plan: ReloadPlan, isApplied: Bool) {
        (self.view, self.plan, self.isApplied) = (view, plan, isApplied)
    }
}

/// What a reload changes, by name.
public struct ReloadPlan: Sendable, Equatable {
    public struct Difference: Sendable, Equatable {
        public var added: [String] = []
        public var changed: [String] = []
        public var removed: [String] = []

        public init() {}
        public var isEmpty: Bool { added.isEmpty && changed.isEmpty && removed.isEmpty }
    }

    public var providers = Difference()
    public var sources = Difference()
    public var keys = Difference()
    public var models = Difference()
    /// Other sections that say something else: `retry`, `log`.
    public var sections: [String] = []
    public var warnings: [String] = []

    public init() {}
}

public struct ReloadOutcome: Sendable {
    public enum Result: String, Sendable, CaseIterable { case planned, reloaded, rolledBack = "rolled_back" }

    public struct Probe: Sendable {
        public var provider: String
        public var account: String
        public var steps: [ProbeStep]

        public init(provider: String, account: String, steps: [ProbeStep]) {
            (self.provider, self.account, self.steps) = (provider, account, steps)
        }
        public var isGood: Bool { steps.allSatisfy { $0.failure == nil } }
    }

    public var result: Result
    public var plan: ReloadPlan
    /// Of the providers that changed.
    public var probes: [Probe]
    /// Why it was rolled back.
    public var reason: String?

    public init(result: Result, plan: ReloadPlan, probes: [Probe] = [], reason: String? = nil) {
        (self.result, self.plan, self.probes, self.reason) = (result, plan, probes, reason)
    }
}

/// A request that somebody might send, as far as its way depends on it.
public struct RouteQuestion: Sendable, Equatable {
    public var model: String
    public var keyID: String?
    public var isStreamed = false
    public var wantsImages = false
    public var hasTools = false
    public var wantsJSON = false

    public init(model: String, keyID: String? = nil) { (self.model, self.keyID) = (model, keyID) }
}

/// A model and where a request for it may go.
public struct OfferedModel: Sendable, Equatable {
    public var id: String
    public var owner: String
    /// `PROVIDER/MODEL`, in the order in which they are tried.
    public var targets: [String]

    public init(id: String, owner: String, targets: [String]) {
        (self.id, self.owner, self.targets) = (id, owner, targets)
    }

    public var json: JSON {
        ["id": .string(id), "owner": .string(owner), "targets": .array(targets.map { .string($0) })]
    }
}

/// A file that a model made, and a link that opens it.
public struct AdministeredMedia: Sendable, Equatable {
    public var file: StoredMedia
    public var url: String

    public init(file: StoredMedia, url: String) { (self.file, self.url) = (file, url) }
}

/// What models made and clients may still fetch.
public protocol MediaAdministration: Sendable {
    /// In any order.
    func files() -> [AdministeredMedia]
    /// - Returns: False when there was none.
    func delete(_ name: String) async -> Bool
    /// Deletes what has expired.
    ///
    /// - Returns: What was deleted.
    func sweep() async -> [StoredMedia]
}

/// The gateway itself.
public protocol GatewayControl: Sendable {
    /// Version, readiness, counts: nothing secret.
    func status() async -> JSON
    /// The models that clients may name.
    func models() async -> [OfferedModel]
    /// Limits as configured, and how much of each is used.
    func limits() async throws(AdminError) -> JSON
    /// Where a request for a model would go, and why; nothing is asked and nothing changes.
    ///
    /// - Throws: 404 for a key that is not there.
    func explain(_ question: RouteQuestion) async throws(AdminError) -> JSON
    /// Reads the settings again and puts them in force.
    ///
    /// - Throws: 422 with every problem; 409 when there is nothing to read again.
    func reload(dryRun: Bool) async throws(AdminError) -> ReloadOutcome
    /// Copies the state into a folder of this name below the state folder's `backups`.
    ///
    /// - Returns: The folder, and how large the copy is.
    /// - Throws: 409 when there is something already, or the state is in memory only; 507 when the disk takes nothing.
    func backUp(as name: String) async throws(AdminError) -> (path: String, bytes: Int)
}
