@testable import PolluxCore
import PolluxTesting
import Synchronization
import Testing

@Suite("The account book")
struct AccountBookTests {
    private static let start = WallTime(seconds: 1_767_225_600)

    /// A provider's pool as far as the book sees it, over a store that can be full.
    private final class World: Sendable {
        let store: FlakyStore
        let book: AccountBook
        let pool = Mutex<[String: [Credential]]>([:])
        let changed = Mutex<Set<String>>([])

        init(_ store: FlakyStore = FlakyStore(), sources: Set<String>) async throws {
            self.store = store
            book = try await AccountBook.open(store)
            book.attach("web", sources: sources, now: start) { [weak self] in self?.take($0) }
        }

        func take(_ updates: [AccountBook.Update]) {
            pool.withLock { pool in
                for update in updates { pool[update.source] = update.credentials }
            }
            changed.withLock { $0 = updates.first?.changed ?? [] }
        }

        func publish(_ accounts: [String: String], from source: String = "file", at time: WallTime = start) {
            let credentials = accounts.sorted { $0.key < $1.key }.map { id, value in
                Credential(accountID: id, values: ["psid": Secret(value)])
            }
            book.publish(credentials, from: source, to: "web", now: time)
        }

        func rotate(_ id: String, _ name: String, to value: String) async throws {
            let basis = try #require(inPool(id))
            var new = basis
            new.values[name] = Secret(value)
            try await book.keeper(of: "web").keep(new, replacing: basis) { kept in
                pool.withLock { pool in
                    for (source, credentials) in pool {
                        pool[source] = credentials.map { $0.accountID == kept.accountID ? kept : $0 }
                    }
                }
            }
        }

        func inPool(_ id: String) -> Credential? {
            pool.withLock { $0.values.flatMap(\.self).first { $0.accountID == id } }
        }

        func value(_ id: String, _ name: String = "psid") -> String? { inPool(id)?[name]?.reveal() }

        func ids(of source: String) -> [String] { pool.withLock { $0[source]?.map(\.accountID) ?? [] } }

        /// The same files, another process.
        func restarted(sources: Set<String> = ["file"]) async throws -> World {
            await book.saveRest()
            return try await World(store, sources: sources)
        }
    }

    @Test("what a source says is used at once, and written down with the next write")
    func publish() async throws {
        let world = try await World(sources: ["file"])
        world.publish(["a": "1", "b": "2"])
        #expect(world.ids(of: "file") == ["a", "b"])
        #expect(world.changed.withLock { $0 } == ["a", "b"])
        #expect(try await world.store.accounts().isEmpty)
        await world.book.saveRest()
        #expect(try await world.store.accounts().map(\.accountID) == ["a", "b"])
    }

    @Test("a rotated secret outlives a restart, and the source's stale value does not replace it")
    func rotationOverRestart() async throws {
        let world = try await World(sources: ["file"])
        world.publish(["a": "1"])
        try await world.rotate("a", "psid", to: "rotated")
        #expect(world.value("a") == "rotated")
        let next = try await world.restarted()
        next.publish(["a": "1"])
        #expect(next.value("a") == "rotated")
        #expect(next.changed.withLock { $0 } == [], "what is held against the account still holds")
        next.publish(["a": "new"])
        #expect(next.value("a") == "new")
        #expect(next.changed.withLock { $0 } == ["a"])
    }

    @Test("a stopped gateway's accounts are recalled as they were, and nothing about them changes by that")
    func recalled() async throws {
        let world = try await World(sources: ["file"])
        world.publish(["a": "1", "b": "1", "c": "1"])
        world.publish(["a": "1", "b": "1"])
        try await world.rotate("a", "psid", to: "rotated")
        let looker = try await world.restarted()
        let before = looker.book.records(of: "web")
        looker.book.recall("web")
        #expect(looker.ids(of: "file") == ["a", "b"], "one that is gone stays gone")
        #expect(looker.value("a") == "rotated" && looker.changed.withLock { $0 } == [])
        #expect(looker.book.records(of: "web") == before)
        try await looker.book.edit("b", of: "web", ["disabled": Secret("true")])
        #expect(looker.ids(of: "file") == ["a", "b"])
        let next = try await looker.restarted()
        next.publish(["a": "1", "b": "1"])
        #expect(next.value("a") == "rotated", "the source says what it said: the renewed secret stays")
        #expect(next.book.record(of: "b", provider: "web")?.credential.isDisabled == true)
    }

