internal import CSQLite

/// One open database. Not for two threads at a time: whoever holds it sees to that.
public final class SQLiteConnection {
    public enum Access: Sendable { case readWrite, readOnly }

    public let path: String
    private var handle: OpaquePointer?
    /// Prepared once each; there are as many as the program has literals.
    private var statements: [SQL: OpaquePointer] = [:]

    /// - Parameter busyTimeout: How long it waits for another process that writes.
    public init(_ path: String, _ access: Access = .readWrite, busyTimeout: Int32 = 5000) throws(SQLiteError) {
        self.path = path
        let flags = access == .readOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
        let code = sqlite3_open_v2(path, &handle, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nil)
        guard code == SQLITE_OK else {
            let error = Self.error(code, of: handle)
            sqlite3_close_v2(handle)
            handle = nil
            throw error
        }
        sqlite3_busy_timeout(handle, busyTimeout)
    }

    deinit { close() }

    /// Ends all statements and closes the file. What is called later fails.
    public func close() {
        for statement in statements.values { sqlite3_finalize(statement) }
        statements = [:]
        sqlite3_close_v2(handle)
        handle = nil
    }

    // MARK: Statements

    /// Runs a statement that returns nothing of interest.
    public func run(_ sql: SQL, _ values: [SQLiteValue] = []) throws(SQLiteError) {
        _ = try rows(sql, values) { _ in }
    }

    /// Runs a statement and makes a value of each row.
    public func rows<Value>(
        _ sql: SQL, _ values: [SQLiteValue] = [], _ read: (SQLiteRow) -> Value
    ) throws(SQLiteError) -> [Value] {
        let statement = try prepare(sql)
        return try Self.withMemory(for: values) { memory throws(SQLiteError) in
            // The statement lets go of the memory before it ends.
            defer {
                sqlite3_reset(statement)
                sqlite3_clear_bindings(statement)
            }
            try bind(values, in: memory, to: statement)
            var found: [Value] = []
            while true {
                switch sqlite3_step(statement) {
                case SQLITE_ROW: found.append(read(SQLiteRow(statement: statement)))
                case SQLITE_DONE: return found
                case let code: throw error(code)
                }
            }
        }
    }

    /// Inserts many rows, several with each statement, which takes a fifth off the cost of each.
    ///
    /// - Parameters:
    ///   - head: `INSERT INTO table (columns)`.
    ///   - columns: How many those are.
    ///   - values: Appends the values of one row.
    public func insert<Row>(
        _ rows: some Sequence<Row>, _ head: SQL, columns: Int, _ values: (Row, inout [SQLiteValue]) -> Void
    ) throws(SQLiteError) {
        let (one, several) = (head + .rows(1, of: columns), head + .rows(Self.rowsAtOnce, of: columns))
        var bound: [SQLiteValue] = []
        bound.reserveCapacity(Self.rowsAtOnce * columns)
        for row in rows {
            values(row, &bound)
            guard bound.count == Self.rowsAtOnce * columns else { continue }
            try run(several, bound)
            bound.removeAll(keepingCapacity: true)
        }
        for start in stride(from: 0, to: bound.count, by: columns) {
            try run(one, Array(bound[start..<min(start + columns, bound.count)]))
        }
    }

    /// With twice as many a statement costs more again.
    private static let rowsAtOnce = 8

    /// The first row, if there is one.
    public func first<Value>(
        _ sql: SQL, _ values: [SQLiteValue] = [], _ read: (SQLiteRow) -> Value
    ) throws(SQLiteError) -> Value? {
        try rows(sql, values, read).first
    }

    /// How many rows the last statement has changed.
    public var changes: Int { handle == nil ? 0 : Int(sqlite3_changes64(handle)) }
    /// The number that the last inserted row was given.
    public var lastRowID: Int64 { handle == nil ? 0 : sqlite3_last_insert_rowid(handle) }

