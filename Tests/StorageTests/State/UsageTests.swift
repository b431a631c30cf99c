import PolluxCore
import PolluxStorage
import PolluxTesting
import Testing

@Suite("Usage and the log of requests")
struct UsageTests {
    private static let start = WallTime(seconds: 1_767_225_600)
    private let folder: TemporaryFolder
    private let files: StateStore
    private let memory = MemoryStateStore()

    init() throws {
        folder = try TemporaryFolder()
        files = try StateStore(.init(folder: folder.path), time: ManualTime(), log: .silent)
    }

    private func request(_ id: String, _ change: (inout RequestRecord) -> Void = { _ in }) -> RequestRecord {
        var record = RequestRecord(requestID: id, startedAt: Self.start, status: 200)
        change(&record)
        return record
    }

    private static func random(_ number: Int, _ random: SeededRandom) -> RequestRecord {
        func pick<Value>(_ values: [Value]) -> Value { values[Int(random.below(UInt64(values.count)))] }
        var record = RequestRecord(
            requestID: "r\(number)",
            startedAt: start + .seconds(Int64(random.below(3 * 86_400))), keyID: pick(["", "k1", "k2"]),
            model: pick(["m1", "m2", "it's"]), provider: pick(["p", "q"]), accountID: pick(["a", "b"]),
            attempts: Int(random.below(4)), status: pick([200, 200, 200, 429, 499, 500]))
        record.error = record.status == 200 ? nil : pick([.rateLimited, .cancelled, .upstreamError])
        record.isStreamed = pick([true, false])
        record.inputTokens = pick([0, 10, .max, -5])
        record.outputTokens = Int(random.below(1000))
        record.total = .microseconds(Int64(random.below(5_000_000)))
        record.firstByte = pick([nil, .milliseconds(3)])
        record.overhead = pick([nil, .microseconds(40)])
        return record
    }

    @Test("what is given up because nothing can be written is counted, and its requests count still")
    func dropped() async throws {
        files.note(RequestBatch((0..<25_000).map { request("r\($0)") }))
        #expect(files.figures.dropped == 15_000, "down to half of the most that is kept")
        await files.flush()
        #expect(files.figures.dropped == 15_000, "a counter, not a gauge")
        files.note([request("last")])
        await files.flush()
        let rows = try await files.usage(
            UsageQuery(from: Self.start, to: Self.start + .seconds(3600)))
        #expect(rows.first?.requests == 25_001)
        #expect(files.figures.dropped == 15_000)
    }

    @Test("the files answer every question as a naive sum over all requests does", arguments: 0..<8)
    func random(_ seed: Int) async throws {
        let random = SeededRandom(seed: seed)
        let requests = (0..<300).map { Self.random($0, random) }
        for store in [files, memory] as [any StateStoring] {
            for chunk in stride(from: 0, to: 300, by: 70) {
                store.note(RequestBatch(requests[chunk..<min(chunk + 70, 300)]))
                await store.flush()
            }
        }
        for _ in 0..<40 {
            let from = Self.start + .seconds(Int64(random.below(2 * 86_400)))
            var query = UsageQuery(from: from, to: from + .seconds(Int64(random.below(2 * 86_400))))
            query.groupBy = UsageQuery.Dimension.allCases.filter { _ in random.below(3) == 0 }
            if random.below(3) == 0 { query.model = "it's" }
            if random.below(3) == 0 { query.keyID = "k1" }
            query.limit = random.below(4) == 0 ? 3 : 1000
            let (found, wanted) = (try await files.usage(query), try await memory.usage(query))
            #expect(found == wanted, "seed \(seed): \(query)")
            var search = RequestQuery(limit: Int(random.below(50)))
            if random.below(2) == 0 { (search.from, search.to) = (from, from + .seconds(86_400)) }
            if random.below(3) == 0 { search.accountID = "b" }
            search.onlyErrors = random.below(3) == 0
            if random.below(3) == 0 { search.before = "r\(random.below(400))" }
            let (page, wantedPage) = (try await files.requests(search), try await memory.requests(search))
            #expect(page == wantedPage, "seed \(seed): \(search)")
        }
        await files.close()
    }

