import PolluxTesting
import Testing

@testable import PolluxCore

@Suite("What is remembered of accounts over a restart")
struct AccountMemoryTests {
    private let time = ManualTime()

    private func pool(_ rules: AccountPoolState.Rules = .init(maxInFlight: 50)) -> AccountPool {
        AccountPool(rules, name: "p", random: NoJitter(), time: time)
    }

    private func publish(_ pool: AccountPool, _ ids: [String], key: String = "v", changed: Set<String>? = nil) {
        pool.update(source: "s", ids.map { PoolWorld.credential($0, value: key) }, changed: changed) { _ in nil }
    }

    private func attempt(_ pool: AccountPool, _ id: String, _ error: GatewayError?) {
        attempt(pool, id, .text, error)
    }

    private func attempt(_ pool: AccountPool, _ id: String, _ quotaClass: QuotaClass, _ error: GatewayError?) {
        pool.lease(account: id, for: quotaClass, model: "m")?.release(after: error)
    }

    /// A pool as it is after a restart.
    private func restarted(_ old: AccountPool, _ ids: [String], after pause: Duration = .zero) -> AccountPool {
        let memories = old.takeChangedMemories()
        time.advance(by: pause)
        let new = pool()
        new.restore(memories, wallNow: time.wallNow)
        publish(new, ids)
        return new
    }

    @Test("rests, quotas, models and counts go on as if nothing had happened")
    func everything() {
        let old = pool()
        publish(old, ["a", "b", "c", "d"])
        attempt(old, "a", .images, PoolWorld.limited(.accountClass, retryAfter: .seconds(500)))
        attempt(old, "a", .text, nil)
        attempt(old, "b", GatewayError(.quotaExhausted, .accountClass, "x", accountEffect: .exhaustQuota))
        attempt(old, "c", PoolWorld.limited(.accountModel, retryAfter: .seconds(500)))
        for _ in 0..<3 { attempt(old, "d", GatewayError(.upstreamError, .endpoint, "500")) }
        let before = ["a", "b", "c", "d"].compactMap { old.report(of: $0) }
        let new = restarted(old, ["a", "b", "c", "d"])
        let after = ["a", "b", "c", "d"].compactMap { new.report(of: $0) }
        for (left, right) in zip(before, after) {
            #expect(left.classes.map(\.state) == right.classes.map(\.state), "\(left.accountID)")
            #expect(left.classes.map(\.until) == right.classes.map(\.until), "\(left.accountID)")
            #expect(left.classes.map(\.failures) == right.classes.map(\.failures), "\(left.accountID)")
            #expect(left.models == right.models, "\(left.accountID)")
            #expect(left.counters == right.counters, "\(left.accountID)")
        }
    }

