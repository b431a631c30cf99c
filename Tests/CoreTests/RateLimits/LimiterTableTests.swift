import PolluxTesting
import Testing

@testable import PolluxCore

/// Cost is counted in entries that are looked at, so that the tests do not depend on the machine.
@Suite("Limiters in memory: room and cost (reliability requirements, Q-4)")
struct LimiterTableTests {
    private let second: Int64 = 1_000_000

    private func claim(_ owner: Int, perHour limit: Int = 3600, burst: Int = 10) -> LimitClaim {
        let rule = LimitRule.gcra(GCRA(limit: limit, period: .seconds(3600), burst: burst))
        return LimitClaim(LimiterID(.key, owner: String(owner), kind: "requests/1h"), rule)
    }

    @Test("a limiter is forgotten once it is as if it was never charged, and not before")
    func forgotten() {
        var table = LimiterTable()
        for owner in 0..<20 { _ = table.decide([claim(owner)], now: 0) }
        for _ in 0..<10 { _ = table.decide([], now: second) }
        #expect(table.count == 20)
        for _ in 0..<10 { _ = table.decide([], now: 8 * second) }
        #expect(table.count == 0)
    }

    @Test("a limiter that is charged again and again stays")
    func stays() {
        var table = LimiterTable()
        for step in 0..<100 {
            let ruling = table.decide([claim(1, burst: 2)], now: Int64(step) * second)
            #expect(ruling.isAllowed)
            #expect(table.count == 1)
        }
        let burst = (0..<2).map { _ in table.decide([claim(1, burst: 2)], now: 99 * second).isAllowed }
        #expect(burst == [true, false])
    }

    @Test("at most as many limiters as there is room for: the one that resets first makes room")
    func evicts() {
        var table = LimiterTable(capacity: 3)
        // Owner 1 resets after 3 s, owner 2 after 1 s, owner 3 after 2 s.
        for owner in [1, 1, 1, 2, 3, 3] { _ = table.decide([claim(owner)], now: 0) }
        _ = table.decide([claim(4)], now: 0)
        #expect(table.count == 3)
        let remaining = [1, 3, 2].map { table.decide([claim($0)], now: 0).outcomes[0].remaining }
        #expect(remaining == [6, 7, 9], "owner 2 alone was forgotten")
    }

    @Test("a lease that is held is not forgotten for others")
    func leasesStay() {
        var table = LimiterTable(capacity: 4)
        let lease = LimitClaim(LimiterID(.key, owner: "l", kind: "concurrency"), .leases(ConcurrencyLeases(limit: 1)))
        let held = table.decide([lease], now: 0)
        for step in 1..<200 { _ = table.decide([claim(step)], now: Int64(step) * second) }
        let refused = table.decide([lease], now: 200 * second)
        #expect(!refused.isAllowed && table.count == 4)
        table.settle(held.receipt, spent: 0, now: 200 * second)
        let allowed = table.decide([lease], now: 200 * second)
        #expect(allowed.isAllowed)
    }

    @Test("a flood of limiters keeps to the room there is")
    func bounded() {
        var table = LimiterTable(capacity: 1000)
        for owner in 0..<20_000 { _ = table.decide([claim(owner)], now: Int64(owner) * 10) }
        #expect(table.count == 1000)
    }

    /// Entries looked at per decision, once `count` limiters are there.
    private func cost(_ count: Int, _ pattern: Pattern) -> Double {
        var table = LimiterTable()
        let random = SeededRandom(seed: 7)
        var now: Int64 = 0
        var fresh = count
        for owner in 0..<count { _ = table.decide([claim(owner)], now: now) }
        var (rounds, before) = (0, 0)
        while rounds < 2 * count + 20_000 {
            if rounds == count { before = table.work }
            // Every limiter is charged once a minute or so, whatever their number.
            now += 60 * second / Int64(count)
            let owner = Int(random.below(UInt64(count)))
            switch pattern {
            case .steady: _ = table.decide([claim(owner)], now: now)
            case .changing:
                _ = table.decide([claim(fresh, perHour: 60)], now: now)
                fresh += 1
            }
            rounds += 1
        }
        #expect(table.count <= 2 * count + 100)
        return Double(table.work - before) / Double(rounds - count)
    }

    enum Pattern: CaseIterable { case steady, changing }

    @Test(
        "a decision among 100,000 limiters looks at no more than one and a half times those among 100",
        arguments: Pattern.allCases)
    func cost(pattern: Pattern) {
        let (few, many) = (cost(100, pattern), cost(100_000, pattern))
        #expect(few >= 1, "the counter counts")
        #expect(many <= 1.5 * few, "\(many) against \(few)")
    }

    @Test("when a hundred thousand limiters end at once, no decision pays for all of them")
    func noBurstOfWork() {
        var table = LimiterTable()
        for owner in 0..<100_000 { _ = table.decide([claim(owner)], now: 0) }
        var dearest = 0
        for step in 0..<1000 {
            let before = table.work
            _ = table.decide([claim(step)], now: 3600 * second + Int64(step))
            dearest = max(dearest, table.work - before)
        }
        #expect(dearest <= 64, "\(dearest) entries in one decision")
    }

    @Test("one decision charges all of its limiters or none (Q-1)")
    func allOrNone() {
        var table = LimiterTable()
        let tight = claim(1, burst: 1)
        let wide = claim(2, burst: 100)
        #expect(table.decide([tight, wide], now: 0).isAllowed)
        for _ in 0..<50 { #expect(!table.decide([wide, tight], now: 0).isAllowed) }
        let left = table.decide([wide], now: 0).outcomes[0].remaining
        #expect(left == 98)
    }

    @Test("each limiter keeps its own count while others come in with it and push others out", arguments: 0..<10)
    func apart(seed: Int) {
        var random = PolluxTesting.SeededRandom(seed: seed)
        var (table, small) = (LimiterTable(), LimiterTable(capacity: 20))
        var spent: [Int: Int64] = [:]
        for step in 1...300 {
            let owners = Set((0..<4).map { _ in Int.random(in: 0..<step, using: &random) }).shuffled(using: &random)
            let ruling = table.decide(owners.map { claim($0, burst: 1000) }, now: 0)
            for owner in owners { spent[owner, default: 0] += 1 }
            let expected = owners.map { 1000 - (spent[$0] ?? 0) }
            #expect(ruling.outcomes.map(\.remaining) == expected, "seed \(seed), step \(step)")
            let crowded = small.decide(owners.map { claim($0, burst: 1000) }, now: 0).outcomes
            // What was pushed out counts from the start again; nothing is ever charged for another.
            #expect(zip(crowded, expected).allSatisfy { $0.remaining >= $1 && $0.remaining < 1000 })
            #expect(small.count <= 20)
        }
    }
}