    private func prepare(_ sql: SQL) throws(SQLiteError) -> OpaquePointer? {
        if let known = statements[sql] { return known }
        guard handle != nil else { throw SQLiteError(code: SQLITE_MISUSE, message: "the database is closed") }
        var statement: OpaquePointer?
        let code = sqlite3_prepare_v3(
            handle, sql.text, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
        guard code == SQLITE_OK, let statement else { throw error(code) }
        statements[sql] = statement
        return statement
    }

    /// - Parameter memory: For texts and blobs, as many bytes as they have. It must outlive the bindings.
    private func bind(
        _ values: [SQLiteValue], in memory: UnsafeMutableRawBufferPointer, to statement: OpaquePointer?
    ) throws(SQLiteError) {
        guard values.count == Int(sqlite3_bind_parameter_count(statement)) else {
            throw SQLiteError(
                code: SQLITE_RANGE, message: "a statement got \(values.count) values, not as many as it names")
        }
        var rest = memory[...]
        for (index, value) in values.enumerated() {
            let place = Int32(truncatingIfNeeded: index + 1)
            let code =
                switch value {
                case .null: sqlite3_bind_null(statement, place)
                case .integer(let number): sqlite3_bind_int64(statement, place, number)
                case .text(let text): Self.bind(text, in: &rest, to: statement, place)
                case .blob(let bytes): Self.bind(bytes, in: &rest, to: statement, place)
                }
            guard code == SQLITE_OK else { throw error(code) }
        }
    }

    /// One piece of memory for all texts and blobs: otherwise SQLite makes a copy of each by itself.
    private static func withMemory<Value>(
        for values: [SQLiteValue], _ body: (UnsafeMutableRawBufferPointer) throws(SQLiteError) -> Value
    ) throws(SQLiteError) -> Value {
        let size = values.reduce(0) { $0 + $1.size }
        return try withUnsafeTemporaryAllocation(byteCount: size, alignment: 1) { memory in
            Result { () throws(SQLiteError) in try body(memory) }
        }.get()
    }

    private static let nothing: StaticString = ""

    private static func bind(
        _ text: String, in rest: inout Slice<UnsafeMutableRawBufferPointer>, to statement: OpaquePointer?,
        _ place: Int32
    ) -> Int32 {
        var text = text
        let bytes = text.withUTF8 { take(UnsafeRawBufferPointer($0), from: &rest) }
        // Without an address it would be a NULL.
        let start = bytes.baseAddress.map { UnsafeRawPointer($0) } ?? UnsafeRawPointer(nothing.utf8Start)
        return start.withMemoryRebound(to: CChar.self, capacity: bytes.count) {
            sqlite3_bind_text64(statement, place, $0, UInt64(bytes.count), nil, UInt8(SQLITE_UTF8))
        }
    }

    private static func bind(
        _ bytes: [UInt8], in rest: inout Slice<UnsafeMutableRawBufferPointer>, to statement: OpaquePointer?,
        _ place: Int32
    ) -> Int32 {
        guard !bytes.isEmpty else { return sqlite3_bind_zeroblob(statement, place, 0) }
        let copy = bytes.withUnsafeBytes { take($0, from: &rest) }
        return sqlite3_bind_blob64(statement, place, copy.baseAddress, UInt64(copy.count), nil)
    }

    /// Copies bytes to the beginning of what is left of the memory.
    private static func take(
        _ bytes: UnsafeRawBufferPointer, from rest: inout Slice<UnsafeMutableRawBufferPointer>
    ) -> UnsafeMutableRawBufferPointer {
        let copy = UnsafeMutableRawBufferPointer(rebasing: rest.prefix(bytes.count))
        copy.copyMemory(from: bytes)
        rest = rest.dropFirst(bytes.count)
        return copy
    }

    // MARK: Transactions

    public var isInTransaction: Bool { handle != nil && sqlite3_get_autocommit(handle) == 0 }

    /// All of it or nothing. When the body or the commit fails, nothing has happened.
    public func transaction<Value>(_ body: () throws(SQLiteError) -> Value) throws(SQLiteError) -> Value {
        try run("BEGIN IMMEDIATE")
        do {
            let value = try body()
            try run("COMMIT")
            return value
        } catch {
            rollBack()
            throw error
        }
    }

    /// Ends a transaction as if it had not been. Some errors have done so already.
    public func rollBack() {
        guard isInTransaction else { return }
        // Nothing is left to do if this fails as well: the file's journal undoes it at the next opening.
        _ = try? run("ROLLBACK")
    }

    // MARK: The file

    /// The version of the schema, which the file carries.
    public func userVersion() throws(SQLiteError) -> Int32 {
        try first("PRAGMA user_version") { Int32(truncatingIfNeeded: $0.integer(0)) } ?? 0
    }

    public func setUserVersion(_ version: Int32) throws(SQLiteError) {
        // Not kept: each number is a text of its own.
        let sql = SQL.pragma("user_version", version)
        try run(sql)
        forget(sql)
    }

    /// At most so many pages of 4 KiB: a full disk for tests.
    package func setMaxPageCount(_ count: Int32) throws(SQLiteError) {
        let sql = SQL.pragma("max_page_count", count)
        try run(sql)
        forget(sql)
    }

    private func forget(_ sql: SQL) {
        if let statement = statements.removeValue(forKey: sql) { sqlite3_finalize(statement) }
    }

    /// What is wrong with the file's structure; empty when nothing is. Reads all of it.
    public func quickCheck() throws(SQLiteError) -> [String] {
        try rows("PRAGMA quick_check(10)") { $0.text(0) }.filter { $0 != "ok" }
    }

    /// The same, with indexes compared to their tables.
    public func integrityCheck() throws(SQLiteError) -> [String] {
        try rows("PRAGMA integrity_check(10)") { $0.text(0) }.filter { $0 != "ok" }
    }

    /// Copies the whole database into a file that must not hold one yet. Others may write meanwhile; the copy is as
    /// the database stood at one moment.
    public func backUp(to path: String) throws(SQLiteError) {
        let target = try SQLiteConnection(path)
        defer { target.close() }
        guard handle != nil else { throw SQLiteError(code: SQLITE_MISUSE, message: "the database is closed") }
        guard let backup = sqlite3_backup_init(target.handle, "main", handle, "main") else {
            throw target.error(sqlite3_extended_errcode(target.handle))
        }
        // In one step: the pages of a database of ours are few, and steps would begin anew when somebody writes.
        let code = sqlite3_backup_step(backup, -1)
        let end = sqlite3_backup_finish(backup)
        guard code == SQLITE_DONE else { throw target.error(code) }
        guard end == SQLITE_OK else { throw target.error(end) }
        // A copy is one file: it needs no journal beside it until somebody writes to it.
        try target.run("PRAGMA journal_mode = DELETE")
    }

    private func error(_ code: Int32) -> SQLiteError { Self.error(code, of: handle) }

    private static func error(_ code: Int32, of handle: OpaquePointer?) -> SQLiteError {
        let text = handle.flatMap { sqlite3_errmsg($0) } ?? sqlite3_errstr(code)
        return SQLiteError(code: code, message: text.map { String(cString: $0) } ?? "unknown error")
    }
}

/// The row at hand; only within the closure that reads it.
public struct SQLiteRow {
    let statement: OpaquePointer?

    public func isNull(_ column: Int32) -> Bool { sqlite3_column_type(statement, column) == SQLITE_NULL }
    public func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(statement, column) }
    public func int(_ column: Int32) -> Int { Int(truncatingIfNeeded: integer(column)) }
    public func flag(_ column: Int32) -> Bool { integer(column) != 0 }
    public func text(_ column: Int32) -> String { String(decoding: bytes(column), as: UTF8.self) }

    public func bytes(_ column: Int32) -> [UInt8] {
        // SQLite's order: first the pointer, then the length of what it points to.
        guard let start = sqlite3_column_blob(statement, column) else { return [] }
        let count = Int(sqlite3_column_bytes(statement, column))
        return Array(UnsafeRawBufferPointer(start: start, count: count))
    }

    public func optionalInteger(_ column: Int32) -> Int64? { isNull(column) ? nil : integer(column) }
    public func optionalText(_ column: Int32) -> String? { isNull(column) ? nil : text(column) }
    public func optionalBytes(_ column: Int32) -> [UInt8]? { isNull(column) ? nil : bytes(column) }
}
