import PolluxTesting
import Testing

@testable import PolluxCore

@Suite("What rests with an account")
struct AccountScopeTests {
    private let rules = AccountPoolState.Rules(strategy: .fillFirst, maxInFlight: 4, cooldown: .seconds(60))

    private func pool(_ proxies: [String: String?]) -> AccountPoolState {
        var pool = AccountPoolState(rules)
        let ids = proxies.keys.sorted()
        pool.replaceAccounts(
            with: ids.map { (PoolWorld.credential($0, proxy: proxies[$0] ?? nil), nil) }, changed: Set(ids))
        return pool
    }

    @Test("a limit of one model leaves the account's other models")
    func model() {
        var pool = AccountPoolState(["amber", "birch"], rules)
        #expect(pool.take(model: "pro") == "amber")
        pool.give("amber", model: "pro", after: PoolWorld.limited(.accountModel, retryAfter: .seconds(100)))
        #expect(pool.take(model: "pro") == "birch")
        #expect(pool.take(model: "flash") == "amber")
        #expect(pool.take() == "amber")
        #expect(pool.take(model: "pro", at: 99) == "birch")
        #expect(pool.take(model: "pro", at: 100) == "amber")
    }

    @Test("a model rests together with its class, until both are over")
    func modelAndClass() {
        var pool = AccountPoolState(["amber"], rules)
        for _ in 0..<2 { #expect(pool.take(model: "pro") == "amber") }
        pool.give("amber", model: "pro", after: PoolWorld.limited(.accountModel, retryAfter: .seconds(100)))
        pool.give("amber", model: "pro", after: PoolWorld.limited(.accountClass, retryAfter: .seconds(200)))
        #expect(pool.take(model: "flash", at: 150) == nil)
        #expect(pool.take(model: "pro", at: 150) == nil)
        #expect(pool.take(model: "pro", at: 200) == "amber")
    }

    @Test("the rest of a model doubles while it repeats, and a success with that model ends the doubling")
    func modelDoubling() {
        var pool = AccountPoolState(["amber"], rules)
        var now: Int64 = 0
        for rest: Int64 in [60, 120, 240] {
            #expect(pool.take(model: "pro", at: now) == "amber")
            pool.give("amber", model: "pro", after: PoolWorld.limited(.accountModel), at: now)
            #expect(pool.take(model: "flash", at: now) == "amber")
            pool.give("amber", model: "flash", at: now)
            #expect(pool.take(model: "pro", at: now + rest - 1) == nil)
            now += rest
        }
        #expect(pool.take(model: "pro", at: now) == "amber")
        pool.give("amber", model: "pro", at: now)
        #expect(pool.modelLanes.isEmpty, "what is forgotten costs nothing any more")
        #expect(pool.take(model: "pro", at: now) == "amber")
        pool.give("amber", model: "pro", after: PoolWorld.limited(.accountModel), at: now)
        #expect(pool.lack(model: "pro", at: now).firstBack == .seconds(60))
    }

    @Test("only so many models are kept apart; the one that rests no longer, or least, makes room")
    func manyModels() {
        var pool = AccountPoolState(["amber"], rules)
        let limit = AccountPoolState.modelLaneLimit
        for number in 0...limit {
            let model = "m\(number)"
            #expect(pool.take(model: model) == "amber")
            let wait = Duration.seconds(Int64(1000 - number))
            pool.give("amber", model: model, after: PoolWorld.limited(.accountModel, retryAfter: wait))
        }
        #expect(pool.modelLanes.count == limit)
        #expect(pool.take(model: "m\(limit - 1)") == "amber", "the one that would have been back first")
        #expect(pool.take(model: "m0") == nil)
        #expect(pool.take(model: "m\(limit)") == nil)
    }

    @Test("a blocked address rests every account that leaves by it, and no other")
    func exit() {
        var pool = pool(["amber": "socks5://a", "birch": "socks5://a", "cedar": "socks5://b", "dogwood": nil])
        #expect(pool.take() == "amber")
        pool.give("amber", after: PoolWorld.limited(.exit, retryAfter: .seconds(100)))
        #expect(pool.lack().cooling == 2)
        #expect(pool.lack().ready == 2)
        #expect(pool.lack().firstBack == .seconds(100))
        #expect(pool.take() == "cedar")
        #expect(pool.take(.images) == "cedar")
        #expect(pool.take(excluding: ["cedar"]) == "dogwood")
        #expect(pool.take(at: 100) == "amber")
    }

    @Test("accounts without a proxy of their own share an exit")
    func commonExit() {
        var pool = pool(["amber": nil, "birch": nil, "cedar": "socks5://b"])
        #expect(pool.take() == "amber")
        pool.give("amber", after: PoolWorld.limited(.exit, retryAfter: .seconds(100)))
        #expect(pool.take() == "cedar")
    }

    @Test("an exit's rest outlives a new snapshot, and a new account behind it rests too")
    func exitAndSnapshot() {
        var pool = pool(["amber": "socks5://a"])
        #expect(pool.take() == "amber")
        pool.give("amber", after: PoolWorld.limited(.exit, retryAfter: .seconds(100)))
        pool.replaceAccounts(
            with: ["amber", "birch"].map { (PoolWorld.credential($0, proxy: "socks5://a"), nil) }, changed: ["birch"])
        #expect(pool.take(at: 99) == nil)
        #expect(pool.lack(at: 99).cooling == 2)
        #expect(pool.take(at: 100) == "amber")
    }

    @Test("an upstream that asks everybody for a pause rests the whole pool")
    func endpoint() {
        var pool = AccountPoolState(["amber", "birch"], rules)
        for id in ["amber", "amber"] { #expect(pool.take() == id) }
        let pause = GatewayError(
            .upstreamUnavailable, .endpoint, "503", retryAfter: .seconds(30), accountEffect: .cool)
        pool.give("amber", after: pause)
        #expect(pool.take() == nil)
        let lack = pool.lack()
        #expect(lack.cooling == 2)
        #expect(lack.ready == 0 && lack.busy == 0)
        #expect(lack.firstBack == .seconds(30))
        #expect(pool.take("birch") == false)
        pool.give("amber", at: 29)
        #expect(pool.take(at: 29) == nil, "an earlier success does not end the pause")
        #expect(pool.take(at: 30) == "amber")
    }

    @Test("an account is leased by name only while it is ready, and the ring goes on as if it had not been")
    func byName() {
        var pool = AccountPoolState(["amber", "birch", "cedar"], AccountPoolState.Rules(maxInFlight: 1))
        #expect(pool.take("cedar") == true)
        #expect(pool.take("cedar") == false)
        #expect(pool.take("elder") == false)
        #expect(pool.take() == "amber")
        #expect(pool.take() == "birch")
        pool.give("birch", after: PoolWorld.limited())
        #expect(pool.take("birch") == false)
    }

    @Test("turns go by weight, and least-in-flight counts leases for their weight")
    func weights() {
        for strategy in [AccountPoolState.Strategy.roundRobin, .leastInFlight] {
            var pool = AccountPoolState(AccountPoolState.Rules(strategy: strategy, maxInFlight: 1000))
            pool.replaceAccounts(
                with: [(PoolWorld.credential("amber", weight: 3), nil), (PoolWorld.credential("birch"), nil)],
                changed: [])
            let taken = (0..<400).compactMap { _ in pool.take() }
            #expect(taken.count { $0 == "amber" } == 300, "\(strategy)")
        }
    }

    @Test("the wall clock may be set back: an account that had expired is there again")
    func clockSetBack() {
        var pool = AccountPoolState(rules)
        let end = PoolWorld.wall + .seconds(10)
        pool.replaceAccounts(with: [(PoolWorld.credential("amber", expiresAt: end), nil)], changed: [])
        for _ in 0..<2 {
            #expect(pool.lease(for: .text, now: PoolWorld.start, wallNow: end) != .lease(accountID: "amber"))
            let before = WallTime(microseconds: end.microseconds - 1_000_000)
            #expect(pool.lease(for: .text, now: PoolWorld.start, wallNow: before) == .lease(accountID: "amber"))
        }
    }
}

@Suite("A limit on an address")
struct AddressLimitTests {
    private let ids = ["amber", "birch", "cedar", "dogwood", "elm", "fir"]

    private func pool(limitsAddresses: Bool = true, proxies: [String: String] = [:]) -> AccountPoolState {
        var pool = AccountPoolState(
            .init(strategy: .fillFirst, cooldown: .seconds(600), limitsAddresses: limitsAddresses))
        pool.replaceAccounts(
            with: ids.map { (PoolWorld.credential($0, proxy: proxies[$0]), nil) }, changed: Set(ids))
        return pool
    }

    private func limit(_ pool: inout AccountPoolState, _ ids: some Sequence<String>, at second: Int64 = 0) {
        for id in ids {
            let isTaken = pool.take(id)
            #expect(isTaken)
            pool.give(id, after: PoolWorld.limited(.accountClass), at: second)
        }
    }

    @Test("four accounts limited at once are one address limited: the others are spared for a minute")
    func spared() {
        var pool = pool()
        limit(&pool, ids.prefix(4))
        #expect(pool.take(at: 59) == nil)
        #expect(pool.take(at: 60) == "elm")
    }

    @Test("fewer, or in the midst of many that answer, are limits of their own accounts")
    func own() {
        var few = pool()
        limit(&few, ids.prefix(3))
        #expect(few.take() == "dogwood")
        var among = AccountPoolState(.init(strategy: .fillFirst, limitsAddresses: true))
        let many = (0..<10).map { "a\($0)" }
        among.replaceAccounts(with: many.map { (PoolWorld.credential($0, proxy: nil), nil) }, changed: Set(many))
        for id in many.dropFirst(4) {
            let isTaken = among.take(id)
            #expect(isTaken)
            among.give(id)
        }
        limit(&among, many.prefix(4))
        #expect(among.take() == "a4")
    }

    @Test("accounts that leave by another proxy go on")
    func otherExit() {
        var pool = pool(proxies: ["fir": "http://127.0.0.1:3128"])
        limit(&pool, ids.prefix(4))
        #expect(pool.take() == "fir")
        #expect(pool.take() == nil)
    }

    @Test("limits that lie further apart are no sign of anything")
    func apart() {
        var pool = pool()
        limit(&pool, ids.prefix(3), at: 0)
        limit(&pool, ["dogwood"], at: 11)
        #expect(pool.take(at: 11) == "elm")
    }

    @Test("where the kind knows no such limit, nothing is made of it")
    func unknownToKind() {
        var pool = pool(limitsAddresses: false)
        limit(&pool, ids.prefix(5))
        #expect(pool.take() == "fir")
    }
}
