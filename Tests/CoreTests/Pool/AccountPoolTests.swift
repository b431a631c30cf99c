import PolluxTesting
import Testing

@testable import PolluxCore

@Suite("Leases")
struct AccountPoolTests {
    private let time = ManualTime()

    private func pool(_ ids: [String], maxInFlight: Int = 1) -> AccountPool {
        let pool = AccountPool(AccountPoolState.Rules(maxInFlight: maxInFlight), time: time)
        pool.update(source: "file", ids.map { PoolWorld.credential($0) }) { _ in nil }
        return pool
    }

    private func lease(_ pool: AccountPool) throws(GatewayError) -> PoolLease {
        try pool.lease(for: .text, provider: "p")
    }

    @Test("a lease is given back once, however often it is released")
    func once() throws {
        let pool = pool(["amber"], maxInFlight: 2)
        let (first, second) = (try lease(pool), try lease(pool))
        #expect(pool.shortage().busy == 1)
        for _ in 0..<3 { first.release(after: nil) }
        #expect(pool.shortage().ready == 1)
        _ = try lease(pool)
        second.release(after: nil)
    }

    @Test("an account of two sources is judged by the record that is in force, whichever source publishes last")
    func twoRecords() throws {
        let pool = pool([])
        func publish(_ source: String, _ value: String) {
            pool.update(source: source, [PoolWorld.credential("amber", value: value)]) {
                $0["key"] == Secret("") ? "lacks a key" : nil
            }
        }
        publish("first", "v")
        publish("second", "")
        #expect(pool.shortage().ready == 1, "the first source's record is whole")
        publish("first", "")
        publish("second", "v")
        #expect(pool.shortage().unusable == ["incomplete": 1], "a whole record that is not in force helps nobody")
        pool.remove(source: "first") { $0["key"] == Secret("") ? "lacks a key" : nil }
        #expect(try lease(pool).credential["key"] == Secret("v"))
    }

    @Test("a block rests the proxy by which the attempt left, not the one that the account has been given since")
    func blockedProxy() throws {
        let pool = pool(["amber"], maxInFlight: 2)
        func publish(_ proxy: String) {
            pool.update(
                source: "file",
                [PoolWorld.credential("amber", proxy: proxy), PoolWorld.credential("birch", proxy: "http://old")]
            ) { _ in nil }
        }
        publish("http://old")
        let leases = [try lease(pool), try lease(pool)].filter { $0.accountID == "amber" }
        #expect(leases.map(\.credential.proxy) == [Secret("http://old")])
        publish("http://new")
        for lease in leases { lease.release(after: PoolWorld.limited(.exit, retryAfter: .seconds(100))) }
        #expect(pool.lease(account: "amber", for: .text) != nil)
        #expect(pool.lease(account: "birch", for: .text) == nil, "it leaves by the old one still")
    }

    @Test("a lease that is forgotten is given back, and blames nobody")
    func forgotten() throws {
        let pool = pool(["amber"])
        do {
            let lease = try lease(pool)
            #expect(lease.accountID == "amber")
            #expect(pool.shortage().busy == 1)
        }
        #expect(pool.shortage().ready == 1)
    }

    @Test("a released lease that is forgotten later does not give back another's")
    func notTwice() throws {
        let pool = pool(["amber"])
        var first: PoolLease? = try lease(pool)
        first?.release(after: nil)
        let second = try lease(pool)
        first = nil
        #expect(pool.shortage().busy == 1)
        second.release(after: nil)
    }

    @Test("without a free account the refusal says why")
    func refusal() throws {
        let pool = pool(["amber"])
        let held = try lease(pool)
        #expect(throws: GatewayError.self) { try lease(pool) }
        held.release(after: PoolWorld.rejected)
        let error = #expect(throws: GatewayError.self) { try lease(pool) }
        #expect(error?.message == "no account of provider \"p\" is free: 1 account, 1 rejected by the upstream")
    }

    @Test("a rotated secret is seen by every lease of the account, and a stale source does not bring the old one back")
    func rotation() async throws {
        let pool = pool(["amber"], maxInFlight: 2)
        let (first, second) = (try lease(pool), try lease(pool))
        try await first.rotate(to: PoolWorld.credential("amber", value: "rotated"))
        #expect(second.credential["key"] == Secret("rotated"))
        pool.update(source: "file", [PoolWorld.credential("amber")]) { _ in nil }
        #expect(second.credential["key"] == Secret("rotated"))
        pool.update(source: "file", [PoolWorld.credential("amber", value: "written")]) { _ in nil }
        #expect(second.credential["key"] == Secret("written"))
    }

    @Test("the lease of an account that left keeps its secret")
    func left() throws {
        let pool = pool(["amber"])
        let held = try lease(pool)
        pool.update(source: "file", []) { _ in nil }
        #expect(held.credential["key"] == Secret("v"))
        #expect(pool.shortage().accounts == 0)
        held.release(after: nil)
        #expect(throws: GatewayError.self) { try lease(pool) }
    }

    @Test("the accounts of several sources are one pool; each source replaces its own only")
    func sources() throws {
        let pool = pool(["amber"])
        pool.update(source: "env", [PoolWorld.credential("birch")]) { _ in nil }
        #expect(pool.shortage().accounts == 2)
        pool.update(source: "file", [PoolWorld.credential("cedar")]) { _ in nil }
        let held = [try lease(pool), try lease(pool)]
        #expect(Set(held.map(\.accountID)) == ["birch", "cedar"])
    }

    @Test("problems of accounts are told once per account, and kept as the reason")
    func problems() {
        let pool = AccountPool(AccountPoolState.Rules(), time: time)
        let found = pool.update(source: "file", ["amber", "birch"].map { PoolWorld.credential($0) }) { credential in
            credential.accountID == "amber" ? "key is missing" : nil
        }
        #expect(found.map(\.accountID) == ["amber"])
        #expect(found.map(\.problem) == ["key is missing"])
        #expect(pool.unusableAccounts.map(\.reason) == ["key is missing"])
    }
}
