import PolluxCore
import PolluxStorage
import PolluxTesting
import Testing

/// What both stores promise: the one in files and the one in memory.
@Suite("Every store of the gateway's state")
struct StateContractTests {
    private static let start = WallTime(seconds: 1_767_225_600)
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    enum Kind: CaseIterable { case files, memory }

    private func store(_ kind: Kind) throws -> any StateStoring {
        switch kind {
        case .files: try StateStore(.init(folder: folder.path), time: ManualTime(), log: .silent)
        case .memory: MemoryStateStore()
        }
    }

    // MARK: Keys

    private func key(_ id: String, _ change: (inout StoredKey) -> Void = { _ in }) -> StoredKey {
        var key = StoredKey(
            id: id, name: "key \(id)", prefix: "abcdefgh", digest: Array(id.utf8), createdAt: Self.start)
        change(&key)
        return key
    }

    @Test("a key comes back with all that was set, and a change replaces it", arguments: Kind.allCases)
    func keys(_ kind: Kind) async throws {
        let store = try store(kind)
        let rich = key("b") {
            ($0.models, $0.limits, $0.mayExplain) = (["gemini-*", "x"], ["requests": "60/1m"], true)
            ($0.expiresAt, $0.revokedAt) = (Self.start + .seconds(9), Self.start + .seconds(5))
        }
        try await store.save(key("a"))
        try await store.save(rich)
        #expect(try await store.keys() == [key("a"), rich])
        var renamed = rich
        (renamed.name, renamed.limits, renamed.revokedAt) = ("new name", nil, nil)
        try await store.save(renamed)
        try await store.delete(keyID: "a")
        #expect(try await store.keys() == [renamed])
        await store.close()
    }

    @Test("a key's last use only goes forward, also when the key is saved again", arguments: Kind.allCases)
    func keyUse(_ kind: Kind) async throws {
        let store = try store(kind)
        try await store.save(key("a"))
        store.noteUse(of: "a", at: Self.start + .seconds(20))
        store.noteUse(of: "a", at: Self.start + .seconds(10))
        store.noteUse(of: "nobody", at: Self.start)
        await store.flush()
        try await store.save(key("a"))
        #expect(try await store.keys().map(\.lastUsedAt) == [Self.start + .seconds(20)])
        await store.close()
    }

    // MARK: Audit and settings

    @Test("the audit is read newest first, in pages", arguments: Kind.allCases)
    func audit(_ kind: Kind) async throws {
        let store = try store(kind)
        for number in 1...5 {
            try await store.append(
                AuditEntry(
                    at: Self.start, actor: "admin key", address: "127.0.0.1", action: "keys.create",
                    target: "key \(number)", detail: "by hand"))
        }
        let first = try await store.audit(limit: 2, before: nil)
        #expect(first.map(\.target) == ["key 5", "key 4"])
        #expect(first[0].detail == "by hand")
        let rest = try await store.audit(limit: 9, before: first[1].number)
        #expect(rest.map(\.target) == ["key 3", "key 2", "key 1"])
        await store.close()
    }

    @Test("an entry of the audit is completed once its change is made, or taken back", arguments: Kind.allCases)
    func auditOutcome(_ kind: Kind) async throws {
        let store = try store(kind)
        func begin(_ target: String) async throws -> Int64 {
            try await store.append(
                AuditEntry(
                    at: Self.start, actor: "admin key", address: "127.0.0.1", action: "keys.create", target: target,
                    detail: "begun"))
        }
        let numbers = [try await begin("first"), try await begin("second"), try await begin("third")]
        try await store.complete(numbers[0], target: "key_1", detail: "made")
        try await store.withdraw(numbers[1])
        let entries = try await store.audit(limit: 9, before: nil)
        #expect(entries.map(\.target) == ["third", "key_1"])
        #expect(entries.map(\.detail) == ["begun", "made"])
        #expect(entries.map(\.number) == [numbers[2], numbers[0]])
        #expect(try await begin("fourth") > numbers[2], "no number comes twice")
        await store.close()
    }

    @Test(
        "entries of the audit that are older than the retention are dropped, and none that is younger",
        arguments: Kind.allCases)
    func auditRetention(_ kind: Kind) async throws {
        let store = try store(kind)
        // More than are dropped at once.
        for number in 1...1150 {
            let isOld = number <= 1100
            try await store.append(
                AuditEntry(
                    at: Self.start + .seconds(isOld ? 0 : 86_400), actor: "admin key", address: "", action: "keys.edit",
                    target: "\(number)"))
        }
        await store.purge(Retention(audit: .seconds(86_400)), now: Self.start + .seconds(86_400))
        #expect(try await store.audit(limit: 1000, before: nil).count == 1000, "exactly a day old is not older")
        await store.purge(Retention(audit: .seconds(86_400)), now: Self.start + .seconds(86_401))
        let left = try await store.audit(limit: 1000, before: nil)
        #expect(left.map(\.target) == (1101...1150).reversed().map(String.init))
        await store.close()
    }

