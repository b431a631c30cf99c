import PolluxCore
import PolluxTesting
import Synchronization
import Testing

@Suite("When the shared store is away (reliability requirements, 10.7)")
struct FailoverRateLimitStoreTests {
    /// Refuses to decide while it is away, and notes what is settled.
    private final class FickleStore: RateLimitStore {
        let isAway = Atomic(false)
        let settled = Atomic(0)
        private let memory = MemoryRateLimitStore()

        func decide(_ claims: [LimitClaim], now: Instant) async throws(GatewayError) -> LimitRuling {
            if isAway.load(ordering: .relaxed) {
                throw GatewayError(.overloaded, .request, "away", retryAfter: .seconds(1))
            }
            return memory.decideNow(claims, now: now)
        }

        func settle(_ receipt: LimitReceipt, spent: Int64, now: Instant) {
            settled.wrappingAdd(1, ordering: .relaxed)
            memory.settle(receipt, spent: spent, now: now)
        }
    }

    private let shared = FickleStore()
    private let now = Instant(microseconds: 1_000_000)

    private func requests(burst: Int) -> LimitClaim {
        LimitClaim(
            LimiterID(.key, owner: "k", kind: "requests/1h"),
            .gcra(GCRA(limit: 60, period: .seconds(3600), burst: burst)))
    }

    private func allowed(_ store: FailoverRateLimitStore, _ claim: LimitClaim, of count: Int) async throws -> Int {
        var allowed = 0
        for _ in 0..<count where try await store.decide([claim], now: now).isAllowed { allowed += 1 }
        return allowed
    }

    @Test("local: each of the gateways takes its share, one at least", arguments: [(1, 10), (2, 5), (3, 3), (40, 1)])
    func local(nodes: Int, expected: Int) async throws {
        let store = FailoverRateLimitStore(shared, mode: .local, nodes: nodes, log: .silent)
        shared.isAway.store(true, ordering: .relaxed)
        #expect(try await allowed(store, requests(burst: 10), of: 50) == expected)
        let concurrent = LimitClaim(
            LimiterID(.key, owner: "k", kind: "concurrency"), .leases(ConcurrencyLeases(limit: 10)))
        #expect(try await allowed(store, concurrent, of: 50) == expected)
        let tokens = LimitClaim(
            LimiterID(.key, owner: "k", kind: "tokens/1m"), .window(SlidingWindow(limit: 10, period: .seconds(60))))
        #expect(try await allowed(store, tokens, of: 50) == expected)
    }

    @Test("local: a share is slower as well, not only smaller")
    func localPace() async throws {
        let store = FailoverRateLimitStore(shared, mode: .local, nodes: 2, log: .silent)
        shared.isAway.store(true, ordering: .relaxed)
        #expect(try await allowed(store, requests(burst: 2), of: 5) == 1)
        let later = try await store.decide([requests(burst: 2)], now: now + .seconds(119))
        #expect(!later.isAllowed)
        let onTime = try await store.decide([requests(burst: 2)], now: now + .seconds(120))
        #expect(onTime.isAllowed)
    }

    @Test("open: everything passes, and nothing is said about limits")
    func open() async throws {
        let store = FailoverRateLimitStore(shared, mode: .open, nodes: 1, log: .silent)
        shared.isAway.store(true, ordering: .relaxed)
        #expect(try await allowed(store, requests(burst: 1), of: 50) == 50)
        let ruling = try await store.decide([requests(burst: 1)], now: now)
        #expect(ruling.outcomes.isEmpty)
    }

    @Test("closed: nothing passes, with a 503")
    func closed() async throws {
        let store = FailoverRateLimitStore(shared, mode: .closed, nodes: 1, log: .silent)
        shared.isAway.store(true, ordering: .relaxed)
        let error = await #expect(throws: GatewayError.self) { try await store.decide([requests(burst: 1)], now: now) }
        #expect(error?.httpStatus == 503)
    }

    @Test("once it is back it decides again; what was charged meanwhile is settled where it was charged")
    func back() async throws {
        let log = CountingLog()
        let store = FailoverRateLimitStore(shared, mode: .local, nodes: 1, log: Logger(level: .info, sink: log))
        let lease = LimitClaim(LimiterID(.key, owner: "k", kind: "concurrency"), .leases(ConcurrencyLeases(limit: 1)))
        shared.isAway.store(true, ordering: .relaxed)
        let standIn = try await store.decide([lease], now: now)
        #expect(standIn.isAllowed && standIn.receipt.isStandIn)
        for _ in 0..<3 { _ = try await store.decide([lease], now: now) }
        shared.isAway.store(false, ordering: .relaxed)
        let real = try await store.decide([lease], now: now)
        #expect(real.isAllowed && !real.receipt.isStandIn)
        store.settle(standIn.receipt, spent: 0, now: now)
        #expect(shared.settled.load(ordering: .relaxed) == 0)
        store.settle(real.receipt, spent: 0, now: now)
        #expect(shared.settled.load(ordering: .relaxed) == 1)
        #expect(log.events == ["rate limits cannot be shared", "rate limits are shared again"])
    }

    private final class CountingLog: LogSink {
        private let list = Mutex<[String]>([])
        func write(_ record: LogRecord) { list.withLock { $0.append(record.event) } }
        var events: [String] { list.withLock { $0 } }
    }
}
