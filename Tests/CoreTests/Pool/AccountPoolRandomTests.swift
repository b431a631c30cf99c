import PolluxTesting
import Testing

@testable import PolluxCore

/// Random runs against a second, naive pool. The argument is the seed: a failure is repeated by its name.
@Suite("The pool at random")
struct AccountPoolRandomTests {
    @Test(
        "leases, limits, snapshots and time: every choice and every count is that of a naive pool", arguments: 0..<300)
    func run(seed: Int) {
        var world = RandomPoolWorld(seed: seed)
        for step in 0..<300 {
            world.step()
            guard world.compare("seed \(seed), step \(step)") else { return }
        }
        world.releaseAll()
        #expect(world.pool.accounts.allSatisfy { $0.inFlight == 0 && !$0.isLeaving })
    }
}

/// A pool, its naive twin, and what happens to both.
private struct RandomPoolWorld {
    struct Lease {
        let id: String
        let key: AccountPoolState.LaneKey
        let grant: UInt64
        var hasAnswered = false
    }

    let random: SeededRandom
    var pool: AccountPoolState
    var naive: NaivePool
    var leases: [Lease] = []
    var now = PoolWorld.start
    var wall = PoolWorld.wall
    /// How often attempts fail without an effect on the account.
    let faults: Int

    init(seed: Int) {
        let random = SeededRandom(seed: seed)
        self.random = random
        func pick(_ list: [Duration]) -> Duration { list[Int(random.below(UInt64(list.count)))] }
        let rules = AccountPoolState.Rules(
            strategy: AccountPoolState.Strategy.allCases[Int(random.below(3))], maxInFlight: 1 + Int(random.below(3)),
            cooldown: .seconds(4), maxCooldown: .seconds(20), pace: pick([.zero, .zero, .seconds(2)]),
            breaker: Breaker.Rules(
                failuresInARow: 2 + Int(random.below(3)), minOutcomes: 4, window: 5, baseOpen: .seconds(2),
                maxOpen: .seconds(9)),
            endpoint: Breaker.Rules(
                failuresInARow: 4, runSpan: .seconds(2), minOutcomes: 8, window: 4, baseOpen: .seconds(1),
                maxOpen: .seconds(5)),
            textRestsAll: random.below(3) == 0, attemptTimeout: .seconds(6))
        (pool, naive) = (AccountPoolState(rules, random: NoJitter()), NaivePool(rules))
        naive.wallOffset = wall - WallTime(microseconds: 0)
        faults = [0, 1, 1, 4][Int(random.below(4))]
    }

    func pick(_ count: Int) -> Int { Int(random.below(UInt64(count))) }

    private var randomKey: AccountPoolState.LaneKey {
        AccountPoolState.LaneKey(quotaClass: QuotaClass.allCases[pick(3)], model: ["", "m", "n"][pick(3)])
    }

    mutating func step() {
        switch pick(24) {
        case 0...9: lease()
        case 10...15: release()
        case 16: answer()
        case 17...18: replace()
        case 19: operate()
        case 20...21: advance(.seconds(Int64(pick(5))), wall: .zero)
        case 22: advance(.milliseconds(Int64(pick(3000))), wall: .zero)
        // The wall clock is set.
        default: advance(.zero, wall: .seconds(Int64(pick(5)) - 1))
        }
    }

    private mutating func advance(_ time: Duration, wall step: Duration) {
        now = now + time
        wall = wall + time + step
        naive.wallOffset += step
        naive.settle(now, wall)
    }

    private mutating func lease() {
        let key = randomKey
        if pick(4) == 0 {
            let id = "a\(pick(7))"
            let isReady = naive.ready(key, excluding: [], now: now, wallNow: wall).contains(id)
            let isLeased = pool.lease(
                account: id, for: key.quotaClass, model: key.model, now: now, wallNow: wall)
            #expect(isLeased == isReady)
            if isLeased { note(id, key) }
            return
        }
        let tried = Set((0..<pick(3)).map { _ in "a\(pick(7))" })
        let expected = naive.choose(key, excluding: tried, now: now, wallNow: wall)
        let choice = pool.lease(
            for: key.quotaClass, model: key.model, excluding: tried, now: now, wallNow: wall)
        guard case .lease(let id) = choice else {
            #expect(expected == nil)
            return
        }
        #expect(id == expected)
        note(id, key)
    }

    private mutating func note(_ id: String, _ key: AccountPoolState.LaneKey) {
        naive.take(id, key, pool.lastGrant, now)
        leases.append(Lease(id: id, key: key, grant: pool.lastGrant))
    }

    private mutating func answer() {
        guard !leases.isEmpty else { return }
        let index = pick(leases.count)
        guard !leases[index].hasAnswered else { return }
        leases[index].hasAnswered = true
        let lease = leases[index]
        pool.answers(lease.id, for: lease.key.quotaClass, now: now, grant: lease.grant)
        naive.answers(lease.id, lease.key, now)
    }

