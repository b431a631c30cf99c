import PolluxTesting
import Testing

@testable import PolluxCore

/// Cost is counted in accounts that a choice looks at, so that the test does not depend on the machine.
@Suite("What a choice costs")
struct AccountCostTests {
    private func pool(_ count: Int, _ strategy: AccountPoolState.Strategy, maxInFlight: Int) -> AccountPoolState {
        var pool = AccountPoolState(
            AccountPoolState.Rules(strategy: strategy, maxInFlight: maxInFlight, cooldown: .seconds(60)))
        pool.replaceAccounts(
            with: (0..<count).map { (PoolWorld.credential("a\($0)", weight: 1 + $0 % 3), nil) }, changed: [])
        return pool
    }

    /// Accounts looked at per choice, while half of the accounts rest and some are busy.
    private func cost(_ count: Int, _ strategy: AccountPoolState.Strategy, tried: Int) -> Double {
        var pool = pool(count, strategy, maxInFlight: 2)
        for number in 0..<count where number % 2 == 0 {
            #expect(pool.take("a\(number)") == true)
            pool.give("a\(number)", after: PoolWorld.limited(retryAfter: .seconds(1_000_000)))
        }
        let before = pool.looks
        let rounds = 200
        for _ in 0..<rounds {
            let excluded = Set((0..<tried).map { "a\(2 * $0 + 1)" })
            guard let id = pool.take(excluding: excluded, at: 1) else { continue }
            pool.give(id, at: 1)
        }
        return Double(pool.looks - before) / Double(rounds)
    }

    @Test(
        "a choice among 10,000 accounts looks at no more than three times those of a choice among 10",
        arguments: AccountPoolState.Strategy.allCases, [0, 2])
    func choice(strategy: AccountPoolState.Strategy, tried: Int) {
        let (few, many) = (cost(10, strategy, tried: tried), cost(10_000, strategy, tried: tried))
        #expect(few > 0.5, "the counter counts")
        #expect(many <= 3 * few, "\(many) accounts against \(few)")
    }

    @Test("a refusal looks at no account at all, however many rest", arguments: AccountPoolState.Strategy.allCases)
    func refusal(strategy: AccountPoolState.Strategy) {
        var pool = pool(10_000, strategy, maxInFlight: 1)
        while let id = pool.take() { pool.give(id, after: PoolWorld.limited(retryAfter: .seconds(500))) }
        let before = pool.looks
        for _ in 0..<100 { #expect(pool.take(at: 1) == nil) }
        #expect(pool.lack(at: 1).cooling == 10_000)
        #expect(pool.looks == before)
    }

    @Test("the end of a rest is paid once, by the choice that comes next")
    func wake() {
        var pool = pool(1000, .fillFirst, maxInFlight: 1)
        while let id = pool.take() { pool.give(id, after: PoolWorld.limited(.accountClass, retryAfter: .seconds(500))) }
        var before = pool.looks
        #expect(pool.take(at: 500) == "a0")
        #expect(pool.looks - before <= 1001)
        before = pool.looks
        #expect(pool.take(at: 500) == "a1")
        #expect(pool.looks - before <= 1)
    }

    @Test("with one model at rest on every account, a choice for it looks at none, and others are not slowed")
    func modelAtRest() {
        var pool = pool(5000, .roundRobin, maxInFlight: 1)
        while let id = pool.take(model: "pro") {
            pool.give(id, model: "pro", after: PoolWorld.limited(.accountModel, retryAfter: .seconds(900)))
        }
        let before = pool.looks
        #expect(pool.take(model: "pro") == nil)
        #expect(pool.looks == before)
        #expect(pool.take(model: "flash") != nil)
        #expect(pool.looks == before + 1)
    }
}
