import Glibc
import PolluxCore
import PolluxSQLite
import PolluxStorage
import PolluxTesting
import Testing

@Suite("Backup and restore")
struct StateBackupTests {
    private static let start = WallTime(seconds: 1_767_225_600)
    private let folder: TemporaryFolder
    private let elsewhere: TemporaryFolder

    init() throws { (folder, elsewhere) = (try TemporaryFolder(), try TemporaryFolder()) }

    private func open() throws -> StateStore {
        try StateStore(.init(folder: folder.path), time: ManualTime(), log: .silent)
    }

    private func save(_ id: String, in store: StateStore) async throws {
        try await store.save(
            StoredKey(id: id, name: id, prefix: "", digest: Array(id.utf8), createdAt: Self.start))
    }

    private func ids() async throws -> [String] {
        let store = try open()
        let ids = try await store.keys().map(\.id)
        await store.close()
        return ids
    }

    private func sentence(_ body: () throws -> Void) -> String {
        do {
            try body()
            return ""
        } catch { return (error as? GatewayError)?.message ?? "\(error)" }
    }

    private func restore(_ name: String, stamp: String = "T") throws -> [String] {
        try StateBackup.restore(elsewhere.path + name, to: folder.path, stamp: stamp).setAside
    }

    @Test("a copy of a store that is in use, put back, is the state of that moment; what was there is kept")
    func roundTrip() async throws {
        let store = try open()
        try await save("before", in: store)
        store.note([RequestRecord(requestID: "r", startedAt: Self.start, status: 200)])
        await store.flush()
        let copies = try StateBackup.write(from: folder.path, to: elsewhere.path + "/new/")
        #expect(copies.map(\.path) == ["pollux.db", "log.db"].map { elsewhere.path + "/new/" + $0 })
        #expect(copies.allSatisfy { $0.bytes > 4096 })
        try await save("after", in: store)
        await store.close()
        let aside = try restore("/new/")
        #expect(aside == ["pollux.db", "log.db"].map { "\(folder.path)/\($0).before-restore-T" })
        #expect(try await ids() == ["before"])
        let kept = try SQLiteConnection(aside[0], .readOnly)
        #expect(try kept.rows("SELECT id FROM keys ORDER BY id") { $0.text(0) } == ["after", "before"])
    }

    @Test("a backup in one file leaves the log as it is")
    func oneFile() async throws {
        let store = try open()
        try await save("a", in: store)
        _ = try StateBackup.write(from: folder.path, to: elsewhere.path + "/copy.db")
        store.note([RequestRecord(requestID: "r", startedAt: Self.start, status: 200)])
        await store.close()
        #expect(try restore("/copy.db").count == 1)
        let again = try open()
        #expect(try await again.requests(RequestQuery()).map(\.requestID) == ["r"])
        await again.close()
    }

    @Test("a damaged database is kept as corrupt, with its journal, and the backup takes its place")
    func damaged() async throws {
        let store = try open()
        try await save("a", in: store)
        _ = try StateBackup.write(from: folder.path, to: elsewhere.path + "/copy.db")
        await store.close()
        try folder.overwrite("pollux.db", at: 0, with: [UInt8](repeating: 0xAB, count: 8192))
        _ = try folder.write("a journal", to: "pollux.db-wal")
        let damage = try folder.read("pollux.db")
        let refused = sentence { _ = try StateBackup.write(from: folder.path, to: elsewhere.path + "/no.db") }
        #expect(refused.contains("damaged"))
        #expect(access(elsewhere.path + "/no.db", F_OK) != 0)
        let aside = try restore("/copy.db")
        #expect(aside == [folder.path + "/pollux.db.corrupt-T"])
        #expect(try folder.read("pollux.db.corrupt-T") == damage)
        #expect(try await ids() == ["a"])
    }

    @Test("what is no backup changes nothing: a text, a damaged copy, a newer one, another database")
    func noBackup() async throws {
        let store = try open()
        try await save("a", in: store)
        await store.close()
        _ = try StateBackup.write(from: folder.path, to: elsewhere.path + "/damaged.db")
        try elsewhere.overwrite("damaged.db", at: 4096 * 2, with: [UInt8](repeating: 0xAB, count: 8192))
        _ = try StateBackup.write(from: folder.path, to: elsewhere.path + "/newer.db")
        let newer = try SQLiteConnection(elsewhere.path + "/newer.db")
        try newer.setUserVersion(99)
        newer.close()
        let other = try SQLiteConnection(elsewhere.path + "/other.db")
        try other.run("CREATE TABLE t (a INTEGER) STRICT")
        other.close()
        _ = try elsewhere.write("no database at all, but a text that is long enough", to: "text")
        for name in ["/damaged.db", "/newer.db", "/other.db", "/text"] {
            let sentence = sentence { _ = try restore(name) }
            #expect(sentence.contains("nothing was changed"), "\(name): \(sentence)")
        }
        #expect(sentence { _ = try restore("/missing") }.contains("there is no backup"))
        #expect(try await ids() == ["a"])
    }

    @Test("nothing is overwritten")
    func taken() async throws {
        await (try open()).close()
        _ = try elsewhere.write("mine", to: "pollux.db")
        for target in [elsewhere.path, elsewhere.path + "/pollux.db"] {
            let sentence = sentence { _ = try StateBackup.write(from: folder.path, to: target) }
            #expect(sentence.contains("is there already"))
        }
        #expect(try elsewhere.read("pollux.db") == Array("mine".utf8))
        let empty = sentence { _ = try StateBackup.write(from: elsewhere.path + "/none", to: elsewhere.path + "/x") }
        #expect(empty.contains("there is no state"))
    }
}
