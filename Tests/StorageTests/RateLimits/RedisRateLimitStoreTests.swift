import PolluxCore
import PolluxStorage
import PolluxTesting
import Testing

@Suite("Limiters on Redis (reliability requirements, 10.2 to 10.8)", .serialized)
struct RedisRateLimitStoreTests {
    @Test("every number of the recorded vectors is reproduced")
    func vectors() async throws {
        let world = try RedisWorld()
        let vectors = try #require(RedisWorld.vectors)
        #expect(vectors.count == 63)
        for (number, scenario) in vectors.scenarios.enumerated() {
            let difference = try await RateLimitVectors.difference(
                of: world.stores[0], in: scenario, owner: "vectors\(number)")
            #expect(difference == nil)
        }
    }

    @Test("random requests meet the same numbers as in a naive model, and so as in memory")
    func random() async throws {
        let world = try RedisWorld()
        for seed in 0..<200 {
            var trial = RateLimitTrial(seed: seed, owner: "random\(seed)")
            let difference = try await trial.difference(of: world.stores[0], steps: 60)
            #expect(difference == nil, "seed \(seed)")
        }
    }

    @Test("leases that are out are told without taking one")
    func held() async throws {
        let world = try RedisWorld()
        let ids = ["one", "two"].map { LimiterID(.key, owner: "held-\($0)", kind: "concurrency") }
        let now = Instant(microseconds: 1_700_000_000_000_000)
        let claim = LimitClaim(ids[0], .leases(ConcurrencyLeases(limit: 5)))
        let first = try await world.stores[0].decide([claim], now: now)
        _ = try await world.stores[0].decide([claim], now: now)
        for _ in 0..<3 { #expect(try await world.stores[0].held(ids, now: now) == [2, 0]) }
        world.stores[0].settle(first.receipt, spent: 0, now: now)
        #expect(try await world.stores[0].held(ids, now: now) == [1, 0])
    }

    @Test("large amounts and long periods are counted exactly, though scripts count in doubles")
    func exactNumbers() async throws {
        let world = try RedisWorld()
        let memory = MemoryRateLimitStore()
        let random = SeededRandom(seed: 5)
        for round in 0..<300 {
            let window = SlidingWindow(
                limit: 1 + Int64(random.below(1 << 31)), width: 1000 + Int64(random.below(31_536_000_000)))
            let id = LimiterID(.key, owner: "large\(round)", kind: "tokens/1d")
            var now = Instant(microseconds: 1_700_000_000_000_000 + Int64(random.below(1 << 40)))
            for step in 0..<4 {
                let cost = 1 + Int64(random.below(UInt64(window.limit)))
                let claim = LimitClaim(id, .window(window), cost: cost, isReservation: true)
                let expected = memory.decideNow([claim], now: now)
                let ruling = try await world.stores[0].decide([claim], now: now)
                #expect(ruling.outcomes == expected.outcomes, "round \(round), step \(step), \(window), cost \(cost)")
                let spent = Int64(random.below(1 << 33))
                memory.settle(expected.receipt, spent: spent, now: now)
                world.stores[0].settle(ruling.receipt, spent: spent, now: now)
                now = now + .milliseconds(Int64(random.below(UInt64(window.width))))
            }
        }
    }

    @Test("fifty requests at once through two gateways never get one more than the burst (Q-2)", arguments: [1, 20])
    func parallelBurst(burst: Int) async throws {
        let world = try RedisWorld(stores: 2, clock: .server)
        let paced = LimitClaim(
            LimiterID(.key, owner: "p", kind: "requests/1h"),
            .gcra(GCRA(limit: 1, period: .seconds(3600), burst: burst)))
        let leased = LimitClaim(
            LimiterID(.key, owner: "p", kind: "concurrency"), .leases(ConcurrencyLeases(limit: Int64(burst))))
        for claim in [paced, leased] {
            let stores = world.stores
            let allowed = try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<50 {
                    group.addTask {
                        try await stores[number % 2].decide([claim], now: Instant(microseconds: 0)).isAllowed
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(allowed == burst)
        }
    }

    @Test("a lease that is given back by one gateway is free for the other")
    func leases() async throws {
        let world = try RedisWorld(stores: 2)
        let claim = LimitClaim(LimiterID(.key, owner: "l", kind: "concurrency"), .leases(ConcurrencyLeases(limit: 1)))
        let now = Instant(microseconds: 1_700_000_000_000_000)
        let held = try await world.stores[0].decide([claim], now: now)
        #expect(held.isAllowed)
        let refused = try await world.stores[1].decide([claim], now: now)
        #expect(!refused.isAllowed && refused.outcomes[0].retryAfter == 1_000_000)
        world.stores[0].settle(held.receipt, spent: 0, now: now)
        // On one connection what comes later is done later.
        _ = try await world.stores[0].decide([], now: now)
        let free = try await world.stores[1].decide([claim], now: now)
        #expect(free.isAllowed)
    }

    @Test("the lease of a gateway that has died ends by itself after thirty seconds")
    func deadGateway() async throws {
        let world = try RedisWorld(stores: 2)
        let claim = LimitClaim(LimiterID(.key, owner: "d", kind: "concurrency"), .leases(ConcurrencyLeases(limit: 1)))
        let start = Instant(microseconds: 1_700_000_000_000_000)
        _ = try await world.stores[0].decide([claim], now: start)
        let early = try await world.stores[1].decide([claim], now: start + .milliseconds(29_999))
        #expect(!early.isAllowed)
        let later = try await world.stores[1].decide([claim], now: start + .seconds(30))
        #expect(later.isAllowed)
    }

    @Test("keys expire by themselves, and their names say what they are (Q-4)")
    func keys() async throws {
        let world = try RedisWorld(clock: .server)
        let connection = try await RedisProbe(world.server.url)
        let claims = [
            LimitClaim(
                LimiterID(.global, kind: "requests/1h"), .gcra(GCRA(limit: 60, period: .seconds(3600), burst: 2))),
            LimitClaim(
                LimiterID(.keyModel, owner: "3f0c", subject: "a:b", kind: "tokens/1m"),
                .window(SlidingWindow(limit: 10, period: .seconds(60)))),
            LimitClaim(
                LimiterID(.accountClass, owner: "p/a", subject: "images", kind: "daily/2026-03-08"),
                .daily(DailyCounter(limit: 2, endsIn: 10_000_000))),
            LimitClaim(LimiterID(.key, owner: "3f0c", kind: "concurrency"), .leases(ConcurrencyLeases(limit: 3))),
        ]
        _ = try await world.stores[0].decide(claims, now: Instant(microseconds: 0))
        let bounds: [(key: String, least: Int64, most: Int64)] = [
            ("pollux:{rl}:global:requests/1h", 50_000, 60_000),
            ("pollux:{rl}:key_model:3f0c:a%3Ab:tokens/1m", 50_000, 120_000),
            ("pollux:{rl}:account_class:p/a:images:daily/2026-03-08", 3_600_000, 3_610_000),
            ("pollux:{rl}:key:3f0c:concurrency", 20_000, 30_000),
        ]
        for (key, least, most) in bounds {
            let life = await connection.integer(["PTTL", key]) ?? -3
            #expect((least...most).contains(life), "\(key) lives \(life) ms")
        }
        #expect(await connection.integer(["DBSIZE"]) == 4)
    }

    @Test("the server's clock counts, whatever a gateway thinks the time is (Q-3)")
    func serverTime() async throws {
        let world = try RedisWorld(stores: 2, clock: .server)
        let claim = LimitClaim(
            LimiterID(.key, owner: "t", kind: "requests/1h"), .gcra(GCRA(limit: 1, period: .seconds(3600), burst: 1)))
        let first = try await world.stores[0].decide([claim], now: Instant(microseconds: 0))
        let second = try await world.stores[1].decide([claim], now: Instant(microseconds: 1 << 60))
        #expect(first.isAllowed && !second.isAllowed)
    }
}
