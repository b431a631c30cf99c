/// Keeps accounts over restarts. Nothing here blocks a loop: every implementation has a thread of its own.
public protocol AccountStore: Sendable {
    /// Every account that is kept, gone ones too. Asked once, before the port opens.
    func accounts() async throws(GatewayError) -> [AccountRecord]
    /// Durable when it returns: after it, a new secret may be used and an admin's request may be answered.
    ///
    /// - Throws: `internalError` with the code `storage_unavailable` when the disk is full or read-only.
    func save(_ records: [AccountRecord]) async throws(GatewayError)
    /// Durable within a second; several about the same account become one (B-7). Never fails: what cannot be written
    /// now is written when the disk takes it.
    func note(_ memories: [AccountMemory])
    func delete(provider: String, accountID: String) async throws(GatewayError)
}

/// Keeps client keys. A key itself is never stored, only its digest.
public protocol KeyStore: Sendable {
    func keys() async throws(GatewayError) -> [StoredKey]
    func save(_ key: StoredKey) async throws(GatewayError)
    func delete(keyID: String) async throws(GatewayError)
    /// Durable within a second.
    func noteUse(of keyID: String, at: WallTime)
}

public struct StoredKey: Sendable, Equatable {
    public var id: String
    public var name: String
    /// The first 8 characters behind `plx_`, to recognise it by.
    public var prefix: String
    /// SHA-256 of the whole key, 32 bytes.
    public var digest: [UInt8]
    /// Patterns as in settings: `*`, `gemini-2.5-*`, a name.
    public var models: [String]
    /// As under `limits:` of a key in settings; `nil` for none.
    public var limits: JSON?
    /// May ask with `x-pollux-explain: 1` how its requests were routed.
    public var mayExplain: Bool
    public var createdAt: WallTime
    public var expiresAt: WallTime?
    public var lastUsedAt: WallTime?
    /// Kept for its usage; it opens nothing any more.
    public var revokedAt: WallTime?

    public init(
        id: String, name: String, prefix: String, digest: [UInt8], models: [String] = ["*"], limits: JSON? = nil,
        mayExplain: Bool = false, createdAt: WallTime, expiresAt: WallTime? = nil, lastUsedAt: WallTime? = nil,
        revokedAt: WallTime? = nil
    ) {
        (self.id, self.name, self.prefix, self.digest, self.models) = (id, name, prefix, digest, models)
        (self.limits, self.mayExplain, self.createdAt) = (limits, mayExplain, createdAt)
        (self.expiresAt, self.lastUsedAt, self.revokedAt) = (expiresAt, lastUsedAt, revokedAt)
    }
}

/// Remembers which account had which conversation (`Affinity`), and the secret under which names are hashed.
public protocol ConversationStore: Sendable {
    func hashKey() async throws(GatewayError) -> (UInt64, UInt64)
    func conversations(limit: Int) async throws(GatewayError) -> [StoredConversation]
    /// Durable within a second.
    func note(_ conversations: [StoredConversation])
}

public struct StoredConversation: Sendable, Equatable {
    /// The hash under which it is looked up, 16 bytes.
    public var name: [UInt8]
    public var provider: String
    public var accountID: String
    public var lastUsedAt: WallTime

    public init(name: [UInt8], provider: String, accountID: String, lastUsedAt: WallTime) {
        (self.name, self.provider, self.accountID, self.lastUsedAt) = (name, provider, accountID, lastUsedAt)
    }
}
