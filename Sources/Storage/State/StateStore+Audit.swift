public import PolluxCore
import PolluxSQLite

extension StateStore {
    @discardableResult
    public func append(_ entry: AuditEntry) async throws(GatewayError) -> Int64 {
        let values: [SQLiteValue] = [
            .integer(entry.at.microseconds), .text(entry.actor), .text(entry.address), .text(entry.action),
            .text(entry.target), .text(entry.detail),
        ]
        return try await save { connection throws(SQLiteError) in
            let number = try connection.first(
                """
                INSERT INTO audit (at, actor, address, action, target, detail) VALUES (?, ?, ?, ?, ?, ?)
                RETURNING number
                """, values
            ) { $0.integer(0) }
            return number ?? 0
        }
    }

    public func complete(_ number: Int64, target: String, detail: String) async throws(GatewayError) {
        let values: [SQLiteValue] = [.text(target), .text(detail), .integer(number)]
        try await save { connection throws(SQLiteError) in
            try connection.run("UPDATE audit SET target = ?, detail = ? WHERE number = ?", values)
        }
    }

    public func withdraw(_ number: Int64) async throws(GatewayError) {
        try await save { connection throws(SQLiteError) in
            try connection.run("DELETE FROM audit WHERE number = ?", [.integer(number)])
        }
    }

    public func audit(limit: Int, before: Int64?) async throws(GatewayError) -> [AuditEntry] {
        let values: [SQLiteValue] = [.integer(before ?? .max), .integer(min(max(limit, 0), 1000))]
        return try await state.read { connection throws(SQLiteError) in
            try connection.rows(
                """
                SELECT number, at, actor, address, action, target, detail FROM audit WHERE number < ?
                ORDER BY number DESC LIMIT ?
                """, values
            ) { row in
                AuditEntry(
                    number: row.integer(0), at: row.time(1), actor: row.text(2), address: row.text(3),
                    action: row.text(4), target: row.text(5), detail: row.text(6))
            }
        }
    }
}

extension StateStore {
    public func settingsPatch() async throws(GatewayError) -> (patch: JSON, version: Int64) {
        let sealer = sealer
        let found = try await state.read { connection throws(SQLiteError) in
            try connection.first("SELECT patch, version FROM settings_patches ORDER BY version DESC LIMIT 1") { row in
                (bytes: row.bytes(0), version: row.integer(1))
            }
        }
        guard let found else { return (.object(JSONObject()), 0) }
        let place = ["settings_patches", String(found.version)]
        guard let text = sealer.open(found.bytes, at: place), let patch = try? JSON.parse(text, .upstream) else {
            throw GatewayError(
                .internalError, .request, "the saved changes of the settings cannot be read; restore a backup",
                code: "storage_damaged")
        }
        return (patch, found.version)
    }

    public func saveSettingsPatch(_ patch: JSON, expecting: Int64) async throws(GatewayError) -> Int64 {
        let (text, sealer) = (patch.bytes(), sealer)
        let (next, overflow) = expecting.addingReportingOverflow(1)
        let isSaved = try await save { connection throws(SQLiteError) in
            let version = try connection.first("SELECT coalesce(max(version), 0) FROM settings_patches") {
                $0.integer(0)
            }
            guard version == expecting, !overflow else { return false }
            let sealed = try sealer.seal(text, at: ["settings_patches", String(next)])
            try connection.run("DELETE FROM settings_patches")
            try connection.run("INSERT INTO settings_patches VALUES (?, ?)", [.integer(next), .blob(sealed)])
            return true
        }
        guard isSaved else { throw .versionConflict }
        return next
    }
}
