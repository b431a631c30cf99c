internal import CSQLite

/// What SQLite says went wrong. Its message names tables and columns, never values.
public struct SQLiteError: Error, Sendable, Equatable, CustomStringConvertible {
    /// SQLite's extended result code.
    public let code: Int32
    public let message: String

    public init(code: Int32, message: String) { (self.code, self.message) = (code, message) }

    public var description: String { "\(message) (SQLite code \(code))" }

    private var primary: Int32 { code & 0xFF }

    /// The disk takes nothing: full, read-only, broken, or the file cannot be opened. Trying later may help.
    public var isAboutTheDisk: Bool {
        [SQLITE_FULL, SQLITE_READONLY, SQLITE_IOERR, SQLITE_CANTOPEN, SQLITE_PERM, SQLITE_BUSY, SQLITE_NOMEM]
            .contains(primary)
    }

    /// The file is damaged, or no database.
    public var isDamage: Bool { primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB }

    /// A rule of the schema was broken: a key that exists already, a missing parent.
    public var isConstraint: Bool { primary == SQLITE_CONSTRAINT }
}
