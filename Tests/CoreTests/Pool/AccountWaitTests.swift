import PolluxTesting
import Testing

@testable import PolluxCore

@Suite("Waiting for a busy account")
struct AccountWaitTests {
    private let time = ManualTime()

    private func pool(_ ids: [String]) -> AccountPool {
        let pool = AccountPool(AccountPoolState.Rules(), time: time)
        pool.update(source: "file", ids.map { PoolWorld.credential($0) }) { _ in nil }
        return pool
    }

    private func wait(
        _ pool: AccountPool, seconds: Int64 = 30, maxDepth: Int = 100
    ) -> Task<Result<PoolLease, GatewayError>, Never> {
        let deadline = time.now + .seconds(seconds)
        return Task {
            do throws(GatewayError) {
                return .success(
                    try await pool.waitForLease(
                        for: .text, provider: "p", until: deadline, maxDepth: maxDepth))
            } catch { return .failure(error) }
        }
    }

    /// The waiter and its deadline have both settled down.
    private func untilWaiting(_ pool: AccountPool, _ count: Int) async {
        await time.untilSleeping(count)
        while pool.waiterCount < count { await Task.yield() }
    }

    @Test("who came first is served first")
    func order() async throws {
        let pool = pool(["amber"])
        let held = try pool.lease(for: .text, provider: "p")
        let served = Journal()
        var tasks: [Task<Void, Never>] = []
        for number in 1...3 {
            let waiting = wait(pool)
            tasks.append(
                Task {
                    if case .success(let lease) = await waiting.value {
                        served.note("\(number)")
                        lease.release(after: nil)
                    }
                })
            await untilWaiting(pool, number)
        }
        held.release(after: nil)
        for task in tasks { await task.value }
        #expect(served.entries == ["1", "2", "3"])
        #expect(pool.shortage().ready == 1)
    }

    @Test("a wait ends at its deadline with the reason")
    func deadline() async throws {
        let pool = pool(["amber"])
        let held = try pool.lease(for: .text, provider: "p")
        let waiting = wait(pool, seconds: 5)
        await untilWaiting(pool, 1)
        time.advance(by: .seconds(5))
        let error = await waiting.value.failure
        #expect(error?.kind == .noAccountAvailable)
        #expect(error?.message == "no account of provider \"p\" is free: 1 account, 1 at the limit of 1 in flight")
        #expect(pool.waiterCount == 0)
        held.release(after: nil)
        #expect(pool.shortage().ready == 1)
    }

    @Test("a wait that is cancelled ends at once and takes nothing")
    func cancelled() async throws {
        let pool = pool(["amber"])
        let held = try pool.lease(for: .text, provider: "p")
        let waiting = wait(pool)
        await untilWaiting(pool, 1)
        waiting.cancel()
        #expect(await waiting.value.failure?.kind == .cancelled)
        held.release(after: nil)
        #expect(pool.shortage().ready == 1)
    }

    @Test("a wait that is cancelled before it begins ends too", arguments: 0..<50)
    func cancelledEarly(round: Int) async throws {
        let pool = pool(["amber"])
        let held = try pool.lease(for: .text, provider: "p")
        let waiting = wait(pool)
        waiting.cancel()
        #expect(await waiting.value.failure?.kind == .cancelled)
        held.release(after: nil)
    }

    @Test("no more than so many may wait")
    func depth() async throws {
        let pool = pool(["amber"])
        let held = try pool.lease(for: .text, provider: "p")
        let first = wait(pool, maxDepth: 1)
        await untilWaiting(pool, 1)
        #expect(await wait(pool, maxDepth: 1).value.failure?.kind == .noAccountAvailable)
        held.release(after: nil)
        #expect(await first.value.failure == nil)
    }

    @Test("a wait that no release can help ends when the account begins to rest, and names the time")
    func restingInstead() async throws {
        let pool = pool(["amber"])
        let held = try pool.lease(for: .text, provider: "p")
        let waiting = wait(pool)
        await untilWaiting(pool, 1)
        held.release(after: PoolWorld.limited(retryAfter: .seconds(42)))
        #expect(pool.waiterCount == 0)
        if pool.waiterCount > 0 { waiting.cancel() }
        let error = await waiting.value.failure
        #expect(error?.retryAfter == .seconds(42))
        #expect(time.now == Instant(microseconds: 0))
    }

    @Test("nobody waits for accounts that rest or are rejected")
    func pointless() async throws {
        let pool = pool(["amber"])
        try pool.lease(for: .text, provider: "p").release(after: PoolWorld.limited())
        #expect(await wait(pool).value.failure?.kind == .noAccountAvailable)
    }

    @Test("an account that a source adds serves who waits")
    func added() async throws {
        let pool = pool(["amber"])
        let held = try pool.lease(for: .text, provider: "p")
        let waiting = wait(pool)
        await untilWaiting(pool, 1)
        pool.update(source: "file", ["amber", "birch"].map { PoolWorld.credential($0) }) { _ in nil }
        #expect(try await waiting.value.get().accountID == "birch")
        held.release(after: nil)
    }
}

extension Result {
    var failure: Failure? {
        if case .failure(let error) = self { return error }
        return nil
    }
}
