import PolluxTesting
import Testing

@testable import PolluxCore

@Suite("The journey of a request")
struct PipelineTests {
    private let limited = GatewayError(
        .rateLimited, .account, "429", retryAfter: .seconds(600), accountEffect: .cool)
    private let reset = GatewayError(.upstreamReset, .endpoint, "reset")

    @Test("one attempt that answers is all there is")
    func plain() async throws {
        var world = PipelineWorld()
        world.add("p", accounts: ["a", "b"], [.answers(PipelineWorld.good)])
        world.add("q", [.answers(PipelineWorld.good)])
        let sink = WholeAnswerSink()
        let record = await world.run(into: sink)
        #expect(try record.get() == AttemptRecord([.init(provider: "p", accountID: "a", model: "m")]))
        #expect(world.journal.entries == ["p/a m"])
        #expect(sink.response.candidates.first?.parts == [.text("hello")])
        #expect(world.upstreams[0].pool.shortage().ready == 2)
    }

    @Test("each account is tried once, then the next provider's")
    func order() async {
        var world = PipelineWorld()
        world.retry = RetryPolicy(maxRetries: 9)
        world.add("p", accounts: ["a", "b"], [.refuses(limited)])
        world.add("q", accounts: ["c", "d"], [.refuses(limited), .answers(PipelineWorld.good)])
        let record = try? await world.run().get()
        #expect(world.journal.entries == ["p/a m", "p/b m", "q/c m", "q/d m"])
        #expect(record?.attempts == 4)
        #expect(world.upstreams[0].pool.shortage().cooling == 2)
    }

    @Test("there are at most 1 + max_retries attempts (T-3)", arguments: [0, 1, 2, 5])
    func maxAttempts(retries: Int) async {
        var world = PipelineWorld()
        world.retry = RetryPolicy(maxRetries: retries)
        world.add("p", accounts: (0..<20).map { "a\($0)" }, [.refuses(limited)])
        #expect(await world.run().failure?.message == limited.message)
        #expect(world.journal.entries.count == retries + 1)
    }

    @Test("what the request is to blame for is not tried elsewhere")
    func stop() async {
        var world = PipelineWorld()
        let rejected = GatewayError(.upstreamRejected, .request, "400")
        world.add("p", accounts: ["a", "b"], [.refuses(rejected)])
        world.add("q", [.answers(PipelineWorld.good)])
        #expect(await world.run().failure == rejected)
        #expect(world.journal.entries == ["p/a m"])
    }

    @Test("after the first byte nothing is tried again, whatever happens (T-6)")
    func commitPoint() async {
        var world = PipelineWorld()
        world.add("p", accounts: ["a", "b"], [.breaks([.textDelta("hel")], reset), .answers(PipelineWorld.good)])
        let sink = CommittingSink()
        #expect(await world.run(into: sink).failure == reset)
        #expect(world.journal.entries == ["p/a m"])
        #expect(sink.taken == [.textDelta("hel")])
    }

    @Test("before the first byte a stream that breaks moves on, and its events are forgotten")
    func beforeCommit() async throws {
        var world = PipelineWorld()
        let early: [ModelEvent] = [.started(responseID: "x", model: "m"), .heartbeat]
        world.add("p", accounts: ["a", "b"], [.breaks(early, reset), .answers(PipelineWorld.good)])
        let committing = CommittingSink()
        _ = try await world.run(into: committing).get()
        #expect(world.journal.entries == ["p/a m", "p/b m"])
        #expect(committing.attempts == [1, 2])

        var again = PipelineWorld()
        again.add("p", accounts: ["a", "b"], [.breaks([.textDelta("lost")], reset), .answers(PipelineWorld.good)])
        let whole = WholeAnswerSink()
        _ = try await again.run(into: whole).get()
        #expect(whole.response.candidates.first?.parts == [.text("hello")])
    }

    @Test("the same account is asked again after a pause, when nobody else is left and the failure allows it")
    func sameAccount() async throws {
        var world = PipelineWorld()
        world.add("p", [.refuses(reset), .answers(PipelineWorld.good)])
        let running = world.start()
        await world.time.untilSleeping(1)
        #expect(world.journal.entries.count == 1)
        world.time.advance(by: .milliseconds(200))
        #expect(try await running.value.get().attempts == 2)
        #expect(world.journal.entries == ["p/a m", "p/a m"])
    }

    @Test("a limit is not answered by asking the same account again")
    func limitedAlone() async {
        var world = PipelineWorld()
        world.add("p", [.refuses(limited), .answers(PipelineWorld.good)])
        #expect(await world.run().failure == limited)
        #expect(world.journal.entries == ["p/a m"])
    }

