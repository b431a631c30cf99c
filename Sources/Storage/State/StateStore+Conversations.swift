public import PolluxCore
import PolluxCrypto
import PolluxSQLite
import Synchronization

extension StateStore {
    public func hashKey() async throws(GatewayError) -> (UInt64, UInt64) {
        let sealer = sealer
        let place = ["facts", "hash_key"]
        let bytes = try await save { connection throws(SQLiteError) -> [UInt8] in
            let stored = try connection.first("SELECT value FROM facts WHERE name = 'hash_key'") { $0.bytes(0) }
            if let stored, let known = sealer.open(stored, at: place), known.count == 16 { return known }
            guard let fresh = try? SecureRandom.bytes(16) else {
                throw SQLiteError(code: 1, message: "the system has no random bytes")
            }
            let sealed = try sealer.seal(fresh, at: place)
            try connection.run("INSERT OR REPLACE INTO facts VALUES ('hash_key', ?)", [.blob(sealed)])
            return fresh
        }
        let words = [bytes.prefix(8), bytes.suffix(8)].map { $0.reduce(UInt64(0)) { $0 << 8 | UInt64($1) } }
        return (words[0], words[1])
    }

    public func conversations(limit: Int) async throws(GatewayError) -> [StoredConversation] {
        try await state.read { connection throws(SQLiteError) in
            try connection.rows(
                "SELECT name, provider, account, last_used_at FROM conversations ORDER BY last_used_at DESC LIMIT ?",
                [.integer(max(limit, 0))]
            ) { row in
                StoredConversation(
                    name: row.bytes(0), provider: row.text(1), accountID: row.text(2), lastUsedAt: row.time(3))
            }
        }
    }

    public func note(_ conversations: [StoredConversation]) { notes.withLock { $0.note(conversations) } }
}

/// One account of one provider.
struct AccountPlace: Sendable, Hashable {
    var provider: String
    var accountID: String
}

/// What was noted and not written yet: of each thing the latest word.
struct PendingNotes: Sendable {
    var memories: [AccountPlace: AccountMemory] = [:]
    var keyUses: [String: WallTime] = [:]
    private var conversations: [[UInt8]: StoredConversation] = [:]

    /// While the disk takes nothing, further conversations are forgotten: they are a preference only.
    private static let maxConversations = 100_000

    var isEmpty: Bool { memories.isEmpty && keyUses.isEmpty && conversations.isEmpty }

    mutating func note(_ memories: [AccountMemory]) {
        for memory in memories {
            self.memories[AccountPlace(provider: memory.provider, accountID: memory.accountID)] = memory
        }
    }

    mutating func note(useOf keyID: String, at time: WallTime) {
        keyUses[keyID] = max(keyUses[keyID] ?? time, time)
    }

    mutating func note(_ conversations: [StoredConversation]) {
        for conversation in conversations {
            guard self.conversations.count < Self.maxConversations || self.conversations[conversation.name] != nil
            else { continue }
            self.conversations[conversation.name] = conversation
        }
    }

    mutating func take() -> PendingNotes {
        defer { self = PendingNotes() }
        return self
    }

    /// What could not be written comes back; what was noted meanwhile is newer.
    mutating func putBack(_ older: PendingNotes) {
        memories.merge(older.memories) { newer, _ in newer }
        keyUses.merge(older.keyUses) { max($0, $1) }
        let newer = conversations
        conversations = older.conversations
        note(Array(newer.values))
    }

    func write(to connection: SQLiteConnection) throws(SQLiteError) {
        for memory in memories.values {
            try connection.run(
                "UPDATE accounts SET memory = ? WHERE provider = ? AND account = ?",
                [.text(memory.body.text), .text(memory.provider), .text(memory.accountID)])
        }
        for (keyID, time) in keyUses {
            try connection.run(
                "UPDATE keys SET last_used_at = max(coalesce(last_used_at, ?1), ?1) WHERE id = ?2",
                [.integer(time.microseconds), .text(keyID)])
        }
        for conversation in conversations.values {
            try connection.run(
                "INSERT OR REPLACE INTO conversations VALUES (?, ?, ?, ?)",
                [
                    .blob(conversation.name), .text(conversation.provider), .text(conversation.accountID),
                    .integer(conversation.lastUsedAt.microseconds),
                ])
        }
    }
}
