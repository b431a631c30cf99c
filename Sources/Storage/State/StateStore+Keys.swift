public import PolluxCore
import PolluxSQLite
import Synchronization

extension StateStore {
    public func keys() async throws(GatewayError) -> [StoredKey] {
        try await state.read { connection throws(SQLiteError) in
            try connection.rows(
                """
                SELECT id, name, prefix, digest, models, limits, may_explain, created_at, expires_at, last_used_at,
                  revoked_at FROM keys ORDER BY created_at, id
                """
            ) { row in
                StoredKey(
                    id: row.text(0), name: row.text(1), prefix: row.text(2), digest: row.bytes(3),
                    models: JSON.stored(row.text(4))?.array?.compactMap(\.string) ?? [],
                    limits: row.optionalText(5).flatMap(JSON.stored), mayExplain: row.flag(6),
                    createdAt: WallTime(microseconds: row.integer(7)), expiresAt: row.optionalTime(8),
                    lastUsedAt: row.optionalTime(9), revokedAt: row.optionalTime(10))
            }
        }
    }

    public func save(_ key: StoredKey) async throws(GatewayError) {
        let models = JSON.array(key.models.map(JSON.string)).text
        let values: [SQLiteValue] = [
            .text(key.id), .text(key.name), .text(key.prefix), .blob(key.digest), .text(models),
            .optional(key.limits?.text), .flag(key.mayExplain), .integer(key.createdAt.microseconds),
            .optional(key.expiresAt?.microseconds), .optional(key.lastUsedAt?.microseconds),
            .optional(key.revokedAt?.microseconds),
        ]
        try await save { connection throws(SQLiteError) in
            try connection.run(
                """
                INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (id) DO UPDATE SET name = excluded.name, prefix = excluded.prefix,
                  digest = excluded.digest, models = excluded.models, limits = excluded.limits,
                  may_explain = excluded.may_explain, created_at = excluded.created_at,
                  expires_at = excluded.expires_at, revoked_at = excluded.revoked_at,
                  last_used_at = max(
                    coalesce(last_used_at, excluded.last_used_at), coalesce(excluded.last_used_at, last_used_at))
                """, values)
        }
    }

    public func delete(keyID: String) async throws(GatewayError) {
        notes.withLock { $0.keyUses[keyID] = nil }
        try await save { connection throws(SQLiteError) in
            try connection.run("DELETE FROM keys WHERE id = ?", [.text(keyID)])
        }
    }

    public func noteUse(of keyID: String, at time: WallTime) { notes.withLock { $0.note(useOf: keyID, at: time) } }
}

extension JSON {
    /// What the store has written itself; `nil` for what is none.
    static func stored(_ text: String) -> JSON? { try? parse(Array(text.utf8), .upstream) }
}

extension SQLiteRow {
    func time(_ column: Int32) -> WallTime { WallTime(microseconds: integer(column)) }
    func optionalTime(_ column: Int32) -> WallTime? { optionalInteger(column).map { WallTime(microseconds: $0) } }
}
