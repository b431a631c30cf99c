import PolluxTesting
import Synchronization
import Testing

@testable import PolluxCore

@Suite("A pool that outlives its settings")
struct PoolReloadTests {
    private let time = ManualTime()

    private func pool(_ ids: [String]) -> AccountPool {
        let pool = AccountPool(.init(), time: time)
        pool.update(source: "file", ids.map { PoolWorld.credential($0) }) { _ in nil }
        return pool
    }

    @Test("under other rules it knows who is leased, who rests and whose credential was refused")
    func keepsState() throws {
        let pool = pool(["amber", "birch", "cedar", "dogwood"])
        let amber = try pool.lease(for: .text, provider: "p")
        try pool.lease(for: .text, provider: "p").release(after: PoolWorld.limited(retryAfter: .seconds(100)))
        try pool.lease(for: .text, provider: "p").release(after: PoolWorld.rejected)
        pool.change(.init(strategy: .fillFirst, maxInFlight: 3, cooldown: .seconds(5)))
        var shortage = pool.shortage()
        #expect((shortage.ready, shortage.cooling, shortage.unusable.count) == (2, 1, 1))
        #expect(shortage.firstBack == .seconds(100), "a rest that runs keeps its end")
        let again = (0..<2).compactMap { _ in try? pool.lease(for: .text, provider: "p") }
        #expect(again.map(\.accountID) == ["amber", "amber"], "three at a time now, the first one first")
        for lease in [amber] + again { lease.release(after: nil) }
        shortage = pool.shortage()
        #expect((shortage.ready, shortage.busy) == (2, 0))
    }

    @Test("a higher limit lets in who waits")
    func letsIn() async throws {
        let pool = pool(["amber"])
        let held = try pool.lease(for: .text, provider: "p")
        let deadline = time.now + .seconds(30)
        let waiter = Task {
            try await pool.waitForLease(for: .text, provider: "p", until: deadline, maxDepth: 1)
        }
        while pool.waiterCount == 0 { await Task.yield() }
        pool.change(.init(maxInFlight: 2))
        #expect(try await waiter.value.accountID == "amber")
        held.release(after: nil)
    }

    @Test("a source that is gone takes along what no other source names; what is rotated or refused stays known")
    func removesSource() async throws {
        let pool = pool(["amber", "birch"])
        let lease = try pool.lease(for: .text, provider: "p")
        try await lease.rotate(to: PoolWorld.credential("amber", value: "rotated"))
        lease.release(after: PoolWorld.restricted)
        pool.update(source: "renamed", [PoolWorld.credential("amber")]) { _ in nil }
        #expect(pool.sourceNames == ["file", "renamed"])
        pool.remove(source: "file") { _ in nil }
        #expect(pool.sourceNames == ["renamed"])
        #expect(pool.count == 1)
        #expect(pool.unusableAccounts.map(\.accountID) == ["amber"])
        #expect(pool.state.withLock { $0.credentials["amber"] } == PoolWorld.credential("amber", value: "rotated"))
    }

    @Test("an upstream in another's place has what is left of its retry budget")
    func budget() {
        let retry = RetryPolicy(maxRetries: 1, budgetRatio: 0)
        let first = Upstream(name: "u", kind: "k", provider: NoProvider(), pool: pool([]), retry: retry)
        for _ in 0..<15 { #expect(first.mayAttempt(again: PoolWorld.broken)) }
        let second = Upstream(
            name: "u", kind: "k", provider: NoProvider(), pool: first.pool, retry: retry, after: first)
        let left = (0..<10).count { _ in second.mayAttempt(again: PoolWorld.broken) }
        #expect(left == 5)
    }
}

private struct NoProvider: Provider {
    struct Settings: SettingsReadable { init(reading map: inout SettingsMap) {} }
    static let kind: PluginKind = "none"
    init() {}
    init(settings: Settings, context: ProviderContext) throws(GatewayError) {}
    func generate(_ request: ModelRequest, on lease: any AccountLease) async throws(GatewayError) -> EventStream {
        throw .cancelled
    }
}
