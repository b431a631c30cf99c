import Glibc
import PolluxCore
import PolluxSQLite
import PolluxTesting
import Testing

@testable import PolluxStorage

@Suite("The files of the state")
struct StateFilesTests {
    private static let start = WallTime(seconds: 1_767_225_600)
    private let folder: TemporaryFolder
    private let time = ManualTime()
    private let log = RecordedLog()

    init() throws { folder = try TemporaryFolder() }

    private func open(key: [UInt8]? = nil, decrypts: Bool = false, steps: Int = 1) throws -> StateStore {
        var options = StateStore.Options(folder: folder.path, encryptionKey: key, decrypts: decrypts)
        while options.stateSchema.steps.count < steps { options.stateSchema.steps.append(Self.step) }
        return try StateStore(options, time: time, log: Logger(level: .info, sink: log))
    }

    private static let step: [SQL] = ["ALTER TABLE keys ADD COLUMN note TEXT"]

    private func key(_ id: String) -> StoredKey {
        StoredKey(id: id, name: id, prefix: "", digest: Array(id.utf8), createdAt: Self.start)
    }

    private func mode(_ name: String) -> mode_t {
        var info = stat()
        return stat(folder.path + "/" + name, &info) == 0 ? info.st_mode & 0o777 : 0
    }

    private func contains(_ text: String) -> [String] {
        ["pollux.db", "pollux.db-wal"].filter { name in
            let bytes = (try? folder.read(name)) ?? []
            return String(decoding: bytes, as: UTF8.self).contains(text)
        }
    }

    /// What opening says; empty when it opens.
    private func refusal(_ body: () throws -> StateStore) -> String {
        do { return try body().warnings.joined(separator: "\n") } catch {
            return "\((error as? GatewayError)?.message ?? "?")"
        }
    }

    private func count(of event: String) -> Int { log.records.count { $0.event == event } }

    // MARK: Modes and marks

    @Test("all files are for this user alone, whatever the umask")
    func modes() async throws {
        let old = umask(0)
        defer { umask(old) }
        let store = try open()
        try await store.save(key("a"))
        for name in ["pollux.db", "pollux.db-wal", "pollux.db-shm", "log.db", "pollux.running"] {
            #expect(mode(name) == 0o600, "\(name)")
        }
        await store.close()
        #expect(mode("pollux.running") == 0, "a clean end takes the mark away")
    }

    @Test("a file that others can read is mended with a warning; one that everybody may write to is refused")
    func foreignModes() async throws {
        await (try open()).close()
        chmod(folder.path + "/pollux.db", 0o644)
        let store = try open()
        #expect(store.warnings.count == 1)
        #expect(mode("pollux.db") == 0o600)
        await store.close()
        chmod(folder.path + "/log.db", 0o666)
        #expect(refusal { try open() }.contains("chmod 600 \(folder.path)/log.db"))
    }

    // MARK: What cannot be opened

    @Test("a database of a newer version is refused with a sentence, and left as it is")
    func newer() async throws {
        await (try open(steps: 2)).close()
        let sentence = refusal { try open() }
        #expect(sentence.contains("newer version"), "\(sentence)")
        await (try open(steps: 2)).close()
    }

    @Test("an older database is brought up to date, and a copy of it kept")
    func older() async throws {
        let first = try open()
        try await first.save(key("a"))
        await first.close()
        let second = try open(steps: 2)
        #expect(try await second.keys().map(\.id) == ["a"])
        await second.close()
        let copy = try SQLiteConnection(folder.path + "/pollux.db.version-1", .readOnly)
        #expect(try copy.userVersion() == 1)
        #expect(mode("pollux.db.version-1") == 0o600)
        #expect(try copy.rows("SELECT id FROM keys") { $0.text(0) } == ["a"])
    }

    @Test("a migration that fails changes nothing")
    func failingMigration() async throws {
        let first = try open()
        try await first.save(key("a"))
        await first.close()
        var options = StateStore.Options(folder: folder.path)
        options.stateSchema.steps.append(["ALTER TABLE keys ADD COLUMN note TEXT", "CREATE TABLE keys (id TEXT)"])
        #expect(throws: GatewayError.self) { try StateStore(options, time: time, log: .silent) }
        let again = try open()
        #expect(try await again.keys().map(\.id) == ["a"])
        await again.close()
    }