    @Test("a request comes back with all that was noted; figures no upstream can mean are cut")
    func record() async throws {
        let full = request("a") { record in
            (record.keyID, record.model, record.provider, record.accountID) = ("k", "m", "p", "x")
            (record.attempts, record.status, record.error, record.isStreamed) = (3, 502, .upstreamError, true)
            (record.inputTokens, record.outputTokens, record.cachedTokens) = (1, 2, 3)
            (record.total, record.firstByte, record.overhead) = (.seconds(4), .seconds(2), .milliseconds(1))
        }
        let wild = request("b") { record in
            (record.inputTokens, record.outputTokens, record.total) = (.max, -1, .seconds(-4))
            record.model = String(repeating: "m", count: 1000)
        }
        files.note([full, wild])
        await files.flush()
        let found = try await files.requests(RequestQuery())
        #expect(found.map(\.requestID) == ["b", "a"])
        #expect(found[1] == full)
        #expect(found[0].inputTokens == 1_000_000_000)
        #expect(found[0].outputTokens == 0)
        #expect(found[0].total == .zero)
        #expect(found[0].model.count == 200)
        await files.close()
    }

    @Test("transitions are kept with their evidence, newest first, by account")
    func transitions() async throws {
        var evidence = Evidence(.attempt, requestID: "r", attempt: 2, upstreamStatus: 429, error: .rateLimited)
        (evidence.field, evidence.message) = ("retry-after", "the upstream said 60 s")
        let first = AccountTransition(
            provider: "p", accountID: "a", quotaClass: .images, from: .ready, to: .cooling,
            until: Self.start + .seconds(60), at: Self.start, evidence: evidence, model: "m")
        let second = AccountTransition(
            provider: "p", accountID: "a", from: .cooling, to: .ready, at: Self.start + .seconds(60),
            evidence: Evidence(.time))
        let other = AccountTransition(
            provider: "q", accountID: "a", from: .ready, to: .disabled, at: Self.start, evidence: Evidence(.admin))
        for store in [files, memory] as [any StateStoring] {
            store.note([first, second, other])
            await store.flush()
            #expect(try await store.transitions(provider: "p", accountID: "a", limit: 9) == [second, first])
            #expect(try await store.transitions(provider: nil, accountID: nil, limit: 1) == [other])
        }
        await files.close()
    }

    @Test("requests of a time are found among thousands of older ones, and those alone")
    func manyRequests() async throws {
        let all = (0..<5000).map { number in
            request("r\(number)") { $0.startedAt = Self.start + .seconds(Int64(number) * 120) }
        }
        files.note(RequestBatch(all))
        await files.flush()
        for (from, to) in [(0, 3), (63, 66), (4000, 4100), (4990, 9999), (6000, 7000)] {
            let query = RequestQuery(
                from: Self.start + .seconds(Int64(from) * 120), to: Self.start + .seconds(Int64(to) * 120), limit: 1000)
            let found = try await files.requests(query).map(\.requestID)
            #expect(found == (0..<5000).reversed().filter { $0 >= from && $0 < to }.map { "r\($0)" })
        }
        await files.close()
    }

    @Test("old requests, transitions and counts are dropped, however many")
    func retention() async throws {
        let old = (0..<2500).map { request("old \($0)") }
        let new = request("new") { $0.startedAt = Self.start + .seconds(7200) }
        files.note(RequestBatch(old + [new]))
        await files.flush()
        let retention = Retention(requests: .seconds(3600), usage: .seconds(3600))
        await files.purge(retention, now: Self.start + .seconds(7201))
        #expect(try await files.requests(RequestQuery(limit: 1000)).map(\.requestID) == ["new"])
        let usage = try await files.usage(UsageQuery(from: Self.start, to: Self.start + .seconds(86_400)))
        #expect(usage.map(\.requests) == [1])
        await files.close()
    }
}
