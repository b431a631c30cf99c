import PolluxTesting
import Testing

@testable import PolluxCore

@Suite("The pace of accounts, and clocks that are set")
struct PaceTests {
    private let rules = AccountPoolState.Rules(maxInFlight: 5, pace: .seconds(5))

    @Test("two leases of an account keep their distance; another account is taken meanwhile")
    func distance() {
        var pool = AccountPoolState(["amber", "birch"], rules)
        #expect([pool.take(), pool.take(), pool.take()] == ["amber", "birch", nil])
        #expect(pool.lack().paced == 2)
        #expect(pool.lack(at: 3).firstBack == .seconds(2))
        #expect(pool.take(at: 4) == nil)
        #expect(pool.take(at: 5) == "amber")
    }

    @Test("a lease that was not used leaves no distance behind")
    func unused() {
        var pool = AccountPoolState(["amber"], rules)
        #expect(pool.take() == "amber")
        pool.giveBack("amber", for: .text, grant: pool.lastGrant, now: PoolWorld.start)
        #expect(pool.take() == "amber")
    }

    @Test("an account at a limit of the gateway's own rests, and its breaker's probe is free again")
    func ownLimit() {
        var pool = AccountPoolState(["amber"], AccountPoolState.Rules())
        #expect(pool.take(.images) == "amber")
        pool.giveBack(
            "amber", for: .images, grant: pool.lastGrant, limit: (PoolWorld.start + .seconds(30), "2 a day"),
            now: PoolWorld.start)
        #expect(pool.take(.images, at: 29) == nil)
        #expect(pool.take(.text, at: 29) == "amber")
        #expect(pool.report(of: "amber")?.classes[1].reason == "2 a day")
        #expect(pool.news.last?.evidence.cause == .limit)
        pool.give("amber", at: 29)
        #expect(pool.take(.images, at: 30) == "amber")
    }

    @Test("who waits is served when the distance is kept, in order")
    func waiting() async throws {
        let time = ManualTime()
        let pool = AccountPool(rules, time: time)
        pool.update(source: "s", [PoolWorld.credential("amber")]) { _ in nil }
        let first = try pool.lease(for: .text, provider: "p")
        let deadline = time.now + .seconds(60)
        let second = Task { try await pool.waitForLease(for: .text, provider: "p", until: deadline, maxDepth: 9) }
        await time.untilSleeping(1)
        time.advance(by: .seconds(5))
        #expect(try await second.value.accountID == "amber")
        first.release(after: nil)
    }

    @Test("a wall clock set forward past the end of a quota lets a waiting request go on within seconds")
    func clockForward() async throws {
        let time = ManualTime()
        let pool = AccountPool(AccountPoolState.Rules(), time: time)
        pool.update(source: "s", [PoolWorld.credential("amber")]) { _ in nil }
        let spent = GatewayError(
            .quotaExhausted, .account, "x", retryAfter: .seconds(1800), accountEffect: .exhaustQuota)
        try pool.lease(for: .text, provider: "p").release(after: spent)
        let deadline = time.now + .seconds(3600)
        let waiting = Task { try await pool.waitForLease(for: .text, provider: "p", until: deadline, maxDepth: 9) }
        await time.untilSleeping(1)
        time.stepWallClock(by: .seconds(3600))
        time.advance(by: .seconds(5))
        #expect(try await waiting.value.accountID == "amber")
    }

    @Test(
        "a step of the wall clock by an hour neither ends nor lengthens a rest or a suspension",
        arguments: [-3600, 3600])
    func clockAndRests(step: Int64) {
        let time = ManualTime()
        let pool = AccountPool(.init(maxInFlight: 9), random: NoJitter(), time: time)
        pool.update(source: "s", ["a", "b"].map { PoolWorld.credential($0) }) { _ in nil }
        pool.lease(account: "a", for: .text)?.release(after: PoolWorld.limited(retryAfter: .seconds(100)))
        for _ in 0..<5 {
            pool.lease(account: "b", for: .text)?.release(after: GatewayError(.upstreamError, .endpoint, "500"))
        }
        time.stepWallClock(by: .seconds(step))
        #expect(pool.report(of: "a")?.classes[0].remaining == .seconds(100))
        #expect(pool.report(of: "b")?.classes[0].remaining == .seconds(60))
        time.advance(by: .seconds(99))
        #expect(pool.lease(account: "a", for: .text) == nil)
        time.advance(by: .seconds(1))
        #expect(pool.lease(account: "a", for: .text) != nil)
    }
}
