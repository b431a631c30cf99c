/// Who changed what through the admin API; the operator's memory, durable before the change is made.
public protocol AuditStore: Sendable {
    /// - Returns: Its number.
    @discardableResult
    func append(_ entry: AuditEntry) async throws(GatewayError) -> Int64
    /// Says what came of a change whose entry was written before it was made.
    func complete(_ number: Int64, target: String, detail: String) async throws(GatewayError)
    /// Takes an entry back: nothing was changed after all.
    func withdraw(_ number: Int64) async throws(GatewayError)
    /// Newest first.
    func audit(limit: Int, before: Int64?) async throws(GatewayError) -> [AuditEntry]
}

public struct AuditEntry: Sendable, Equatable {
    /// Its place in the log, given by the store.
    public var number: Int64
    public var at: WallTime
    /// `admin key`, `session`, `command line`.
    public var actor: String
    public var address: String
    /// `keys.create`, `accounts.disable`, `settings.patch`.
    public var action: String
    /// The name of what was changed; never a secret.
    public var target: String
    public var detail: String

    public init(
        number: Int64 = 0, at: WallTime, actor: String, address: String, action: String, target: String,
        detail: String = ""
    ) {
        (self.number, self.at, self.actor, self.address) = (number, at, actor, address)
        (self.action, self.target, self.detail) = (action, target, detail)
    }
}

/// What the operator changed about the settings through the admin API: a JSON merge patch over the file.
public protocol SettingsPatchStore: Sendable {
    /// The patch in force and its version; an empty object and 0 when there is none.
    func settingsPatch() async throws(GatewayError) -> (patch: JSON, version: Int64)
    /// - Parameter expected: The version that the change was made from.
    /// - Returns: The new version.
    /// - Throws: `invalidRequest` with the code `version_conflict` when another change came first.
    func saveSettingsPatch(_ patch: JSON, expecting: Int64) async throws(GatewayError) -> Int64
}
