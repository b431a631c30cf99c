import PolluxTesting
import Testing

@testable import PolluxCore

@Suite("Accounts rest")
struct AccountRestTests {
    private let rules = AccountPoolState.Rules(
        strategy: .fillFirst, maxInFlight: 4, cooldown: .seconds(60), maxCooldown: .seconds(200))

    @Test("a rate-limited account rests for what the upstream asked, to the microsecond")
    func retryAfter() {
        var pool = AccountPoolState(["amber"], rules)
        #expect(pool.take() == "amber")
        pool.give("amber", after: PoolWorld.limited(retryAfter: .seconds(7)))
        let end = PoolWorld.start + .seconds(7)
        let before = Instant(microseconds: end.microseconds - 1)
        #expect(pool.lease(for: .text, now: before, wallNow: PoolWorld.wall) != .lease(accountID: "amber"))
        #expect(pool.lease(for: .text, now: end, wallNow: PoolWorld.wall) == .lease(accountID: "amber"))
    }

    @Test("without a time of the upstream's own the rest doubles while limits repeat, up to the longest")
    func doubling() {
        var pool = AccountPoolState(["amber"], rules)
        var now: Int64 = 0
        for rest: Int64 in [60, 120, 200, 200] {
            #expect(pool.take(at: now) == "amber")
            pool.give("amber", after: PoolWorld.limited(), at: now)
            #expect(pool.take(at: now + rest - 1) == nil)
            now += rest
        }
        #expect(pool.take(at: now) == "amber")
        pool.give("amber", at: now)
        #expect(pool.take(at: now) == "amber")
        pool.give("amber", after: PoolWorld.limited(), at: now)
        #expect(pool.take(at: now + 60) == "amber", "a success ends the doubling")
    }

    @Test("requests that ran side by side count as one repetition, and the longest wish wins")
    func sideBySide() {
        var pool = AccountPoolState(["amber"], rules)
        for _ in 0..<4 { #expect(pool.take() == "amber") }
        pool.give("amber", after: PoolWorld.limited())
        pool.give("amber", after: PoolWorld.limited(), at: 1)
        #expect(pool.lack(at: 2).firstBack == .seconds(58))
        pool.give("amber", after: PoolWorld.limited(retryAfter: .seconds(100)), at: 2)
        pool.give("amber", after: PoolWorld.limited(retryAfter: .seconds(5)), at: 3)
        #expect(pool.lack(at: 3).firstBack == .seconds(99))
        #expect(pool.take(at: 102) == "amber")
        pool.give("amber", after: PoolWorld.limited(), at: 102)
        #expect(pool.lack(at: 102).firstBack == .seconds(120))
    }

    @Test("the success of a request from before the limit does not end the rest")
    func lateSuccess() {
        var pool = AccountPoolState(["amber"], rules)
        for _ in 0..<2 { #expect(pool.take() == "amber") }
        pool.give("amber", after: PoolWorld.limited())
        pool.give("amber", at: 1)
        #expect(pool.take(at: 59) == nil)
        #expect(pool.take(at: 60) == "amber")
    }

    @Test("a limit of one class leaves the others; one of the account rests all of them")
    func scope() {
        var pool = AccountPoolState(["amber"], rules)
        for quotaClass in [QuotaClass.images, .text] { #expect(pool.take(quotaClass) == "amber") }
        pool.give("amber", .images, after: PoolWorld.limited(.accountClass))
        #expect(pool.take(.images) == nil)
        #expect(pool.take(.videos) == "amber")
        pool.give("amber", .text, after: PoolWorld.limited(.account))
        for quotaClass in QuotaClass.allCases { #expect(pool.take(quotaClass) == nil) }
    }

    @Test("a few faults of the network rest nobody")
    func network() {
        var pool = AccountPoolState(["amber"], rules)
        for _ in 0..<4 {
            #expect(pool.take() == "amber")
            pool.give("amber", after: PoolWorld.broken)
        }
    }

    @Test("cooldowns of any length do not trap")
    func extremes() {
        let year = Duration.seconds(365 * 86_400)
        let rules = AccountPoolState.Rules(cooldown: year, maxCooldown: year)
        var pool = AccountPoolState(["amber"], rules)
        for round in 0..<40 {
            let now = PoolWorld.start + year * round
            #expect(pool.lease(for: .text, now: now, wallNow: PoolWorld.wall) == .lease(accountID: "amber"))
            pool.release("amber", for: .text, after: PoolWorld.limited(), now: now)
        }
        pool.release("nobody", for: .text, after: nil, now: PoolWorld.start)
        #expect(pool.lack().cooling == 1)
    }
}