    private mutating func release() {
        guard !leases.isEmpty else { return }
        let lease = leases.remove(at: pick(leases.count))
        let (id, key) = (lease.id, lease.key)
        if pick(8) == 0 {
            let end: Instant? = pick(2) == 0 ? nil : now + .seconds(Int64(pick(6)))
            pool.giveBack(
                id, for: key.quotaClass, model: key.model, grant: lease.grant, limit: end.map { ($0, "own") }, now: now)
            return naive.giveBack(id, key, lease.grant, limitedUntil: end, now)
        }
        let isFault = pick(5) < faults
        let error = isFault ? Self.faults[pick(Self.faults.count)] : Self.outcomes[pick(Self.outcomes.count)]
        var trace = AccountPoolState.Trace()
        (trace.isCommitted, trace.hasAnswered) = (pick(5) == 0, lease.hasAnswered)
        pool.release(id, for: key.quotaClass, model: key.model, after: error, now: now, grant: lease.grant, trace)
        naive.give(id, key, error, lease.grant, trace, now)
    }

    private mutating func replace() {
        let ids = (0..<7).map { "a\($0)" }.filter { _ in pick(4) > 0 }
        let credentials = ids.map { id in
            PoolWorld.credential(
                id, expiresAt: pick(8) == 0 ? wall + .seconds(10) : nil, isDisabled: pick(8) == 0,
                proxy: [nil, "http://x", "http://y"][pick(3)], weight: 1 + pick(3))
        }
        let changed = Set(ids.filter { _ in pick(3) == 0 })
        pool.replaceAccounts(with: credentials.map { ($0, nil) }, changed: changed)
        naive.replace(credentials, changed)
    }

    private mutating func operate() {
        let id = "a\(pick(7))"
        guard naive.accounts[id] != nil else { return }
        switch pick(3) {
        case 0:
            let quotaClass: QuotaClass? = pick(2) == 0 ? nil : QuotaClass.allCases[pick(3)]
            #expect(pool.reset(id, quotaClass) == true)
            naive.reset(id, quotaClass)
        case 1:
            #expect(pool.setDisabled(id, true) == true)
            naive.setDisabled(id, true)
        default:
            #expect(pool.setDisabled(id, false) == true)
            naive.setDisabled(id, false)
        }
    }

    mutating func releaseAll() {
        for lease in leases {
            pool.release(
                lease.id, for: lease.key.quotaClass, model: lease.key.model, after: nil, now: now, grant: lease.grant)
        }
    }

    /// Every lane's figures against those that the naive pool counts anew.
    mutating func compare(_ comment: String) -> Bool {
        for quotaClass in QuotaClass.allCases {
            for model in ["", "m", "n"] {
                let key = AccountPoolState.LaneKey(quotaClass: quotaClass, model: model)
                let tried = Set((0..<pick(3)).map { _ in "a\(pick(7))" })
                let shortage = pool.shortage(
                    for: quotaClass, model: model, excluding: tried, now: now, wallNow: wall)
                let expected = naive.shortage(key, excluding: tried, now: now, wallNow: wall)
                guard shortage == expected else {
                    Issue.record("\(comment): \(key) has \(shortage), not \(expected)")
                    return false
                }
            }
        }
        return true
    }

    private static let outcomes: [GatewayError?] = [
        nil, nil, nil, nil, PoolWorld.limited(.account), PoolWorld.limited(.accountClass),
        PoolWorld.limited(.accountModel), PoolWorld.limited(.accountModel, retryAfter: .seconds(9)),
        PoolWorld.limited(.exit, retryAfter: .seconds(3)), PoolWorld.limited(.endpoint, retryAfter: .seconds(1)),
        PoolWorld.limited(.account, retryAfter: .seconds(7)), PoolWorld.rejected, PoolWorld.restricted,
        .cancelled,
        GatewayError(.quotaExhausted, .accountClass, "spent", retryAfter: .seconds(6), accountEffect: .exhaustQuota),
        GatewayError(.quotaExhausted, .account, "spent", retryAfter: .seconds(3), accountEffect: .exhaustQuota),
        GatewayError(.upstreamAuth, .account, "puzzle", accountEffect: .needHuman),
        GatewayError(.upstreamAuth, .account, "over", accountEffect: .endTrial),
    ]

    private static let faults: [GatewayError] = [
        PoolWorld.broken, PoolWorld.broken, GatewayError(.upstreamError, .endpoint, "500"),
        GatewayError(.upstreamTimeout, .endpoint, "late"), GatewayError(.upstreamUnreachable, .endpoint, "no way"),
        GatewayError(.upstreamTruncated, .endpoint, "cut"), GatewayError(.upstreamRejected, .request, "400"),
    ]
}
