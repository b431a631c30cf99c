import Foundation
import PolluxCore
import PolluxTesting
import Testing

@Suite("Limiters in memory decide as on Redis (reliability requirements, 10.8)")
struct RateLimitStoreTests {
    static let vectors: RateLimitVectors? = {
        let file = JSONFixtures.packageRoot.appending(path: "Tests/Fixtures/ratelimit/vectors.json")
        guard let text = try? Data(contentsOf: file) else { return nil }
        return try? RateLimitVectors(Array(text))
    }()

    @Test("every number of the recorded vectors is reproduced")
    func vectors() async throws {
        let vectors = try #require(Self.vectors)
        #expect(vectors.scenarios.count == 8 && vectors.count == 63)
        for scenario in vectors.scenarios {
            let difference = try await RateLimitVectors.difference(
                of: MemoryRateLimitStore(), in: scenario, owner: "vectors")
            #expect(difference == nil)
        }
    }

    @Test("random requests meet the same numbers as in a naive model", arguments: 0..<200)
    func random(seed: Int) async throws {
        var trial = RateLimitTrial(seed: seed, owner: "random")
        let difference = try await trial.difference(of: MemoryRateLimitStore(), steps: 120)
        #expect(difference == nil, "seed \(seed)")
    }

    @Test("fifty requests at once never get one more than the burst (Q-2)", arguments: [1, 7, 49])
    func parallelBurst(burst: Int) async throws {
        let store = MemoryRateLimitStore()
        let id = LimiterID(.key, owner: "k", kind: "requests/1h")
        let claim = LimitClaim(id, .gcra(GCRA(limit: 60, period: .seconds(3600), burst: burst)))
        let lease = LimitClaim(
            LimiterID(.key, owner: "k", kind: "concurrency"), .leases(ConcurrencyLeases(limit: Int64(burst))))
        let (paced, leased) = await withTaskGroup(of: (Bool, Bool).self) { group in
            for _ in 0..<50 {
                group.addTask {
                    let first = store.decideNow([claim], now: Instant(microseconds: 5)).isAllowed
                    let second = store.decideNow([lease], now: Instant(microseconds: 5)).isAllowed
                    return (first, second)
                }
            }
            return await group.reduce(into: (0, 0)) { $0 = ($0.0 + ($1.0 ? 1 : 0), $0.1 + ($1.1 ? 1 : 0)) }
        }
        #expect(paced == burst)
        #expect(leased == burst)
    }

    @Test("a day's quota ends with its day, and the next day is another counter")
    func daily() async throws {
        let store = MemoryRateLimitStore()
        func ask(_ day: String, endsIn: Int64) async throws -> LimitOutcome {
            let id = LimiterID(.accountClass, owner: "p/a", subject: "images", kind: "daily/\(day)")
            let rule = LimitRule.daily(DailyCounter(limit: 2, endsIn: endsIn))
            return try await store.decide([LimitClaim(id, rule)], now: Instant(microseconds: 0)).outcomes[0]
        }
        let first = try await ask("2026-03-08", endsIn: 5_000_000)
        #expect(first == LimitOutcome(isLimited: false, remaining: 1, resetAfter: 5_000_000, retryAfter: 0))
        _ = try await ask("2026-03-08", endsIn: 4_000_000)
        let refused = try await ask("2026-03-08", endsIn: 3_000_000)
        #expect(refused == LimitOutcome(isLimited: true, remaining: 0, resetAfter: 3_000_000, retryAfter: 3_000_000))
        let next = try await ask("2026-03-09", endsIn: 86_400_000_000)
        #expect(!next.isLimited)
    }
}