    @Test("a secret that the source changed while the gateway was down is a new one")
    func newsOverRestart() async throws {
        let world = try await World(sources: ["file"])
        world.publish(["a": "1"])
        try await world.rotate("a", "psid", to: "rotated")
        let next = try await world.restarted()
        next.publish(["a": "2"])
        #expect(next.value("a") == "2")
        #expect(next.changed.withLock { $0 } == ["a"])
    }

    @Test("an account that its source no longer names is gone, and forgotten after 30 days")
    func gone() async throws {
        let world = try await World(sources: ["file"])
        world.publish(["a": "1", "b": "1"])
        world.publish(["b": "1"], at: Self.start + .seconds(10))
        #expect(world.ids(of: "file") == ["b"])
        #expect(world.book.record(of: "a", provider: "web")?.goneSince == Self.start + .seconds(10))
        let days = Duration.seconds(30 * 86_400)
        await world.book.purge(Retention(), now: Self.start + .seconds(10) + days)
        #expect(world.book.records(of: "web").count == 2)
        await world.book.purge(Retention(), now: Self.start + .seconds(11) + days)
        #expect(try await world.store.accounts().map(\.accountID) == ["b"])
    }

    @Test("an account that comes back is as it was, with its rotated secret and the operator's word")
    func back() async throws {
        let world = try await World(sources: ["file"])
        world.publish(["a": "1"])
        try await world.rotate("a", "psid", to: "rotated")
        try await world.book.edit("a", of: "web", ["weight": Secret("4")])
        world.publish([:])
        world.publish(["a": "1"])
        #expect(world.value("a") == "rotated")
        #expect(world.inPool("a")?.weight == 4)
    }

    @Test("an account of two sources belongs to the first, and passes to the other when that leaves it")
    func twoSources() async throws {
        let world = try await World(sources: ["one", "two"])
        world.publish(["a": "1"], from: "one")
        world.publish(["a": "2", "b": "2"], from: "two")
        #expect(world.value("a") == "1")
        #expect(world.ids(of: "two") == ["b"])
        world.publish([:], from: "one")
        #expect(world.value("a") == "2")
        #expect(world.ids(of: "two") == ["a", "b"])
    }

    @Test("after a restart the other source's value does not replace a rotated secret of the one that is silent")
    func twoSourcesOverRestart() async throws {
        let world = try await World(sources: ["one", "two"])
        world.publish(["a": "1"], from: "one")
        try await world.rotate("a", "psid", to: "rotated")
        let next = try await world.restarted(sources: ["one", "two"])
        next.publish(["a": "2"], from: "two")
        #expect(next.value("a") == "rotated")
        next.publish(["a": "1"], from: "one")
        #expect(next.value("a") == "rotated")
        #expect(next.ids(of: "one") == ["a"])
        #expect(next.ids(of: "two") == [])
    }

