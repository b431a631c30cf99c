import PolluxCore
import PolluxTesting
import Synchronization
import Testing

@testable import PolluxApp

@Suite("What the gateway knows of a request")
struct VisitTests {
    private let world: GatewayWorld

    init() throws { world = try GatewayWorld("server: {max_in_flight: 2}") }

    @Test("a cancelled request is explained by its deadline or the end of the drain, else its client has gone")
    func explain() {
        let exchange = FakeExchange()
        let visit = Visit(exchange, world.gateway)
        let other = GatewayError(.upstreamReset, .endpoint, "reset")
        #expect(visit.explain(other) == other)
        #expect(visit.explain(.cancelled) == .cancelled)
        exchange.pass()
        #expect(visit.explain(.cancelled).kind == .upstreamTimeout)
        #expect(visit.explain(other) == other)
        world.gateway.load.isCutting.store(true, ordering: .relaxed)
        #expect(visit.explain(.cancelled).kind == .shuttingDown)
    }

    @Test("requests are counted while they run, and not beyond the limit")
    func inFlight() {
        var visits = (0..<3).map { _ in Visit(FakeExchange(), world.gateway) }
        #expect(visits.map { $0.enter() } == [true, true, false])
        visits.removeLast()
        #expect(world.gateway.load.inFlight.load(ordering: .relaxed) == 2)
        visits = []
        #expect(world.gateway.load.inFlight.load(ordering: .relaxed) == 0)
    }

    @Test("every answer carries the request's id and is not to be stored or sniffed")
    func fields() async throws {
        let exchange = FakeExchange()
        let visit = Visit(exchange, world.gateway)
        visit.extraFields = [.init(name: "allow", value: "GET")]
        try await visit.respond(HTTPAnswer(status: 405))
        #expect(exchange.sentFields["x-request-id"] == visit.requestID)
        #expect(exchange.sentFields["allow"] == "GET")
        #expect(exchange.sentFields["cache-control"] == "no-store")
        #expect(exchange.sentFields["x-content-type-options"] == "nosniff")
        #expect(visit.requestID.wholeMatch(of: /req_[0-9A-Za-z]{24}/) != nil)
    }

    @Test("once there was an attempt, answers name its provider, the attempts and what was ignored")
    func attemptFields() async throws {
        let exchange = FakeExchange()
        let visit = Visit(exchange, world.gateway)
        try await visit.respond(HTTPAnswer(status: 200))
        #expect(exchange.sentFields["x-pollux-provider"] == nil)
        let request = ModelRequest(id: "r", model: "m")
        visit.noteAttempt(RouteTarget(provider: "first", model: "m"), 1, request)
        visit.noteAttempt(RouteTarget(provider: "second", model: "m"), 2, request)
        try await visit.respond(HTTPAnswer(status: 502))
        #expect(exchange.sentFields.values(of: "x-pollux-provider") == ["second"])
        #expect(exchange.sentFields.values(of: "x-pollux-attempts") == ["2"])
        #expect(exchange.sentFields["x-pollux-ignored"] == nil)
        #expect(visit.allFields.contains(.init(name: "x-pollux-provider", value: "second")))
    }

    @Test("where the operator has switched it on, answers say how long the request waited and the upstream took")
    func serverTiming() async throws {
        for (isOn, expected) in [
            (false, nil), (true, "queue;dur=3.0, account;dur=0.0, upstream;dur=40.0, total;dur=43.0"),
        ] {
            let world = try GatewayWorld("server: {server_timing: \(isOn)}")
            let exchange = FakeExchange()
            let visit = Visit(exchange, world.gateway)
            visit.noteAdmission()
            visit.noteWait(true)
            world.time.advance(by: .milliseconds(3))
            visit.noteWait(false)
            visit.noteAttempt(RouteTarget(provider: "p", model: "m"), 1, ModelRequest(id: "r", model: "m"))
            world.time.advance(by: .milliseconds(40))
            visit.noteContent()
            try await visit.respond(HTTPAnswer(status: 200))
            #expect(exchange.sentFields["server-timing"] == expected)
            #expect(visit.allFields.contains { $0.name == "server-timing" } == isOn)
        }
    }

    @Test("what a plugin calls ignored can break no header")
    func ignoredNames() {
        let names = ["seed", "", "a b", "a,b", "a\r\nset-cookie: x", "é", String(repeating: "x", count: 65), "top_p"]
        let fields = AttemptFields(provider: "p", attempts: 1, ignored: names).fields
        #expect(fields.last == .init(name: "x-pollux-ignored", value: "seed, top_p"))
        let many = AttemptFields(provider: "p", attempts: 1, ignored: (0..<100).map { "p\($0)" }).fields
        #expect(many.last?.value.split(separator: ",").count == 32)
    }

    @Test(
        "success is a step, a client's fault is information, what failed behind us is a warning",
        arguments: [
            (nil, .debug), (.invalidRequest, .info), (.authentication, .info), (.rateLimited, .info),
            (.upstreamTimeout, .warning), (.noAccountAvailable, .warning), (.internalError, .warning),
            (.cancelled, .info),
        ] as [(GatewayError.Kind?, Logger.Level)])
    func levels(kind: GatewayError.Kind?, level: Logger.Level) {
        let visit = Visit(FakeExchange(), world.gateway)
        visit.brokenBy = kind.map { GatewayError($0, .request, "why") }
        visit.end()
        let record = world.log.records.last
        #expect(record?.level == level)
        #expect(record?.event == "request")
        if kind == .cancelled { #expect(record?.fields.contains(LogField("status", 499)) == true) }
    }
}

@Suite("How long a request may take")
struct DeadlineTests {
    private let start = Instant(microseconds: 0)

    private func deadline(_ settings: String, header: String? = nil, asked: Duration? = nil) throws -> Duration {
        let world = try GatewayWorld(settings)
        var request = ModelRequest(id: "r", model: "m")
        request.deadline = asked.map { start + $0 }
        let fields: HTTPFields = header.map { ["x-request-timeout": $0] } ?? [:]
        let head = HTTPRequestHead(method: .post, target: "/", fields: fields)
        return try Deadlines.deadline(of: request, world.gateway, head, start: start) - start
    }

    private let two = """
        providers:
          - {name: a, kind: openai-compatible, base_url: "http://127.0.0.1:1/v1", timeouts: {request: 100s}}
          - {name: b, kind: openai-compatible, base_url: "http://127.0.0.1:1/v1", timeouts: {request: 40s}}
        """

    @Test("as long as the most patient provider; 330 s when there is none")
    func longest() throws {
        #expect(try deadline(two) == .seconds(100))
        #expect(try deadline("") == .seconds(330))
    }

    @Test("a client may shorten it, never lengthen it")
    func shortened() throws {
        #expect(try deadline(two, header: "2.5") == .milliseconds(2500))
        #expect(try deadline(two, header: "1000") == .seconds(100))
        #expect(try deadline(two, header: "1e300") == .seconds(100))
        #expect(try deadline(two, asked: .seconds(7)) == .seconds(7))
        #expect(try deadline(two, header: "9", asked: .seconds(7)) == .seconds(7))
        #expect(try deadline(two, asked: .seconds(700)) == .seconds(100))
    }

    @Test("a header that is no time is refused", arguments: ["0", "-1", "nan", "inf", "soon", "", "5s"])
    func bad(header: String) {
        let error = #expect(throws: GatewayError.self) { try deadline(two, header: header) }
        #expect(error?.message == "X-Request-Timeout is a number of seconds above 0")
    }
}
