import PolluxSQLite
import PolluxTesting
import Testing

@Suite("A SQLite connection")
struct SQLiteConnectionTests {
    private let folder: TemporaryFolder
    private let connection: SQLiteConnection

    init() throws {
        folder = try TemporaryFolder()
        connection = try SQLiteConnection(folder.path + "/a.db")
        try connection.run("CREATE TABLE t (name TEXT PRIMARY KEY, number INTEGER, bytes BLOB) STRICT")
    }

    private func insert(_ name: String, _ number: Int64? = nil, _ bytes: [UInt8]? = nil) throws(SQLiteError) {
        try connection.run(
            "INSERT INTO t VALUES (?, ?, ?)", [.text(name), .optional(number), .optional(bytes)])
    }

    private var names: [String] {
        get throws { try connection.rows("SELECT name FROM t ORDER BY name") { $0.text(0) } }
    }

    @Test("a closed connection refuses everything, and nothing that is asked of it traps")
    func closed() throws {
        try insert("a")
        connection.close()
        connection.rollBack()
        connection.close()
        #expect(!connection.isInTransaction && connection.changes == 0 && connection.lastRowID == 0)
        #expect(throws: SQLiteError.self) { try insert("b") }
        #expect(throws: SQLiteError.self) { try connection.transaction { () throws(SQLiteError) in try insert("c") } }
        #expect(throws: SQLiteError.self) { try connection.backUp(to: folder.path + "/copy.db") }
    }

    @Test(
        "values come back as they were bound",
        arguments: [
            ("", 0, []), ("plain", 1, [0]), ("Zürich\u{0}\u{1F600}", Int64.max, [0, 255, 0]),
            ("'; DROP TABLE t; --", Int64.min, [39, 0, 34]),
        ] as [(String, Int64, [UInt8])])
    func values(_ name: String, _ number: Int64, _ bytes: [UInt8]) throws {
        try insert(name, number, bytes)
        let found = try connection.rows("SELECT name, number, bytes FROM t WHERE name = ?", [.text(name)]) { row in
            (row.text(0), row.integer(1), row.bytes(2), row.isNull(2))
        }
        #expect(found.count == 1)
        #expect(found.first?.0 == name)
        #expect(found.first?.1 == number)
        #expect(found.first?.2 == bytes)
        #expect(found.first?.3 == false, "no bytes are not the same as nothing")
    }

    @Test(
        "of many rows each is inserted once, in their order, with its own values", arguments: [0, 1, 7, 8, 9, 24, 37])
    func manyRows(count: Int) throws {
        try connection.insert(Array(0..<count), "INSERT INTO t (name, number, bytes)", columns: 3) { row, values in
            let text = row % 3 == 0 ? "\(row)" : "Zürich \(row)"
            values += [.text(text), row % 4 == 0 ? .null : .integer(row), .blob([UInt8](repeating: 7, count: row % 5))]
        }
        let found = try connection.rows("SELECT name, number, bytes FROM t ORDER BY rowid") { row in
            "\(row.text(0)) \(row.optionalInteger(1) ?? -1) \(row.optionalBytes(2)?.count ?? -1)"
        }
        let expected = (0..<count).map { row in
            "\(row % 3 == 0 ? "" : "Zürich ")\(row) \(row % 4 == 0 ? -1 : row) \(row % 5)"
        }
        #expect(found == expected)
    }

    @Test("an empty text among many rows is a text, not nothing")
    func emptyTexts() throws {
        try connection.run("CREATE TABLE texts (text TEXT NOT NULL) STRICT")
        try connection.insert(Array(0..<10), "INSERT INTO texts (text)", columns: 1) { _, values in
            values.append(.text(""))
        }
        #expect(try connection.first("SELECT count(*) FROM texts WHERE text = ''") { $0.int(0) } == 10)
    }

    @Test("nothing is nothing")
    func null() throws {
        try insert("a")
        let found = try connection.first("SELECT number, bytes FROM t") { ($0.optionalInteger(0), $0.optionalBytes(1)) }
        #expect(found?.0 == nil)
        #expect(found?.1 == nil)
    }

