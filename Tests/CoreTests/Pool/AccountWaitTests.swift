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
        _ pool: AccountPool, for quotaClass: QuotaClass = .text, seconds: Int64 = 30, maxDepth: Int = 100
    ) -> Task<Result<PoolLease, GatewayError>, Never> {
        let deadline = time.now + .seconds(seconds)
        return Task {
            do throws(GatewayError) {
                return .success(
                    try await pool.waitForLease(
                        for: quotaClass, provider: "p", until: deadline, maxDepth: maxDepth))
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
        let error = await waiting.value.failure
        #expect(error?.retryAfter == .seconds(42))
        #expect(time.now == Instant(microseconds: 0))
    }

    @Test("a rest that ends in time is waited for, and its end serves who waits")
    func restEnds() async throws {
        let pool = pool(["amber"])
        try pool.lease(for: .text, provider: "p").release(after: PoolWorld.limited(retryAfter: .seconds(10)))
        let waiting = [wait(pool, seconds: 30), wait(pool, seconds: 30)]
        await untilWaiting(pool, 2)
        time.advance(by: .seconds(10))
        while pool.waiterCount > 1 { await Task.yield() }
        await time.untilSleeping(1)
        time.advance(by: .seconds(20))
        let outcomes = [await waiting[0].value, await waiting[1].value]
        #expect(outcomes.count { $0.failure == nil } == 1)
        for case .success(let lease) in outcomes { lease.release(after: nil) }
    }

    @Test("a rest that begins while somebody waits for a busy account is looked after as well")
    func restBegins() async throws {
        let pool = pool(["amber", "birch"])
        let held = [try pool.lease(for: .text, provider: "p"), try pool.lease(for: .text, provider: "p")]
        let waiting = wait(pool, seconds: 30)
        await untilWaiting(pool, 1)
        held[0].release(after: PoolWorld.limited(retryAfter: .seconds(5)))
        // The waiter was called, and sleeps again until the rest is over.
        while time.nextDeadline != Instant(microseconds: 5_000_000) { await Task.yield() }
        time.advance(by: .seconds(5))
        #expect(try await waiting.value.get().accountID == "amber")
        held[1].release(after: nil)
    }

    @Test("when the one who looks after a rest leaves, another does")
    func sentryLeaves() async throws {
        let pool = pool(["amber"])
        try pool.lease(for: .text, provider: "p").release(after: PoolWorld.limited(retryAfter: .seconds(10)))
        let first = wait(pool)
        await untilWaiting(pool, 1)
        let second = wait(pool)
        await untilWaiting(pool, 2)
        first.cancel()
        #expect(await first.value.failure?.kind == .cancelled)
        while time.nextDeadline != Instant(microseconds: 10_000_000) { await Task.yield() }
        time.advance(by: .seconds(10))
        #expect(try await second.value.get().accountID == "amber")
    }

    @Test("who comes new does not overtake those who wait, though the rest has just ended")
    func noOvertaking() async throws {
        let pool = pool(["amber"])
        try pool.lease(for: .text, provider: "p").release(after: PoolWorld.limited(retryAfter: .seconds(10)))
        let waiting = wait(pool)
        await untilWaiting(pool, 1)
        time.advance(by: .seconds(10))
        #expect(throws: GatewayError.self) { try pool.lease(for: .text, provider: "p") }
        #expect(try await waiting.value.get().accountID == "amber")
    }

    @Test("who waits for one kind of work does not hold up another")
    func separateQueues() async throws {
        let pool = pool(["amber"])
        try pool.lease(for: .images, provider: "p")
            .release(after: PoolWorld.limited(.accountClass, retryAfter: .seconds(20)))
        let held = try pool.lease(for: .text, provider: "p")
        let image = wait(pool, for: .images)
        await untilWaiting(pool, 1)
        let text = wait(pool)
        await untilWaiting(pool, 2)
        held.release(after: nil)
        let served = try await text.value.get()
        #expect(pool.waiterCount == 1)
        served.release(after: nil)
        time.advance(by: .seconds(20))
        #expect(try await image.value.get().accountID == "amber")
    }

    @Test("a wait that would pass its deadline is refused at once, with the time that it would take")
    func tooLate() async throws {
        let pool = pool(["amber"])
        try pool.lease(for: .text, provider: "p").release(after: PoolWorld.limited(retryAfter: .seconds(31)))
        #expect(await wait(pool, seconds: 30).value.failure?.retryAfter == .seconds(31))
        #expect(time.sleeperCount == 0)
    }

    @Test("many who leave cost the line nothing, and the rest keep their order")
    func departures() async throws {
        let pool = pool(["amber"])
        let held = try pool.lease(for: .text, provider: "p")
        var tasks: [Task<Result<PoolLease, GatewayError>, Never>] = []
        for number in 1...60 {
            tasks.append(wait(pool))
            await untilWaiting(pool, number)
        }
        for (number, task) in tasks.enumerated() where number % 5 != 4 { task.cancel() }
        for (number, task) in tasks.enumerated() where number % 5 != 4 {
            #expect(await task.value.failure?.kind == .cancelled)
        }
        #expect(pool.waiterCount == 12)
        held.release(after: nil)
        for number in stride(from: 4, to: 60, by: 5) {
            let lease = try await tasks[number].value.get()
            #expect(pool.waiterCount == 12 - (number / 5 + 1))
            lease.release(after: nil)
        }
        #expect(pool.shortage().ready == 1)
    }

    @Test("nobody waits for accounts that rest for longer, or are rejected")
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