    @Test("a limit or an overload that named no time is reported with one, a minute at most (F-17, F-22)")
    func unnamedTimes() async {
        var world = PipelineWorld()
        world.add("p", [.refuses(GatewayError(.rateLimited, .account, "429", accountEffect: .cool))])
        #expect(await world.run().failure?.retryAfter == .seconds(60))
        var busy = PipelineWorld()
        busy.retry = RetryPolicy(maxRetries: 0)
        busy.add("p", [.refuses(GatewayError(.upstreamUnavailable, .endpoint, "503"))])
        #expect(await busy.run().failure?.retryAfter == .seconds(5))
    }

    @Test("an empty retry budget ends the journey with the last real failure (T-4)")
    func budget() async {
        var world = PipelineWorld()
        world.retry = RetryPolicy(maxRetries: 2, budgetRatio: 0)
        world.add("p", accounts: ["a", "b", "c"], [.refuses(reset)], suspends: false)
        for _ in 0..<15 { _ = await world.run() }
        #expect(world.journal.entries.count == 15 + 20)
        #expect(await world.run().failure == reset)
        #expect(world.journal.entries.count == 16 + 20)
        #expect(world.upstreams[0].pool.shortage().ready == 3)
    }

    @Test("a retry needs more than a second of the request's time (T-3)")
    func remainingTime() async {
        for (seconds, attempts) in [(1, 1), (2, 2)] {
            var world = PipelineWorld()
            world.add("p", accounts: ["a", "b"], [.refuses(limited)])
            let deadline = world.time.now + .seconds(seconds)
            #expect(await world.run { $0.deadline = deadline }.failure?.message == limited.message)
            #expect(world.journal.entries.count == attempts)
        }
    }

    @Test("accounts that are known to rest cost no attempt")
    func knownUnusable() async throws {
        var world = PipelineWorld()
        world.add("p", accounts: ["a", "b"], [.answers(PipelineWorld.good)])
        world.add("q", accounts: ["c"], [.answers(PipelineWorld.good)])
        for _ in 0..<2 { try world.upstreams[0].pool.lease(for: .text, provider: "p").release(after: limited) }
        #expect(try await world.run().get().attempts == 1)
        #expect(world.journal.entries == ["q/c m"])
    }

    @Test("with nobody to ask, the client learns why and when the first is back")
    func nobody() async throws {
        var world = PipelineWorld()
        world.add("p", [.answers(PipelineWorld.good)])
        world.add("q", [.answers(PipelineWorld.good)])
        for (index, seconds) in [(0, 90), (1, 30)] {
            let error = GatewayError(
                .rateLimited, .account, "429", retryAfter: .seconds(seconds), accountEffect: .cool)
            try world.upstreams[index].pool.lease(for: .text, provider: "").release(after: error)
        }
        let error = await world.run().failure
        #expect(error?.kind == .noAccountAvailable)
        #expect(error?.retryAfter == .seconds(30))
        #expect(world.journal.entries.isEmpty)
    }

    @Test("a provider that cannot honour the request is passed over; when none can, its reason is the answer")
    func refusal() async throws {
        let unsupported = GatewayError(.unsupported, .request, "no images here")
        var world = PipelineWorld()
        world.add("p", [.answers(PipelineWorld.good)], refusal: unsupported)
        #expect(await world.run().failure == unsupported)
        world.add("q", [.answers(PipelineWorld.good)])
        #expect(try await world.run().get().provider == "q")
        #expect(world.journal.entries == ["q/a m"])
    }

    @Test("a client that goes away ends the attempt, and its account is free and blameless again")
    func cancelled() async {
        var world = PipelineWorld()
        world.add("p", accounts: ["a"], [.hangs])
        let running = world.start()
        while world.journal.entries.isEmpty { await Task.yield() }
        running.cancel()
        #expect(await running.value.failure?.kind == .cancelled)
        #expect(world.journal.entries == ["p/a m"])
        #expect(world.upstreams[0].pool.shortage().ready == 1)
    }

    @Test("a request waits for a busy account, and is told why when that takes too long")
    func queue() async throws {
        var world = PipelineWorld()
        world.queue = QueueRules(maxWait: .seconds(30), maxDepth: 10)
        world.add("p", [.answers(PipelineWorld.good)])
        let held = try world.upstreams[0].pool.lease(for: .text, provider: "p")
        let served = world.start()
        await world.time.untilSleeping(1)
        while world.upstreams[0].pool.waiterCount == 0 { await Task.yield() }
        held.release(after: nil)
        #expect(try await served.value.get().attempts == 1)

        let again = try world.upstreams[0].pool.lease(for: .text, provider: "p")
        let refused = world.start()
        await world.time.untilSleeping(1)
        while world.upstreams[0].pool.waiterCount == 0 { await Task.yield() }
        world.time.advance(by: .seconds(30))
        #expect(await refused.value.failure?.kind == .noAccountAvailable)
        again.release(after: nil)
    }
}