    @Test("a statement with too few values, or too many, is refused")
    func valueCount() throws {
        for values in [[], [SQLiteValue.null, .null]] {
            #expect(throws: SQLiteError.self) { try connection.run("DELETE FROM t WHERE name = ?", values) }
        }
    }

    @Test("a prepared statement keeps nothing of its last values")
    func rebinding() throws {
        try insert("a", 1)
        try insert("b", nil)
        let number = try connection.first("SELECT number FROM t WHERE name = 'b'") { $0.optionalInteger(0) }
        #expect(number == .some(nil))
    }

    @Test("a transaction that throws has not happened; the connection goes on")
    func transaction() throws {
        let failure = SQLiteError(code: 1, message: "stop")
        #expect(throws: failure) {
            try connection.transaction { () throws(SQLiteError) in
                try insert("a")
                throw failure
            }
        }
        #expect(!connection.isInTransaction)
        try connection.transaction { () throws(SQLiteError) in try insert("b") }
        #expect(try names == ["b"])
    }

    @Test("a broken rule is told from a broken disk")
    func constraint() throws {
        try insert("a")
        let error = #expect(throws: SQLiteError.self) { try insert("a") }
        #expect(error?.isConstraint == true)
        #expect(error?.isAboutTheDisk == false)
        #expect(error?.description.contains("'a'") == false, "no value is in the message")
    }

    @Test("a full disk is told as one, and what was there stays")
    func full() throws {
        try insert("a")
        try connection.setMaxPageCount(4)
        let error = #expect(throws: SQLiteError.self) {
            try insert("big", nil, [UInt8](repeating: 7, count: 100_000))
        }
        #expect(error?.isAboutTheDisk == true)
        #expect(try names == ["a"])
        try connection.setMaxPageCount(10_000)
        try insert("big", nil, [UInt8](repeating: 7, count: 100_000))
        #expect(try connection.integrityCheck().isEmpty)
    }

    @Test("a file that is no database, and one with a damaged page, are told as damaged")
    func damage() throws {
        let text = try folder.write(String(repeating: "no database ", count: 100), to: "b.db")
        let error = #expect(throws: SQLiteError.self) {
            try SQLiteConnection(text).rows("SELECT * FROM sqlite_schema") { _ in }
        }
        #expect(error?.isDamage == true)
        try connection.transaction { () throws(SQLiteError) in
            for number in 0..<2000 { try insert("name \(number)", Int64(number)) }
        }
        connection.close()
        try folder.overwrite("a.db", at: 4096, with: [UInt8](repeating: 0xAB, count: 4096 * 3))
        let damaged = try SQLiteConnection(folder.path + "/a.db")
        let faults = (try? damaged.quickCheck()) ?? ["it cannot even be checked"]
        #expect(!faults.isEmpty)
    }

    @Test("a copy is the database as it stood at one moment, though others write")
    func backup() throws {
        try connection.run("PRAGMA journal_mode = WAL")
        try connection.transaction { () throws(SQLiteError) in
            for number in 0..<500 { try insert("name \(number)", Int64(number)) }
        }
        let other = try SQLiteConnection(folder.path + "/a.db")
        try other.run("DELETE FROM t WHERE number >= 100")
        try connection.backUp(to: folder.path + "/copy.db")
        try other.run("DELETE FROM t")
        let copy = try SQLiteConnection(folder.path + "/copy.db", .readOnly)
        let count = try copy.first("SELECT count(*) FROM t") { $0.int(0) }
        #expect(count == 100)
        #expect(try copy.integrityCheck().isEmpty)
    }

    @Test("the schema's version is kept in the file")
    func version() throws {
        try connection.setUserVersion(7)
        connection.close()
        #expect(try SQLiteConnection(folder.path + "/a.db").userVersion() == 7)
        #expect(throws: SQLiteError.self, "a closed connection answers, but with an error") {
            try connection.run("DELETE FROM t")
        }
    }
}
