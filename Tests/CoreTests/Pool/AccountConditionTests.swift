import PolluxTesting
import Testing

@testable import PolluxCore

@Suite("Accounts that wait for a person")
struct AccountConditionTests {
    private func replace(
        _ pool: inout AccountPoolState, with credentials: [Credential], changed: Set<String> = []
    ) {
        pool.replaceAccounts(with: credentials.map { ($0, nil) }, changed: changed)
    }

    @Test(
        "a rejected or restricted account comes back with a new credential only",
        arguments: [PoolWorld.rejected, PoolWorld.restricted])
    func untilChanged(error: GatewayError) {
        var pool = AccountPoolState(["amber"])
        #expect(pool.take() == "amber")
        pool.give("amber", after: error)
        #expect(pool.take(at: 1_000_000) == nil)
        replace(&pool, with: [PoolWorld.credential("amber")])
        #expect(pool.take() == nil)
        replace(&pool, with: [PoolWorld.credential("amber", value: "new")], changed: ["amber"])
        #expect(pool.take() == "amber")
    }

    @Test("an account expires by the wall clock, at the moment itself")
    func expiry() {
        var pool = AccountPoolState(AccountPoolState.Rules(maxInFlight: 9))
        let end = PoolWorld.wall + .seconds(10)
        replace(&pool, with: [PoolWorld.credential("amber", expiresAt: end)])
        #expect(pool.lease(for: .text, now: PoolWorld.start, wallNow: end) != .lease(accountID: "amber"))
        let before = WallTime(microseconds: end.microseconds - 1)
        #expect(pool.lease(for: .text, now: .distantFuture, wallNow: before) == .lease(accountID: "amber"))
        #expect(pool.lack(at: 10).unusable == ["expired": 1])
    }

    @Test("a disabled account is kept, not leased, and comes back when the operator says so")
    func disabled() {
        var pool = AccountPoolState(["amber"])
        replace(&pool, with: [PoolWorld.credential("amber", isDisabled: true)], changed: ["amber"])
        #expect(pool.count == 1)
        #expect(pool.take() == nil)
        #expect(pool.lack().unusable == ["disabled": 1])
        replace(&pool, with: [PoolWorld.credential("amber")], changed: ["amber"])
        #expect(pool.take() == "amber")
    }

    @Test("an account that lacks something is named with what it lacks")
    func incomplete() {
        var pool = AccountPoolState(AccountPoolState.Rules())
        pool.replaceAccounts(
            with: [
                (PoolWorld.credential("amber"), "csesidx is missing"), (PoolWorld.credential("birch"), nil),
                (PoolWorld.credential("cedar", isDisabled: true), nil),
            ],
            changed: [])
        let found = pool.unusableAccounts(wallNow: PoolWorld.wall)
        #expect(found.map(\.accountID) == ["amber", "cedar"])
        #expect(found.map(\.reason) == ["csesidx is missing", "disabled"])
        #expect(pool.take() == "birch")
        #expect(pool.take() == nil)
    }

    @Test("a new snapshot keeps the leases and the rests of accounts that stay")
    func snapshot() {
        var pool = AccountPoolState(["amber", "birch"])
        #expect(pool.take() == "amber")
        #expect(pool.take() == "birch")
        pool.give("birch", after: PoolWorld.limited(retryAfter: .seconds(60)))
        replace(&pool, with: ["cedar", "birch", "amber"].map { PoolWorld.credential($0) })
        #expect(pool.take() == "cedar")
        #expect(pool.take() == nil, "amber is still leased, birch still rests")
        #expect(pool.take(at: 60) == "birch")
        pool.give("amber", at: 60)
        #expect(pool.take(at: 60) == "amber")
    }

    @Test("an account gone from its source ends its lease and is forgotten")
    func leaving() {
        var pool = AccountPoolState(["amber", "birch"], AccountPoolState.Rules(maxInFlight: 2))
        #expect(pool.take() == "amber")
        replace(&pool, with: [PoolWorld.credential("birch")])
        #expect(pool.count == 1)
        #expect(pool.accounts.map(\.id) == ["birch", "amber"])
        #expect([pool.take(), pool.take(), pool.take()] == ["birch", "birch", nil])
        pool.give("amber")
        #expect(pool.accounts.map(\.id) == ["birch"])
    }

    @Test("an account that comes back while its lease runs is the same account")
    func comingBack() {
        var pool = AccountPoolState(["amber"])
        #expect(pool.take() == "amber")
        replace(&pool, with: [])
        replace(&pool, with: [PoolWorld.credential("amber")])
        #expect(pool.take() == nil)
        pool.give("amber")
        #expect(pool.take() == "amber")
    }
}