    @Test("an account of the operator's own is there after a restart, and can be removed")
    func own() async throws {
        let world = try await World(sources: ["file"])
        let credential = Credential(accountID: "mine", values: ["psid": Secret("m")], weight: 2)
        try await world.book.add(credential, label: "spare", to: "web")
        #expect(world.inPool("mine") == credential)
        let twice = await #expect(throws: GatewayError.self) {
            try await world.book.add(credential, to: "web")
        }
        #expect(twice?.code == "exists")
        let next = try await world.restarted()
        next.publish(["a": "1"])
        #expect(next.ids(of: AccountRecord.adminSource) == ["mine"])
        #expect(next.book.record(of: "mine", provider: "web")?.label == "spare")
        try await next.book.remove("mine", of: "web")
        #expect(next.ids(of: AccountRecord.adminSource) == [])
        #expect(try await next.store.accounts().map(\.accountID) == ["a"])
    }

    @Test("an account that its source names cannot be removed: it would come back")
    func owned() async throws {
        let world = try await World(sources: ["file"])
        world.publish(["a": "1"])
        let error = await #expect(throws: GatewayError.self) {
            try await world.book.remove("a", of: "web")
        }
        #expect(error?.code == "owned_by_source")
        #expect(world.ids(of: "file") == ["a"])
    }

    @Test("a reset field has its source's value at once")
    func reset() async throws {
        let world = try await World(sources: ["file"])
        world.publish(["a": "1"])
        try await world.book.edit("a", of: "web", ["values.psid": Secret("mine")])
        #expect(world.value("a") == "mine")
        try await world.book.reset("a", of: "web", ["values.psid"])
        #expect(world.value("a") == "1")
        let unknown = await #expect(throws: GatewayError.self) {
            try await world.book.reset("nobody", of: "web", ["weight"])
        }
        #expect(unknown?.code == "account_not_found")
    }

    // MARK: A disk that takes nothing

    @Test("a full disk: sources and rotations go on in memory and are written when it has room again")
    func fullDisk() async throws {
        let world = try await World(sources: ["file"])
        world.publish(["a": "1"])
        world.store.isFull.withLock { $0 = true }
        try await world.rotate("a", "psid", to: "rotated")
        world.publish(["a": "1", "b": "1"])
        #expect(world.value("a") == "rotated")
        #expect(world.ids(of: "file") == ["a", "b"])
        await world.book.saveRest()
        world.store.isFull.withLock { $0 = false }
        await world.book.saveRest()
        let next = try await world.restarted()
        next.publish(["a": "1", "b": "1"])
        #expect(next.value("a") == "rotated")
        #expect(next.changed.withLock { $0 } == [])
    }

    @Test("a full disk: what the operator changes is refused, and nothing has changed")
    func fullDiskForOperator() async throws {
        let world = try await World(sources: ["file"])
        world.publish(["a": "1"])
        let own = Credential(accountID: "own", values: [:])
        try await world.book.add(own, to: "web")
        world.store.isFull.withLock { $0 = true }
        let changes: [() async throws -> Void] = [
            { try await world.book.edit("a", of: "web", ["weight": Secret("9")]) },
            { try await world.book.add(Credential(accountID: "c", values: [:]), to: "web") },
            { try await world.book.remove("own", of: "web") },
        ]
        for change in changes {
            let error = await #expect(throws: GatewayError.self) { try await change() }
            #expect(error?.code == GatewayError.storageUnavailableCode)
            #expect(error?.httpStatus == 507)
        }
        world.publish(["a": "1"])
        world.store.isFull.withLock { $0 = false }
        await world.book.saveRest()
        for world in [world, try await world.restarted()] {
            world.publish(["a": "1"])
            #expect(world.inPool("a")?.weight == 1)
            #expect(world.ids(of: AccountRecord.adminSource) == ["own"])
            #expect(world.book.records(of: "web").map(\.accountID) == ["a", "own"])
        }
    }

    @Test("changes that come while the disk is busy share one write")
    func together() async throws {
        let world = try await World(sources: ["file"])
        world.publish(Dictionary(uniqueKeysWithValues: (0..<20).map { ("a\($0)", "1") }))
        await world.book.saveRest()
        let before = world.store.saves.withLock { $0 }
        let gate = Gate()
        world.store.gate.withLock { $0 = gate }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await world.rotate("a0", "psid", to: "r0") }
            // The first one is at the disk: whoever came before would have been written along.
            while gate.waitingCount == 0 { await Task.yield() }
            for index in 1..<20 {
                group.addTask { try? await world.rotate("a\(index)", "psid", to: "r\(index)") }
            }
            group.addTask {
                while world.book.state.withLock({ $0.rounds["web"]?.waiterCount ?? 0 }) < 19 { await Task.yield() }
                gate.open()
            }
        }
        for index in 0..<20 { #expect(world.value("a\(index)") == "r\(index)") }
        #expect(world.store.saves.withLock { $0 } - before == 2, "the first one's, and one for all the others")
        let stored = try await world.store.accounts().map { $0.fields["values.psid"]?.value }
        #expect(Set(stored) == Set((0..<20).map { Secret("r\($0)") }))
    }
}

/// A store that the test can fill, or hold up.
final class FlakyStore: AccountStore, ConversationStore {
    let memory = MemoryStateStore()
    let isFull = Mutex(false)
    let saves = Mutex(0)
    let gate = Mutex<Gate?>(nil)

    private func check() throws(GatewayError) {
        if isFull.withLock({ $0 }) { throw .storageUnavailable("the test's disk is full") }
    }

    func accounts() async throws(GatewayError) -> [AccountRecord] { try await memory.accounts() }
    func save(_ records: [AccountRecord]) async throws(GatewayError) {
        try await gate.withLock { $0 }?.pass()
        try check()
        saves.withLock { $0 += 1 }
        try await memory.save(records)
    }
    func note(_ memories: [AccountMemory]) { memory.note(memories) }
    func delete(provider: String, accountID: String) async throws(GatewayError) {
        try check()
        try await memory.delete(provider: provider, accountID: accountID)
    }
    func hashKey() async throws(GatewayError) -> (UInt64, UInt64) { (1, 2) }
    func conversations(limit: Int) async throws(GatewayError) -> [StoredConversation] { [] }
    func note(_ conversations: [StoredConversation]) {}
}
