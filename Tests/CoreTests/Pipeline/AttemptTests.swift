import PolluxTesting
import Testing

@testable import PolluxCore

@Suite("Attempts, exactly")
struct AttemptTests {
    private let limited = GatewayError(
        .rateLimited, .account, "429", retryAfter: .seconds(600), accountEffect: .cool)
    private let reset = GatewayError(.upstreamReset, .endpoint, "reset")
    private let unreadable = GatewayError(.upstreamBadResponse, .endpoint, "not JSON")
    private let timeout = GatewayError(.upstreamTimeout, .endpoint, "too slow")

    /// Lets every pause pass as soon as somebody sleeps.
    private func finish(
        _ world: PipelineWorld, _ running: Task<Result<AttemptRecord, GatewayError>, Never>
    ) async -> Result<AttemptRecord, GatewayError> {
        let clock = Task {
            while !Task.isCancelled {
                if world.time.sleeperCount > 0 { world.time.advance(by: .seconds(2)) }
                await Task.yield()
            }
        }
        let result = await running.value
        clock.cancel()
        await clock.value
        return result
    }

    @Test("an unreadable answer is asked of the same account once more, and only once (T-7's table)")
    func unreadableOnce() async {
        var world = PipelineWorld()
        world.retry = RetryPolicy(maxRetries: 9)
        world.add("p", [.refuses(unreadable)])
        let result = await finish(world, world.start())
        #expect(result.failure == unreadable)
        #expect(world.journal.entries == ["p/a m", "p/a m"])
    }

    @Test("a reset may be repeated on the same account as often as there are attempts")
    func resetOften() async {
        var world = PipelineWorld()
        world.retry = RetryPolicy(maxRetries: 4)
        world.add("p", [.refuses(reset)])
        let result = await finish(world, world.start())
        #expect(result.failure == reset)
        #expect(world.journal.entries.count == 5)
    }

    @Test("after a timeout one other account is tried; a second timeout ends the journey")
    func timeoutOnce() async {
        var world = PipelineWorld()
        world.retry = RetryPolicy(maxRetries: 9)
        world.add("p", accounts: ["a", "b", "c"], [.refuses(timeout)])
        #expect(await world.run().failure == timeout)
        #expect(world.journal.entries == ["p/a m", "p/b m"])
    }

    @Test("a timeout never repeats the same account")
    func timeoutAlone() async {
        var world = PipelineWorld()
        world.add("p", [.refuses(timeout), .answers(PipelineWorld.good)])
        #expect(await world.run().failure == timeout)
        #expect(world.journal.entries == ["p/a m"])
    }

    @Test("a short Retry-After is honoured before the same account, a long one never slept through (T-5)")
    func retryAfter() async {
        let wait = { GatewayError(.upstreamUnavailable, .endpoint, "503", retryAfter: $0) }
        var world = PipelineWorld()
        world.add("p", [.refuses(wait(.seconds(2))), .answers(PipelineWorld.good)])
        let running = world.start()
        await world.time.untilSleeping(1)
        #expect(world.time.nextDeadline == Instant(microseconds: 2_000_000))
        world.time.advance(by: .seconds(2))
        #expect(await running.value.failure == nil)

        var long = PipelineWorld()
        long.add("p", [.refuses(wait(.milliseconds(2001))), .answers(PipelineWorld.good)])
        #expect(await long.run().failure?.retryAfter == .milliseconds(2001))
        #expect(long.journal.entries == ["p/a m"])
    }

    @Test("a pause that would leave less than a second is not begun (T-3)")
    func pauseAndDeadline() async {
        var world = PipelineWorld()
        let error = GatewayError(.upstreamUnavailable, .endpoint, "503", retryAfter: .seconds(2))
        world.add("p", [.refuses(error), .answers(PipelineWorld.good)])
        let deadline = world.time.now + .seconds(3)
        #expect(await world.run { $0.deadline = deadline }.failure == error)
        #expect(world.journal.entries == ["p/a m"])
        #expect(world.time.sleeperCount == 0)
    }

    @Test("what the upstream has begun for the user to see is not begun again (T-7)")
    func begun() async {
        var final = reset
        final.isFinal = true
        var world = PipelineWorld()
        world.add("p", accounts: ["a", "b"], [.refuses(final), .answers(PipelineWorld.good)])
        #expect(await world.run().failure == final)
        #expect(world.journal.entries == ["p/a m"])
    }

    @Test("an image job that was accepted is not ordered twice; one that was refused may be tried elsewhere (T-7)")
    func imageJob() async throws {
        var accepted = PipelineWorld()
        accepted.add(
            "p", accounts: ["a", "b"], [.breaks([.heartbeat], reset), .answers(PipelineWorld.good)],
            quotaClass: .images)
        #expect(await accepted.run().failure?.kind == .upstreamReset)
        #expect(accepted.journal.entries == ["p/a m"])

        var refused = PipelineWorld()
        refused.add(
            "p", accounts: ["a", "b"], [.refuses(reset), .answers(PipelineWorld.good)], quotaClass: .images)
        #expect(try await refused.run().get().attempts == 2)
    }