    @Test("a suspension goes on to its end, and is half-open when that is past", arguments: [30, 60, 100_000])
    func suspension(pause: Int64) {
        let old = pool()
        publish(old, ["a", "b"])
        for _ in 0..<5 {
            attempt(old, "a", GatewayError(.upstreamError, .endpoint, "500"))
            attempt(old, "b", nil)
        }
        let new = restarted(old, ["a", "b"], after: .seconds(pause))
        #expect(new.report(of: "a")?.state == .suspended)
        #expect(new.report(of: "a")?.classes[0].openings == 1)
        let probe = new.lease(account: "a", for: .text)
        #expect((probe != nil) == (pause >= 60))
        if pause >= 60 { #expect(new.lease(account: "a", for: .text) == nil) }
    }

    @Test(
        "a finding stands until the credential is another one than before the restart",
        arguments: [Set<String>(), ["a"], nil])
    func finding(changed: Set<String>?) {
        let old = pool()
        publish(old, ["a"])
        attempt(old, "a", PoolWorld.rejected)
        let new = pool()
        new.restore(old.takeChangedMemories(), wallNow: time.wallNow)
        publish(new, ["a"], changed: changed)
        #expect(new.report(of: "a")?.state == (changed == ["a"] ? .ready : .credentialRejected))
    }

    @Test("times are cut to their maxima: the clock may have been wrong")
    func cut() {
        let old = pool()
        publish(old, ["a", "b", "c"])
        attempt(old, "a", PoolWorld.limited(.accountClass, retryAfter: .seconds(80_000)))
        attempt(old, "b", GatewayError(.quotaExhausted, .accountClass, "x", accountEffect: .exhaustQuota))
        for _ in 0..<5 { attempt(old, "c", GatewayError(.upstreamError, .endpoint, "500")) }
        let memories = old.takeChangedMemories()
        time.stepWallClock(by: .seconds(-1_000_000))
        let new = pool()
        new.restore(memories, wallNow: time.wallNow)
        publish(new, ["a", "b", "c"])
        let waits = ["a", "b", "c"].map { new.report(of: $0)?.classes[0].remaining }
        #expect(waits == [.seconds(86_400), .seconds(25 * 3600), .seconds(3600)])
    }

    @Test("only what has changed is handed out, and once")
    func changedOnly() {
        let pool = pool()
        publish(pool, ["a", "b"])
        #expect(pool.takeChangedMemories() == [])
        attempt(pool, "b", nil)
        attempt(pool, "b", nil)
        #expect(pool.takeChangedMemories().map(\.accountID) == ["b"])
        #expect(pool.takeChangedMemories() == [])
    }

    @Test("of hundreds of accounts all are told of, in file order, and all that changed is handed out")
    func many() {
        let pool = pool()
        let ids = (0..<250).map { "a\($0)" }
        publish(pool, ids)
        for id in ids.dropFirst() { attempt(pool, id, nil) }
        #expect(pool.reports().map(\.accountID) == ids)
        #expect(pool.takeChangedMemories().map(\.accountID) == Array(ids.dropFirst()))
        #expect(pool.takeChangedMemories() == [])
    }

    @Test("what another provider or a later version has remembered is passed over")
    func foreign() {
        let pool = pool()
        pool.restore(
            [
                AccountMemory(provider: "q", accountID: "a", body: ["v": 1, "finding": ["state": "restricted"]]),
                AccountMemory(provider: "p", accountID: "b", body: ["v": 9, "finding": ["state": "restricted"]]),
            ], wallNow: time.wallNow)
        publish(pool, ["a", "b"])
        #expect(pool.shortage().ready == 2)
    }

    @Test("whatever a memory holds, nothing traps", arguments: 0..<100)
    func noise(seed: Int) {
        let dice = SeededRandom(seed: seed)
        let odd: [JSON] = [
            .null, true, -1, 0, 1, .number(JSONNumber(Int.max)), .number(JSONNumber(Int.min)), "", "x", [], [:], [1],
        ]
        func any() -> JSON { odd[Int(dice.below(UInt64(odd.count)))] }
        let strand: JSON = [
            "rest": ["until": any(), "repeats": any()], "quota_until": any(), "reason": any(),
            "breaker": ["until": any(), "openings": any(), "failures": any(), "closed_since": any()],
        ]
        let body: JSON = [
            "v": 1, "finding": ["state": any(), "at": any()], "classes": ["text": strand, "images": any()],
            "models": [["class": "text", "model": "m", "until": any(), "repeats": any()]],
            "counters": ["successes": any(), "answers": [any()], "last_used": any()],
        ]
        let pool = pool()
        pool.restore([AccountMemory(provider: "p", accountID: "a", body: body)], wallNow: time.wallNow)
        publish(pool, ["a"])
        attempt(pool, "a", PoolWorld.limited())
        attempt(pool, "a", GatewayError(.upstreamError, .endpoint, "500"))
        _ = pool.reports()
        pool.reset(account: "a")
        attempt(pool, "a", nil)
        #expect(pool.report(of: "a")?.state == .ready, "seed \(seed)")
        #expect(pool.takeChangedMemories().count == 1)
    }
}