    @Test("a damaged database is refused with the way back, and not touched", arguments: [true, false])
    func damaged(_ isHeadGone: Bool) async throws {
        let store = try open()
        for number in 0..<300 { try await store.append(Self.entry(number)) }
        await store.close()
        // As after a kill.
        _ = try folder.write("", to: "pollux.running")
        let pages = [UInt8](repeating: 0xAB, count: 4096 * (isHeadGone ? 1 : 3))
        try folder.overwrite("pollux.db", at: isHeadGone ? 0 : 4096 * 4, with: pages)
        let before = try folder.read("pollux.db")
        let sentence = refusal { try open() }
        #expect(sentence.contains("damaged") && sentence.contains("pollux restore"), "\(sentence)")
        #expect(try folder.read("pollux.db") == before)
    }

    @Test("after a kill, damage of the log is found while the gateway serves")
    func damagedLog() async throws {
        let store = try open()
        for number in 0..<400 {
            store.note([RequestRecord(requestID: "request \(number)", startedAt: Self.start, status: 200)])
        }
        await store.close()
        try folder.overwrite("log.db", at: 4096 * 8, with: [UInt8](repeating: 0xAB, count: 4096 * 2))
        let calm = try open()
        #expect(await calm.checkLog() == nil, "after a clean end nobody looks")
        await calm.close()
        _ = try folder.write("", to: "pollux.running")
        let store2 = try open()
        #expect(await store2.checkLog() != nil)
        await store2.close()
    }

    private static func entry(_ number: Int) -> AuditEntry {
        AuditEntry(
            at: start, actor: "test", address: "", action: "test", target: "t\(number)",
            detail: String(repeating: "x", count: 200))
    }

    // MARK: A disk that takes nothing

    @Test("a full disk: changes are refused with 507, notes wait, nothing is lost, and the log says it once a minute")
    func full() async throws {
        let store = try open()
        try await store.save(key("a"))
        try await store.state.read { connection throws(SQLiteError) in
            let count = try connection.first("PRAGMA page_count") { $0.integer(0) } ?? 0
            try connection.setMaxPageCount(Int32(count))
        }
        var big = key("big")
        big.name = String(repeating: "x", count: 200_000)
        for _ in 0..<4 {
            let error = await #expect(throws: GatewayError.self) { try await store.save(big) }
            #expect(error?.code == "storage_unavailable")
            #expect(error?.httpStatus == 507)
            time.advance(by: .seconds(25))
        }
        #expect(store.figures == StoreFigures(queued: 0, errors: 4))
        #expect(count(of: "state cannot be saved") == 2, "at once and after 75 s, not after 25 s and 50 s")
        for number in 0..<2000 {
            store.note([
                StoredConversation(
                    name: Array("name \(number)".utf8), provider: "p", accountID: "a", lastUsedAt: Self.start)
            ])
        }
        await store.flush()
        #expect(try await store.keys().map(\.id) == ["a"])
        try await store.state.read { connection throws(SQLiteError) in try connection.setMaxPageCount(100_000) }
        await store.flush()
        #expect(count(of: "state is saved again") == 1)
        #expect(try await store.conversations(limit: 5000).count == 2000)
        try await store.save(big)
        await store.close()
        #expect(try SQLiteConnection(folder.path + "/pollux.db").integrityCheck().isEmpty)
    }

    @Test("what is asked of a closed store fails, and does not hang")
    func closed() async throws {
        let store = try open()
        await store.close()
        await #expect(throws: GatewayError.self) { try await store.save(key("a")) }
        await #expect(throws: GatewayError.self) { _ = try await store.keys() }
    }

