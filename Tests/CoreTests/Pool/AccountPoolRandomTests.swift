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
    let random: SeededRandom
    var pool: AccountPoolState
    var naive: NaivePool
    var leases: [(id: String, key: AccountPoolState.LaneKey)] = []
    var now = PoolWorld.start
    var wall = PoolWorld.wall

    init(seed: Int) {
        random = SeededRandom(seed: seed)
        let rules = AccountPoolState.Rules(
            strategy: AccountPoolState.Strategy.allCases[Int(random.below(3))], maxInFlight: 1 + Int(random.below(3)),
            cooldown: .seconds(4), maxCooldown: .seconds(20))
        (pool, naive) = (AccountPoolState(rules), NaivePool(rules))
    }

    func pick(_ count: Int) -> Int { Int(random.below(UInt64(count))) }

    private var randomKey: AccountPoolState.LaneKey {
        AccountPoolState.LaneKey(quotaClass: QuotaClass.allCases[pick(3)], model: ["", "m", "n"][pick(3)])
    }

    mutating func step() {
        switch pick(11) {
        case 0...4: lease()
        case 5...7: release()
        case 8: replace()
        case 9: now = now + .seconds(Int64(pick(5)))
        default: wall = wall + .seconds(Int64(pick(5)) - 1)
        }
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
        naive.accounts[id]?.inFlight += 1
        leases.append((id, key))
    }

    private mutating func release() {
        guard !leases.isEmpty else { return }
        let lease = leases.remove(at: pick(leases.count))
        let error = Self.outcomes[pick(Self.outcomes.count)]
        pool.release(lease.id, for: lease.key.quotaClass, model: lease.key.model, after: error, now: now)
        naive.give(lease.id, lease.key, error, now)
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

    mutating func releaseAll() {
        for lease in leases {
            pool.release(lease.id, for: lease.key.quotaClass, model: lease.key.model, after: nil, now: now)
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
        PoolWorld.broken, .cancelled,
    ]
}