    @Test("a change of the settings is kept only when nobody was faster", arguments: Kind.allCases)
    func settingsPatch(_ kind: Kind) async throws {
        let store = try store(kind)
        let none = try await store.settingsPatch()
        #expect(none.patch == [:])
        #expect(none.version == 0)
        #expect(try await store.saveSettingsPatch(["log": ["level": "debug"]], expecting: 0) == 1)
        let error = await #expect(throws: GatewayError.self) { try await store.saveSettingsPatch([:], expecting: 0) }
        #expect(error?.code == "version_conflict")
        #expect(try await store.saveSettingsPatch(["log": ["level": "info"]], expecting: 1) == 2)
        let now = try await store.settingsPatch()
        #expect(now.patch == ["log": ["level": "info"]])
        #expect(now.version == 2)
        await store.close()
    }

    // MARK: Accounts and conversations

    private func record(_ id: String, provider: String = "web") -> AccountRecord {
        AccountRecord(
            provider: provider, accountID: id, source: "env",
            fields: [
                "values.cookie": .init(value: Secret("c-\(id)"), origin: .rotated, sourceFingerprint: "f1"),
                "proxy": .init(value: nil, origin: .admin),
            ])
    }

    @Test("an account comes back with its fields; what the pool remembers of it is apart", arguments: Kind.allCases)
    func accounts(_ kind: Kind) async throws {
        let store = try store(kind)
        try await store.save([record("b"), record("a"), record("a", provider: "business")])
        store.note([AccountMemory(provider: "web", accountID: "a", body: ["rests": 1])])
        store.note([AccountMemory(provider: "web", accountID: "a", body: ["rests": 2])])
        store.note([AccountMemory(provider: "web", accountID: "nobody", body: 3)])
        await store.flush()
        var changed = record("a")
        changed.goneSince = Self.start
        changed.fields["values.cookie"] = nil
        try await store.save([changed])
        changed.memory = ["rests": 2]
        #expect(try await store.accounts() == [record("a", provider: "business"), changed, record("b")])
        try await store.delete(provider: "web", accountID: "a")
        #expect(try await store.accounts() == [record("a", provider: "business"), record("b")])
        await store.close()
    }

    @Test("accounts that are long gone, and conversations that are long over, are dropped", arguments: Kind.allCases)
    func purge(_ kind: Kind) async throws {
        let store = try store(kind)
        var gone = record("gone")
        gone.goneSince = Self.start
        try await store.save([gone, record("here")])
        store.note([
            StoredConversation(name: [1], provider: "web", accountID: "here", lastUsedAt: Self.start),
            StoredConversation(name: [2], provider: "web", accountID: "here", lastUsedAt: Self.start + .seconds(50)),
        ])
        await store.flush()
        let retention = Retention(goneAccounts: .seconds(100), conversations: .seconds(100))
        await store.purge(retention, now: Self.start + .seconds(100))
        #expect(try await store.accounts().count == 2, "until then they stay")
        await store.purge(retention, now: Self.start + .seconds(101))
        #expect(try await store.accounts() == [record("here")])
        #expect(try await store.conversations(limit: 10).map(\.name) == [[2]])
        await store.close()
    }

    @Test("conversations are read back newest first, each with its last account", arguments: Kind.allCases)
    func conversations(_ kind: Kind) async throws {
        let store = try store(kind)
        for (name, account, second) in [(1, "a", 1), (2, "a", 2), (1, "b", 3)] as [(UInt8, String, Int64)] {
            store.note([
                StoredConversation(
                    name: [name], provider: "web", accountID: account, lastUsedAt: Self.start + .seconds(second))
            ])
        }
        await store.flush()
        let found = try await store.conversations(limit: 10)
        #expect(found.map(\.name) == [[1], [2]])
        #expect(found.map(\.accountID) == ["b", "a"])
        #expect(try await store.conversations(limit: 1).count == 1)
        let (first, second) = (try await store.hashKey(), try await store.hashKey())
        #expect(first == second, "the key under which names are hashed stays")
        await store.close()
    }
}
