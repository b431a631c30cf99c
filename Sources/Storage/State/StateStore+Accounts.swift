public import PolluxCore
import PolluxSQLite
import Synchronization

extension StateStore {
    public func accounts() async throws(GatewayError) -> [AccountRecord] {
        let sealer = sealer
        let (records, fields) = try await state.read { connection throws(SQLiteError) in
            let records = try connection.rows(
                "SELECT provider, account, source, gone_since, memory FROM accounts ORDER BY provider, account"
            ) { row in
                AccountRecord(
                    provider: row.text(0), accountID: row.text(1), source: row.text(2), goneSince: row.optionalTime(3),
                    memory: row.optionalText(4).flatMap(JSON.stored))
            }
            let fields = try connection.rows(
                "SELECT provider, account, name, value, origin, fingerprint FROM account_fields"
            ) { StoredField($0, sealer) }
            return (records, fields)
        }
        if let field = fields.first(where: \.isUnreadable) {
            throw GatewayError(
                .internalError, .request,
                "\(field.name) of the account \"\(field.account)\" cannot be read from pollux.db; restore a backup",
                code: "storage_damaged")
        }
        let byAccount = Dictionary(grouping: fields) { [$0.provider, $0.account] }
        return records.map { record in
            var record = record
            for field in byAccount[[record.provider, record.accountID]] ?? [] {
                record.fields[field.name] = field.field
            }
            return record
        }
    }

    public func save(_ records: [AccountRecord]) async throws(GatewayError) {
        guard !records.isEmpty else { return }
        let sealer = sealer
        try await save { connection throws(SQLiteError) in
            for record in records { try record.write(to: connection, sealer) }
        }
    }

    public func note(_ memories: [AccountMemory]) { notes.withLock { $0.note(memories) } }

    public func delete(provider: String, accountID: String) async throws(GatewayError) {
        notes.withLock { $0.memories[AccountPlace(provider: provider, accountID: accountID)] = nil }
        try await save { connection throws(SQLiteError) in
            try connection.run(
                "DELETE FROM accounts WHERE provider = ? AND account = ?", [.text(provider), .text(accountID)])
        }
    }
}

/// A row of `account_fields`.
private struct StoredField: Sendable {
    let provider: String
    let account: String
    let name: String
    let field: AccountRecord.Field
    /// It was sealed with another key, or damaged.
    let isUnreadable: Bool

    init(_ row: SQLiteRow, _ sealer: Sealer) {
        (provider, account, name) = (row.text(0), row.text(1), row.text(2))
        let place = ["account_fields", provider, account, name]
        let value = row.optionalBytes(3).map { sealer.openSecret($0, at: place) }
        isUnreadable = value == .some(nil)
        field = AccountRecord.Field(
            value: value ?? nil, origin: AccountRecord.Origin(rawValue: row.text(4)) ?? .source,
            sourceFingerprint: row.text(5))
    }
}

extension AccountRecord {
    /// What the pool remembers is noted apart (`note`) and stays.
    fileprivate func write(to connection: SQLiteConnection, _ sealer: Sealer) throws(SQLiteError) {
        let account: [SQLiteValue] = [.text(provider), .text(accountID)]
        try connection.run(
            """
            INSERT INTO accounts VALUES (?, ?, ?, ?, NULL)
            ON CONFLICT DO UPDATE SET source = excluded.source, gone_since = excluded.gone_since
            """, account + [.text(source), .optional(goneSince?.microseconds)])
        try connection.run("DELETE FROM account_fields WHERE provider = ? AND account = ?", account)
        for (name, field) in fields {
            let place = ["account_fields", provider, accountID, name]
            let value: SQLiteValue =
                if let secret = field.value { .blob(try sealer.seal(secret, at: place)) } else { .null }
            try connection.run(
                "INSERT INTO account_fields VALUES (?, ?, ?, ?, ?, ?)",
                account + [.text(name), value, .text(field.origin.rawValue), .text(field.sourceFingerprint)])
        }
    }
}