    @Test("one bound for all: over accounts, then providers, then models", arguments: [false, true])
    func everywhere(isStreamed: Bool) async throws {
        var world = PipelineWorld()
        world.retry = RetryPolicy(maxRetries: 5)
        world.add("p", accounts: ["a", "b"], [.refuses(limited)])
        world.add("q", accounts: ["c"], [.breaks([.started(responseID: "x", model: "m")], reset)])
        world.add("r", accounts: ["d"], [.refuses(reset), .answers(PipelineWorld.good)])
        world.routes = [
            ModelRoute(
                id: "best",
                targets: [("p", "big"), ("q", "big"), ("r", "big"), ("r", "small")].map {
                    RouteTarget(provider: $0.0, model: $0.1)
                })
        ]
        let sink: any AnswerSink = isStreamed ? CommittingSink() : WholeAnswerSink()
        let outcome = await world.outcome(into: sink) { $0.model = "best" }
        #expect(outcome.error == nil)
        #expect(world.journal.entries == ["p/a big", "p/b big", "q/c big", "r/d big", "r/d small"])
        #expect(
            outcome.record.list == [
                .init(provider: "p", accountID: "a", model: "big", failure: .rateLimited),
                .init(provider: "p", accountID: "b", model: "big", failure: .rateLimited),
                .init(provider: "q", accountID: "c", model: "big", failure: .upstreamReset),
                .init(provider: "r", accountID: "d", model: "big", failure: .upstreamReset),
                .init(provider: "r", accountID: "d", model: "small"),
            ])
    }

    @Test("a request that fails keeps its record, with every failure by its kind")
    func failedRecord() async {
        var world = PipelineWorld()
        world.add("p", accounts: ["a", "b"], [.refuses(limited), .refuses(timeout)])
        let outcome = await world.outcome()
        #expect(outcome.error == timeout, "the last real failure is the answer")
        #expect(outcome.record.list.map(\.failure) == [.rateLimited, .upstreamTimeout])
        #expect(outcome.record.accountID == "b")
    }

    @Test("a provider to fall back on is not cut off by the retries that it serves (T-4)")
    func fallbackBudget() async throws {
        var world = PipelineWorld()
        world.add("p", [.refuses(GatewayError(.upstreamTimeout, .endpoint, "down"))])
        world.add("q", [.answers(PipelineWorld.good)])
        for _ in 0..<200 { #expect(try await world.run().get().provider == "q") }
    }

    @Test("a provider whose budget is used up is left out; the others still serve (T-4)")
    func budgetElsewhere() async throws {
        var world = PipelineWorld()
        world.retry = RetryPolicy(maxRetries: 5, budgetRatio: 0)
        world.add("p", accounts: ["a", "b"], [.refuses(reset)], suspends: false)
        world.add("q", [.answers(PipelineWorld.good)])
        for _ in 0..<30 { #expect(try await world.run().get().provider == "q") }
        #expect(world.journal.entries.count { $0 == "p/b m" } == 20)
    }

    @Test("a limit is reported with the time of the first account of all candidates (F-17)")
    func earliest() async throws {
        var world = PipelineWorld()
        world.retry = RetryPolicy(maxRetries: 0)
        world.add("p", [.refuses(limited)])
        world.add("q", [.answers(PipelineWorld.good)])
        let rest = GatewayError(.rateLimited, .account, "429", retryAfter: .seconds(30), accountEffect: .cool)
        try world.upstreams[1].pool.lease(for: .text, provider: "q").release(after: rest)
        #expect(await world.run().failure?.retryAfter == .seconds(30))
        world.time.advance(by: .seconds(30))
        #expect(await world.run().failure == nil, "q has rested")
    }

    @Test("a request waits for a rest that ends in time, and not beyond its own deadline")
    func waitForRest() async throws {
        var world = PipelineWorld()
        world.queue = QueueRules(maxWait: .seconds(30), maxDepth: 10)
        world.add("p", [.answers(PipelineWorld.good)])
        let rest = GatewayError(.rateLimited, .account, "429", retryAfter: .seconds(20), accountEffect: .cool)
        try world.upstreams[0].pool.lease(for: .text, provider: "p").release(after: rest)
        let deadline = world.time.now + .seconds(10)
        let refused = await world.run { $0.deadline = deadline }.failure
        #expect(refused?.kind == .noAccountAvailable)
        #expect(refused?.retryAfter == .seconds(20))
        let running = world.start()
        await world.time.untilSleeping(1)
        world.time.advance(by: .seconds(20))
        #expect(try await running.value.get().attempts == 1)
    }
}
