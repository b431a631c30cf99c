import Glibc
import PolluxCore
package import PolluxSQLite

/// Opens a database of the gateway's and brings its tables up to date, or says why not and what to do. Never changes a
/// file that it does not understand.
struct DatabaseOpening {
    let path: String
    let schema: Schema
    /// Survives a power cut, not only the end of the process (D-1).
    let isFullyDurable: Bool

    /// - Parameter mustCheck: Reads the whole file for damage first.
    func open(mustCheck: Bool) throws(GatewayError) -> SQLiteConnection {
        try StateFiles.make(path)
        do throws(SQLiteError) {
            let connection = try SQLiteConnection(path)
            try connection.run("PRAGMA trusted_schema = OFF")
            try connection.run("PRAGMA cell_size_check = ON")
            try checkVersion(try connection.userVersion())
            try connection.run("PRAGMA journal_mode = WAL")
            try connection.run(isFullyDurable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL")
            try connection.run("PRAGMA foreign_keys = ON")
            try connection.run("PRAGMA secure_delete = ON")
            // A log that a burst has made long does not stay so.
            try connection.run("PRAGMA journal_size_limit = 16777216")
            if mustCheck, let fault = try connection.quickCheck().first { throw damage(fault) }
            try migrate(connection)
            return connection
        } catch { throw sentence(error) }
    }

    private func checkVersion(_ version: Int32) throws(SQLiteError) {
        guard version > schema.version else { return }
        throw SQLiteError(
            code: Self.refused,
            message: "\(path) was written by a newer version of the gateway (its tables are of version \(version),"
                + " this one knows up to \(schema.version)); run that version, or restore an older backup")
    }

    private func migrate(_ connection: SQLiteConnection) throws(SQLiteError) {
        let version = try connection.userVersion()
        guard version < schema.version else { return }
        if version > 0 { try keepCopy(connection, of: version) }
        let steps = schema.steps.dropFirst(Int(version))
        try connection.transaction { () throws(SQLiteError) in
            for step in steps { for sql in step { try connection.run(sql) } }
            try connection.setUserVersion(schema.version)
        }
    }

    /// The way back, should the new tables turn out to be wrong.
    private func keepCopy(_ connection: SQLiteConnection, of version: Int32) throws(SQLiteError) {
        let copy = "\(path).version-\(version)"
        let unfinished = copy + ".tmp"
        unlink(unfinished)
        let maker = DatabaseCopy(from: connection)
        try maker.write(to: unfinished)
        guard rename(unfinished, copy) == 0 else {
            throw SQLiteError(code: Self.refused, message: "\(copy) cannot be written; make room and start again")
        }
        StateFiles.synchronize(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]))
    }

    // MARK: Sentences

    /// No code of SQLite's: the message is a sentence already.
    private static let refused: Int32 = -1

    private func damage(_ fault: String) -> SQLiteError { SQLiteError(code: 11, message: fault) }

    private func sentence(_ error: SQLiteError) -> GatewayError {
        if error.code == Self.refused { return GatewayError(.internalError, .request, error.message) }
        guard error.isDamage else {
            return GatewayError(.internalError, .request, "\(path) cannot be opened: \(error)", detail: "\(error)")
        }
        return GatewayError(
            .internalError, .request,
            "\(path) is damaged (\(error.message)) and was left as it is; 'pollux restore BACKUP' puts a backup in its"
                + " place and keeps the damaged file beside it", detail: "\(error)", code: "storage_damaged")
    }
}

/// A copy of a database in one file that is durable when it is there.
package struct DatabaseCopy {
    let connection: SQLiteConnection
    package init(from connection: SQLiteConnection) { self.connection = connection }

    /// - Parameter path: Where no file is yet.
    package func write(to path: String) throws(SQLiteError) {
        let made = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard made >= 0 else {
            throw SQLiteError(code: SQLiteError.unavailable, message: "\(path): \(String(cString: strerror(errno)))")
        }
        close(made)
        try connection.backUp(to: path)
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        fsync(descriptor)
        close(descriptor)
    }
}
