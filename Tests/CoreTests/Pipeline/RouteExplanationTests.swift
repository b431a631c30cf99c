import PolluxTesting
import Testing

@testable import PolluxCore

@Suite("Why a request goes where it goes")
struct RouteExplanationTests {
    private let limited = GatewayError(
        .rateLimited, .account, "429", retryAfter: .seconds(42), accountEffect: .cool)

    @Test("every account of every target is listed: in which order they would be tried, or why not")
    func all() async {
        var world = PipelineWorld()
        world.add("p", accounts: ["a", "b", "c"], [.refuses(limited), .answers(PipelineWorld.good)])
        world.add("q", accounts: ["d"], [.answers(PipelineWorld.good)])
        _ = await world.run()
        let explanation = world.pipeline.explain(model: "m")
        let accounts = explanation.targets.flatMap { target in
            target.accounts.map { "\(target.provider)/\($0.accountID)" }
        }
        #expect(accounts == ["p/a", "p/b", "p/c", "q/d"])
        #expect(explanation.order.map { "\($0.provider)/\($0.accountID)" } == ["p/b", "p/c", "q/d"])
        let resting = explanation.targets[0].accounts[0]
        #expect(resting.verdict == .state)
        #expect(resting.state == .cooling)
        #expect(resting.remaining == .seconds(42))
        #expect(explanation.headerValue() == "p/a cooling 42s; p/b ready 1; p/c ready 2; q/d ready 3")
    }

    @Test("the request then goes where the explanation said, and the explanation has changed nothing")
    func isTrue() async throws {
        var world = PipelineWorld()
        world.add("p", accounts: ["a", "b", "c"], [.answers(PipelineWorld.good)], strategy: .roundRobin)
        for _ in 0..<7 {
            let first = world.pipeline.explain(model: "m")
            #expect(world.pipeline.explain(model: "m").targets == first.targets)
            let record = try await world.run().get()
            #expect(record.accountID == first.order.first?.accountID)
        }
    }

    @Test("accounts beyond the attempts of one request are ready, and not reached")
    func beyond() {
        var world = PipelineWorld()
        world.retry = RetryPolicy(maxRetries: 1)
        world.add("p", accounts: ["a", "b", "c"], [.answers(PipelineWorld.good)])
        let verdicts = world.pipeline.explain(model: "m").targets[0].accounts.map(\.verdict)
        #expect(verdicts == [.ready, .ready, .beyond])
    }

    @Test("busy and paced accounts and suspended upstreams are told apart")
    func busy() throws {
        let time = ManualTime()
        let pool = AccountPool(.init(maxInFlight: 1, pace: .seconds(5)), name: "p", time: time)
        pool.update(source: "s", ["a", "b"].map { PoolWorld.credential($0) }) { _ in nil }
        let first = try pool.lease(for: .text, provider: "p")
        try pool.lease(for: .text, provider: "p").release(after: nil)
        let found = pool.explanation(for: .text, model: "", favourite: nil).accounts
        #expect(found.map(\.verdict) == [.busy, .pace])
        #expect(found.map(\.remaining) == [nil, .seconds(5)])
        first.release(after: nil)
    }

    @Test("a name that nobody serves has a problem instead of targets")
    func unknown() {
        var world = PipelineWorld()
        world.add("p", accounts: ["a"], [.answers(PipelineWorld.good)])
        let explanation = world.pipeline.explain(model: "n")
        #expect(explanation.targets == [])
        #expect(explanation.problem?.contains("no route serves the model \"n\"") == true)
    }

    @Test("the header has one line of plain ASCII within its bound, whatever accounts are called")
    func header() {
        var world = PipelineWorld()
        world.add("p", accounts: (0..<500).map { "käse\r\n\($0)" }, [.answers(PipelineWorld.good)])
        let value = world.pipeline.explain(model: "m").headerValue()
        #expect(value.utf8.count <= 2048)
        #expect(value.utf8.allSatisfy { (0x20..<0x7F).contains($0) } == true)
        #expect(value.hasSuffix("; ...") == true)
    }

    @Test("as JSON it has every target, account and the order")
    func json() {
        var world = PipelineWorld()
        world.add("p", accounts: ["a"], [.answers(PipelineWorld.good)])
        let json = world.pipeline.explain(model: "m", keyID: "k").json
        #expect(json["model"]?.string == "m")
        #expect(json["key"]?.string == "k")
        #expect(json["targets"]?[0]?["accounts"]?[0]?["verdict"]?.string == "ready")
        #expect(json["order"]?[0]?["account"]?.string == "a")
    }
}