    @Test("one change that breaks a rule does not undo those that were written with it")
    func groups() async throws {
        let store = try open()
        try await store.save(key("a"))
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<30 {
                group.addTask {
                    var key = key("k\(number)")
                    // The digest of another key.
                    if number % 3 == 0 { key.digest = Array("a".utf8) }
                    try? await store.save(key)
                }
            }
        }
        #expect(try await store.keys().count == 21)
        await store.close()
    }

    // MARK: Encryption

    private static let secret = "a-very-secret-cookie"

    private func record(_ id: String) -> AccountRecord {
        AccountRecord(
            provider: "web", accountID: id, source: "env",
            fields: ["values.cookie": .init(value: Secret(Self.secret), origin: .rotated)])
    }

    @Test("turned on, encryption hides what was there before and what comes; turned off, all is as it was")
    func encryption() async throws {
        let key = [UInt8](repeating: 7, count: 32)
        let plain = try open()
        try await plain.save([record("a")])
        _ = try await plain.saveSettingsPatch(["key": .string(Self.secret)], expecting: 0)
        let hashKey = try await plain.hashKey()
        await plain.close()
        #expect(contains(Self.secret) == ["pollux.db"])
        let sealed = try open(key: key)
        try await sealed.save([record("b")])
        #expect(try await sealed.accounts() == [record("a"), record("b")])
        #expect(try await sealed.hashKey() == hashKey)
        #expect(contains(Self.secret) == [])
        await sealed.close()
        #expect(contains(Self.secret) == [])
        let opened = try open(key: key, decrypts: true)
        #expect(try await opened.accounts() == [record("a"), record("b")])
        #expect(try await opened.settingsPatch().patch == ["key": .string(Self.secret)])
        await opened.close()
        let after = try open()
        #expect(try await after.accounts().count == 2)
        await after.close()
    }

    @Test("without the key, or with another one, nothing starts and nothing changes")
    func wrongKey() async throws {
        let key = [UInt8](repeating: 7, count: 32)
        let store = try open(key: key)
        try await store.save([record("a")])
        await store.close()
        let missing = refusal { try open() }
        #expect(missing.contains("state.encryption_key"), "\(missing)")
        let wrong = refusal { try open(key: [UInt8](repeating: 8, count: 32)) }
        #expect(wrong.contains("is not the key"), "\(wrong)")
        let again = try open(key: key)
        #expect(try await again.accounts() == [record("a")])
        await again.close()
    }

    @Test("a sealed secret that was moved to another account does not open")
    func moved() async throws {
        let key = [UInt8](repeating: 7, count: 32)
        let store = try open(key: key)
        try await store.save([record("a")])
        await store.close()
        let connection = try SQLiteConnection(folder.path + "/pollux.db")
        try connection.run("UPDATE accounts SET account = 'b'")
        try connection.run("UPDATE account_fields SET account = 'b'")
        connection.close()
        let again = try open(key: key)
        let error = await #expect(throws: GatewayError.self) { _ = try await again.accounts() }
        #expect(error?.code == "storage_damaged")
        await again.close()
    }

    @Test(
        "a key is 32 bytes as hexadecimal digits or Base64, and nothing else",
        arguments: [
            (String(repeating: "0f", count: 32), true), (String(repeating: "0F", count: 32), true),
            ("Dw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8=", true),
            ("Dw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8", true),
            (String(repeating: "0f", count: 31), false), (String(repeating: "+f", count: 32), false), ("", false),
            ("password", false),
        ])
    func keyText(_ text: String, _ isKey: Bool) {
        let bytes = EncryptionKey.bytes(of: Secret(text))
        #expect(bytes == (isKey ? [UInt8](repeating: 0x0F, count: 32) : nil))
    }

    @Test("who writes while the store closes is told whether it was kept, and what was kept is there")
    func closingWhileWriting() async throws {
        for round in 0..<20 {
            let store = try open()
            let kept = await withTaskGroup(of: String?.self) { group in
                for number in 0..<20 {
                    let key = key("r\(round)-\(number)")
                    group.addTask {
                        do { try await store.save(key) } catch { return nil }
                        return key.id
                    }
                }
                group.addTask {
                    await store.close()
                    return nil
                }
                return await group.reduce(into: Set<String>()) { kept, id in if let id { kept.insert(id) } }
            }
            let again = try open()
            let found = Set(try await again.keys().map(\.id))
            #expect(kept.isSubset(of: found), "round \(round)")
            await again.close()
        }
    }
}
