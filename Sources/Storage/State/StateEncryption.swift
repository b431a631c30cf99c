import PolluxCore
import PolluxSQLite

/// Brings the file to the encryption that the settings ask for, or says why it cannot (L-9).
///
/// `facts.encryption` holds a known text, sealed: it tells whether the file is encrypted, and with which key.
struct StateEncryption {
    let path: String
    let key: [UInt8]?
    let decrypts: Bool

    private static let place = ["facts", "encryption"]
    private static let knownText = Array("pollux".utf8)

    func prepare(_ connection: SQLiteConnection) throws(GatewayError) -> Sealer {
        do throws(SQLiteError) {
            let mark = try connection.first("SELECT value FROM facts WHERE name = 'encryption'") { $0.bytes(0) }
            let sealer = Sealer(key: key)
            if let mark {
                guard key != nil else { return try refuse(Self.missing(path)) }
                guard sealer.open(mark, at: Self.place) == Self.knownText else { return try refuse(Self.wrong(path)) }
                guard decrypts else { return sealer }
                return try change(connection, from: sealer, to: Sealer(key: nil))
            }
            guard key != nil, !decrypts else { return Sealer(key: nil) }
            return try change(connection, from: Sealer(key: nil), to: sealer)
        } catch {
            throw GatewayError(.internalError, .request, error.code == -1 ? error.message : "\(path): \(error)")
        }
    }

    private func refuse(_ sentence: String) throws(SQLiteError) -> Sealer {
        throw SQLiteError(code: -1, message: sentence)
    }

    private static func missing(_ path: String) -> String {
        "\(path) is encrypted; set state.encryption_key to the key it was encrypted with"
    }

    private static func wrong(_ path: String) -> String {
        "state.encryption_key is not the key that \(path) was encrypted with; set that one, or restore a backup that"
            + " this one opens"
    }

    /// Writes every secret anew, all in one step, and clears what is left of the old ones in the file.
    private func change(
        _ connection: SQLiteConnection, from old: Sealer, to new: Sealer
    ) throws(SQLiteError) -> Sealer {
        try connection.transaction { () throws(SQLiteError) in
            for column in SealedColumn.all { try column.reseal(connection, from: old, to: new, path) }
            try connection.run("DELETE FROM facts WHERE name = 'encryption'")
            if new.isSealing {
                let mark = try new.seal(Self.knownText, at: Self.place)
                try connection.run("INSERT INTO facts VALUES ('encryption', ?)", [.blob(mark)])
            }
        }
        try connection.run("VACUUM")
        try connection.run("PRAGMA wal_checkpoint(TRUNCATE)")
        return new
    }
}

/// A column that holds sealed secrets, and how a record's place in it is called.
struct SealedColumn {
    let select: SQL
    let update: SQL
    /// How many columns name the record, behind the value.
    let keys: Int32
    let table: String

    static let all = [
        SealedColumn(
            select: "SELECT value, provider, account, name FROM account_fields WHERE value IS NOT NULL",
            update: "UPDATE account_fields SET value = ? WHERE provider = ? AND account = ? AND name = ?",
            keys: 3, table: "account_fields"),
        SealedColumn(
            select: "SELECT value, name FROM facts WHERE name <> 'encryption'",
            update: "UPDATE facts SET value = ? WHERE name = ?", keys: 1, table: "facts"),
        SealedColumn(
            select: "SELECT patch, CAST(version AS TEXT) FROM settings_patches",
            update: "UPDATE settings_patches SET patch = ? WHERE version = CAST(? AS INTEGER)", keys: 1,
            table: "settings_patches"),
    ]

    func reseal(
        _ connection: SQLiteConnection, from old: Sealer, to new: Sealer, _ path: String
    ) throws(SQLiteError) {
        let rows = try connection.rows(select) { row in
            (value: row.bytes(0), keys: (1...keys).map { row.text($0) })
        }
        for (value, keys) in rows {
            guard let text = old.open(value, at: [table] + keys) else {
                throw SQLiteError(code: -1, message: "a secret in \(path) cannot be read; restore a backup")
            }
            let sealed = try new.seal(text, at: [table] + keys)
            try connection.run(update, [.blob(sealed)] + keys.map { .text($0) })
        }
    }
}
