import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxApp

@Suite("What is counted about requests")
struct RequestMeterTests {
    private static let settings = """
        keys: [{name: a, key: "a-client-key-of-the-test"}]
        server: {path_prefix: team}
        retry: {max_retries: 1}
        models: [{id: mine, targets: [up/m-1]}]
        providers:
          - {name: up, kind: openai-compatible, base_url: "https://up.test/v1", models: [m-1, m-2],
             api_keys: [key-of-amber-1, key-of-birch-2]}
        """
    private static let good = FakeResponse(
        text: #"data: {"choices":[{"delta":{"content":"Hello"}}]}"# + "\n\n"
            + #"data: {"choices":[{"delta":{},"finish_reason":"stop"}]}"# + "\n\ndata: [DONE]\n\n")
    private static let cut = FakeResponse(
        pieces: [Array((#"data: {"choices":[{"delta":{"content":"Hel"}}]}"# + "\n\n").utf8)],
        failure: GatewayError(.upstreamTruncated, .endpoint, "it broke off"))

    private let world: GatewayWorld
    private let handler: GatewayHandler

    private init(_ answers: [FakeResponse]) throws {
        world = try GatewayWorld(Self.settings, answers: answers)
        handler = GatewayHandler(world.gateway, worker: globalConcurrentExecutor)
    }

    init() throws { try self.init([]) }

    private func chat(_ model: String = "m-1", key: String = "a-client-key-of-the-test", stream: Bool = false) async {
        _ = await GatewayClient(handler, key: key).post(
            "/v1/chat/completions",
            ["model": .string(model), "stream": .bool(stream), "messages": [["role": "user", "content": "Hi"]]])
    }

    private var page: MetricsPage {
        MetricsPage(String(decoding: MetricsReport(world.gateway, ProcessFigures()).bytes, as: UTF8.self))
    }

    @Test("an answer is counted with its frontend, status, model, provider and times")
    func answer() async throws {
        let world = try Self([Self.good])
        await world.chat()
        let page = world.page
        #expect(page.value("pollux_requests_total", ["frontend": "openai", "code": "200"]) == 1)
        #expect(page.value("pollux_model_requests_total", ["model": "m-1", "result": "ok"]) == 1)
        #expect(page.value("pollux_upstream_attempts_total", ["provider": "up", "result": "ok"]) == 1)
        #expect(page.value("pollux_request_duration_seconds_count", ["frontend": "openai"]) == 1)
        #expect(page.value("pollux_upstream_first_byte_seconds_count", ["provider": "up"]) == 1)
        #expect(page.value("pollux_request_overhead_seconds_count") == 1)
        #expect(page.value("pollux_queue_wait_seconds_count") == 1)
        #expect(page.value("pollux_accounts", ["provider": "up", "state": "ready", "class": "text"]) == 2)
        #expect(page["pollux_upstream_failures_total"]?.samples == [])
        #expect(page.value("pollux_requests_in_flight") == 0)
    }

    @Test("each failed attempt is counted by its class, also when another one answers")
    func failures() async throws {
        let world = try Self([FakeResponse(500), Self.good])
        await world.chat()
        let page = world.page
        #expect(page.value("pollux_upstream_attempts_total", ["provider": "up", "result": "failed"]) == 1)
        #expect(page.value("pollux_upstream_attempts_total", ["provider": "up", "result": "ok"]) == 1)
        #expect(page.value("pollux_upstream_failures_total", ["provider": "up", "class": "upstream_error"]) == 1)
        #expect(page.value("pollux_model_requests_total", ["model": "m-1", "result": "ok"]) == 1)
    }

    @Test("a stream that broke off has status 200 and counts as a failure all the same")
    func broken() async throws {
        let world = try Self([Self.cut])
        await world.chat(stream: true)
        let page = world.page
        #expect(page.value("pollux_requests_total", ["frontend": "openai", "code": "200"]) == 1)
        #expect(page.value("pollux_broken_answers_total", ["reason": "upstream_truncated"]) == 1)
        #expect(page.value("pollux_model_requests_total", ["model": "m-1", "result": "failed"]) == 1)
    }

    @Test("names of models that nobody has given are other, however many there are")
    func models() async throws {
        let world = try Self([Self.good, Self.good])
        await world.chat("mine")
        await world.chat("up/m-2")
        for number in 0..<50 { await world.chat("up/made-up-\(number)") }
        await world.chat("no-such-model")
        let labels = world.page["pollux_model_requests_total"]?.samples.compactMap { $0.labels["model"] } ?? []
        #expect(Set(labels) == ["mine", "m-2", "other"])
    }

    @Test("a request without a key is counted; health and metrics are not")
    func whoCounts() async throws {
        let world = try Self([])
        await world.chat(key: "another")
        let client = GatewayClient(world.handler)
        for path in ["/healthz", "/readyz", "/metrics", "/team/metrics"] { _ = await client.get(path) }
        _ = await client.get("/no/such/path")
        _ = world.handler.answer(for: GatewayError(.headerTooLarge, .request, "too large"))
        let page = world.page
        #expect(page.value("pollux_requests_total", ["frontend": "openai", "code": "401"]) == 1)
        #expect(page.value("pollux_requests_total", ["frontend": "other", "code": "404"]) == 1)
        #expect(page.value("pollux_requests_total", ["frontend": "other", "code": "431"]) == 1)
        #expect(page["pollux_requests_total"]?.samples.count == 3)
    }

    @Test("a reload keeps every count, and finds the places of new providers")
    func reload() async throws {
        let world = try Self([Self.good])
        await world.chat()
        let next = try GatewayWorld(
            Self.settings.replacing("name: up", with: "name: above").replacing("up/m-1", with: "above/m-1"),
            answers: [Self.good], after: world.world.gateway)
        let handler = GatewayHandler(next.gateway, worker: globalConcurrentExecutor)
        let body: JSON = ["model": "mine", "messages": [["role": "user", "content": "Hi"]]]
        _ = await GatewayClient(handler, key: "a-client-key-of-the-test").post("/v1/chat/completions", body)
        let text = String(decoding: MetricsReport(next.gateway, ProcessFigures()).bytes, as: UTF8.self)
        let page = MetricsPage(text)
        #expect(page.value("pollux_requests_total", ["frontend": "openai", "code": "200"]) == 2)
        for provider in ["up", "above"] {
            #expect(page.value("pollux_upstream_attempts_total", ["provider": provider, "result": "ok"]) == 1)
        }
    }

    @Test("statuses and failures that nobody has thought of are other")
    func unthoughtOf() {
        #expect(StatusCode.labels[StatusCode.column(299)] == "other")
        #expect(StatusCode.labels[StatusCode.column(429)] == "429")
        #expect(FailureClass.labels[FailureClass.column(.authentication)] == "other")
        #expect(FailureClass.labels[FailureClass.column(.upstreamAuth)] == "upstream_auth_error")
        #expect(Set(FailureClass.labels).count == FailureClass.labels.count)
    }

    @Test("every status that an error can have has a column of its own", arguments: GatewayError.Kind.allCases)
    func statuses(_ kind: GatewayError.Kind) {
        let status = GatewayError(kind, .request, "").httpStatus
        #expect(StatusCode.labels[StatusCode.column(status)] == String(status))
    }
}
