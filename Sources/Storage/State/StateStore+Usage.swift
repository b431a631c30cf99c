public import PolluxCore
import PolluxSQLite
import Synchronization

extension StateStore {
    public func note(_ requests: RequestBatch) { entries.withLock { $0.note(requests) } }

    public func note(_ transitions: [AccountTransition]) { entries.withLock { $0.note(transitions) } }

    public func usage(_ query: UsageQuery) async throws(GatewayError) -> [UsageRow] {
        let (statement, values) = query.statement()
        return try await log.read { connection throws(SQLiteError) in
            try connection.rows(statement, values) { UsageRow($0) }
        }
    }

    public func requests(_ query: RequestQuery) async throws(GatewayError) -> [RequestRecord] {
        let (statement, values) = query.statement()
        return try await log.read { connection throws(SQLiteError) in
            try connection.rows(statement, values) { RequestRecord($0) }
        }
    }

    public func transitions(
        provider: String?, accountID: String?, limit: Int
    ) async throws(GatewayError) -> [AccountTransition] {
        var (conditions, values): ([SQL], [SQLiteValue]) = (["TRUE"], [])
        for (condition, value) in [("provider = ?", provider), ("account = ?", accountID)] as [(SQL, String?)] {
            guard let value else { continue }
            conditions.append(condition)
            values.append(.text(value))
        }
        values.append(.integer(min(max(limit, 0), 1000)))
        let head: SQL = "SELECT at, provider, account, class, from_state, to_state, until, evidence FROM transitions"
        let sql = head + " WHERE " + SQL.joined(conditions, by: " AND ") + " ORDER BY number DESC LIMIT ?"
        return try await log.read { [values] connection throws(SQLiteError) in
            try connection.rows(sql, values) { AccountTransition($0) }.compactMap(\.self)
        }
    }

    public func purge(_ retention: Retention, now: WallTime) async {
        let (old, oldUsage) = (now.before(retention.requests), now.before(retention.usage))
        await purge(
            log, "DELETE FROM requests WHERE number IN (SELECT number FROM requests WHERE started_at < ? LIMIT 1000)",
            old)
        await purge(
            log, "DELETE FROM transitions WHERE number IN (SELECT number FROM transitions WHERE at < ? LIMIT 1000)", old
        )
        await purge(
            log,
            """
            DELETE FROM usage WHERE (hour, key_id, model, provider, account) IN
              (SELECT hour, key_id, model, provider, account FROM usage WHERE hour < ? LIMIT 1000)
            """, oldUsage)
        await purge(
            state,
            """
            DELETE FROM accounts WHERE (provider, account) IN
              (SELECT provider, account FROM accounts WHERE gone_since < ? LIMIT 1000)
            """, now.before(retention.goneAccounts))
        await purge(
            state,
            """
            DELETE FROM conversations WHERE name IN
              (SELECT name FROM conversations WHERE last_used_at < ? LIMIT 1000)
            """, now.before(retention.conversations))
        await purge(
            state, "DELETE FROM audit WHERE number IN (SELECT number FROM audit WHERE at < ? LIMIT 1000)",
            now.before(retention.audit))
    }

    /// A thousand rows at a time, so that others come in between. What fails now is tried in an hour.
    private func purge(_ database: DatabaseThread, _ sql: SQL, _ time: WallTime) async {
        var count = 1000
        while count >= 1000 {
            let deleted = try? await database.write { connection throws(SQLiteError) -> Int in
                try connection.run(sql, [.integer(time.microseconds)])
                return connection.changes
            }
            count = deleted ?? 0
        }
    }
}

extension WallTime {
    func before(_ duration: Duration) -> WallTime { self + (.zero - duration) }
}

extension RequestQuery {
    fileprivate func statement() -> (SQL, [SQLiteValue]) {
        var (conditions, values): ([SQL], [SQLiteValue]) = (["TRUE"], [])
        func add(_ condition: SQL, _ value: SQLiteValue) {
            conditions.append(condition)
            values.append(value)
        }
        if let from { add("started_at >= ?", .integer(from.microseconds)) }
        if let to { add("started_at < ?", .integer(to.microseconds)) }
        if let keyID { add("key_id = ?", .text(keyID)) }
        if let model { add("model = ?", .text(model)) }
        if let accountID { add("account = ?", .text(accountID)) }
        if onlyErrors { conditions.append("status >= 400") }
        if let before { add("number < (SELECT min(number) FROM requests WHERE request_id = ?)", .text(before)) }
        values.append(.integer(min(max(limit, 0), 1000)))
        let head: SQL = """
            SELECT request_id, started_at, key_id, model, provider, account, attempts, status, error, is_streamed,
              input_tokens, output_tokens, cached_tokens, total, first_byte, overhead FROM requests WHERE 
            """
        return (head + SQL.joined(conditions, by: " AND ") + " ORDER BY number DESC LIMIT ?", values)
    }
}

extension RequestRecord {
    fileprivate init(_ row: SQLiteRow) {
        self.init(
            requestID: row.text(0), startedAt: row.time(1), keyID: row.text(2), model: row.text(3),
            provider: row.text(4), accountID: row.text(5), attempts: row.int(6), status: row.int(7),
            error: row.optionalText(8).flatMap(GatewayError.Kind.init(rawValue:)), isStreamed: row.flag(9),
            inputTokens: row.int(10), outputTokens: row.int(11), cachedTokens: row.int(12),
            total: .microseconds(row.integer(13)), firstByte: row.optionalInteger(14).map { .microseconds($0) },
            overhead: row.optionalInteger(15).map { .microseconds($0) })
    }
}

extension AccountTransition {
    /// `nil` for words of another version.
    fileprivate init?(_ row: SQLiteRow) {
        guard let from = AccountState(rawValue: row.text(4)), let to = AccountState(rawValue: row.text(5)),
            let facts = JSON.stored(row.text(7)), let evidence = Evidence(stored: facts)
        else { return nil }
        self.init(
            provider: row.text(1), accountID: row.text(2),
            quotaClass: row.optionalText(3).flatMap(QuotaClass.init(rawValue:)), from: from, to: to,
            until: row.optionalTime(6), at: row.time(0), evidence: evidence, model: facts["model"]?.string ?? "")
    }
}
