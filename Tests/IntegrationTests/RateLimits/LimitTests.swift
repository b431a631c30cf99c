import PolluxCore
import PolluxSimulator
import PolluxTesting
import Synchronization
import Testing

@testable import PolluxApp

@Suite("Rate limits through the whole gateway (reliability requirements, section 10)", .serialized)
struct LimitTests {
    /// A gateway whose only client key has these limits.
    private func setup(_ limits: String, topLevel: String = "retry: {max_retries: 0}") -> GatewaySetup {
        var setup = GatewaySetup(topLevel: topLevel)
        setup.keys = "[{name: tester, key: \(GatewaySetup.clientKey), limits: \(limits)}]"
        setup.local = ", pool: {max_in_flight: 64}"
        return setup
    }

    @Test("fifty clients at once never get one answer more than the burst", arguments: [1, 7])
    func parallelBurst(burst: Int) async throws {
        try await TestGateway.with(setup("{requests: 10/1h, burst: \(burst)}")) { gateway in
            let clients = try (0..<50).map { _ in try RawClient(port: gateway.port) }
            let request = TestGateway.request("POST", "/v1/chat/completions", body: TestGateway.chatBody("hello"))
            for client in clients { try client.send(request) }
            let statuses = try clients.map { try $0.reply().status }
            #expect(statuses.count { $0 == 200 } == burst)
            #expect(statuses.count { $0 == 429 } == 50 - burst)
            #expect(gateway.answerRequests(.openAICompatible).count == burst, "no upstream heard of the others")
            let report = String(decoding: MetricsReport(gateway.gateway, ProcessFigures()).bytes, as: UTF8.self)
            #expect(report.contains("pollux_limiter_refusals_total{layer=\"key\"} \(50 - burst)\n"))
        }
    }

    @Test("answers say where the limits stand, and a refusal when to come back", arguments: [false, true])
    func headers(stream: Bool) async throws {
        try await TestGateway.with(setup("{requests: 60/1h, burst: 2, tokens: 100000/1m, concurrency: 5}")) { gateway in
            let first = try gateway.chat("hello", stream: stream)
            #expect(first.status == 200)
            #expect(first.head["x-ratelimit-limit-requests"] == "60")
            #expect(first.head["x-ratelimit-remaining-requests"] == "1")
            #expect(first.head["x-ratelimit-reset-requests"] == "1m0s")
            #expect(first.head["x-ratelimit-limit-tokens"] == "100000")
            #expect(first.head["ratelimit-policy"] == "\"rph\";q=60;w=3600, \"tpm\";q=100000;w=60")
            #expect(first.head["ratelimit"]?.hasPrefix("\"rph\";r=1;t=60, \"tpm\";r=") == true)
            #expect(first.head["retry-after"] == nil)
            _ = try gateway.chat("hello", stream: stream)
            let refused = try gateway.chat("hello", stream: stream)
            #expect(refused.status == 429 && refused.isErrorEnvelope)
            #expect(refused.errorCode == "rate_limit_exceeded")
            #expect(refused.json["error"]?["type"]?.string == "rate_limit_error")
            #expect(refused.errorMessage.contains("this API key is at the limit of 60 requests per 1h; try again in"))
            #expect(refused.head["x-ratelimit-remaining-requests"] == "0")
            let seconds = refused.head["retry-after"].flatMap { Int($0) } ?? 0
            let milliseconds = refused.head["retry-after-ms"].flatMap { Int($0) } ?? 0
            #expect(
                (50...60).contains(seconds) && (seconds - 1) * 1000 < milliseconds && milliseconds <= seconds * 1000)
        }
    }

    @Test("the Gemini format has the same in its own words", arguments: GeminiForm.allCases)
    func gemini(form: GeminiForm) async throws {
        try await TestGateway.with(setup("{requests: 60/1h, burst: 1}")) { gateway in
            let first = try gateway.generate("hello", form)
            #expect(first.status == 200 && first.head["x-ratelimit-remaining-requests"] == "0")
            let refused = try gateway.generate("hello", form)
            #expect(refused.status == 429)
            let error = refused.json["error"] ?? refused.json[0]?["error"]
            #expect(error?["status"]?.string == "RESOURCE_EXHAUSTED")
            let details = error?["details"]?.array ?? []
            let retry = details.first { $0["@type"]?.string == "type.googleapis.com/google.rpc.RetryInfo" }
            #expect(retry?["retryDelay"]?.string?.hasSuffix("s") == true)
            #expect(refused.head["retry-after"] != nil)
        }
    }

    @Test("a quota of a day is `insufficient_quota`, which no SDK repeats")
    func dailyQuota() async throws {
        try await TestGateway.with(setup("{requests: 1/1d}")) { gateway in
            _ = try gateway.chat("hello")
            let refused = try gateway.chat("hello")
            #expect(refused.status == 429 && refused.errorCode == "insufficient_quota")
            #expect(refused.json["error"]?["type"]?.string == "insufficient_quota")
            #expect(refused.head["x-should-retry"] == "false" && refused.head["retry-after"] != nil)
        }
    }

    @Test("a request that could never be let through is told so; its Retry-After is the limit's period")
    func never() async throws {
        try await TestGateway.with(setup("{tokens: 500/1m}")) { gateway in
            let refused = try gateway.chat("hello")
            #expect(refused.status == 429 && refused.errorCode == "rate_limit_exceeded")
            #expect(refused.errorMessage.contains("lower max_tokens"))
            #expect(refused.head["x-should-retry"] == "false", "no SDK repeats it")
            #expect(refused.head["retry-after"] == "60" && refused.head["retry-after-ms"] == "60000")
            let small = try gateway.ask("POST", "/v1/chat/completions", body: Self.body("hello", maxTokens: 50))
            #expect(small.status == 200)
        }
    }

    private static func body(_ prompt: String, maxTokens: Int, stream: Bool = false) -> String {
        let message: JSON = ["role": "user", "content": .string(prompt)]
        let maxTokens = JSON.number(JSONNumber(maxTokens))
        return
            (["model": "sim-large", "messages": [message], "stream": .bool(stream), "max_tokens": maxTokens] as JSON)
            .text
    }

    @Test("what was reserved becomes what was spent, once the answer has ended", arguments: [false, true])
    func settled(stream: Bool) async throws {
        try await TestGateway.with(setup("{tokens: 5000/1h}")) { gateway in
            let body = Self.body("hello there", maxTokens: 4000, stream: stream)
            let first = try gateway.ask("POST", "/v1/chat/completions", body: body)
            #expect(first.status == 200)
            let left = try #require(first.head["x-ratelimit-remaining-tokens"].flatMap { Int($0) })
            #expect(left < 1000, "the reservation counts while the request runs")
            let second = try gateway.ask("POST", "/v1/chat/completions", body: body)
            #expect(second.status == 200)
            let then = try #require(second.head["x-ratelimit-remaining-tokens"].flatMap { Int($0) })
            #expect((1...200).contains(left - then), "only what was spent is gone: \(left), then \(then)")
        }
    }

    @Test("an upstream that fails costs no tokens, and its request still counts")
    func failed() async throws {
        try await TestGateway.with(setup("[{tokens: 5000/1h}, {requests: 60/1h, burst: 10}]")) { gateway in
            let body = Self.body("[[sim:http=500]] hello", maxTokens: 4000)
            for remaining in (7...9).reversed() {
                let failed = try gateway.ask("POST", "/v1/chat/completions", body: body)
                #expect(failed.status == 502)
                #expect(failed.head["x-ratelimit-remaining-requests"] == String(remaining))
            }
        }
    }

    @Test("a stream that its client leaves costs what was delivered")
    func cancelled() async throws {
        try await TestGateway.with(setup("{tokens: 5000/1h, concurrency: 1}")) { gateway in
            let client = try RawClient(port: gateway.port)
            let slow = Self.body("[[sim:slow=30,chunks=200]] a text that takes a while", maxTokens: 4000, stream: true)
            try client.send(TestGateway.request("POST", "/v1/chat/completions", body: slow))
            _ = try client.head()
            _ = try client.piece()
            let busy = try gateway.ask("POST", "/v1/chat/completions", body: Self.body("hello", maxTokens: 10))
            #expect(busy.status == 429 && busy.errorMessage.contains("1 request at a time"))
            client.reset()
            let load = gateway.gateway.load
            #expect(eventually { load.inFlight.load(ordering: .relaxed) == 0 })
            let next = try gateway.ask("POST", "/v1/chat/completions", body: Self.body("hello", maxTokens: 1000))
            #expect(next.status == 200, "neither the lease nor the reservation was lost")
            let left = try #require(next.head["x-ratelimit-remaining-tokens"].flatMap { Int($0) })
            #expect((3000..<3998).contains(left), "something was charged, and not all of it: \(left)")
        }
    }

    @Test("requests at a time: the next one passes as soon as one has ended")
    func concurrency() async throws {
        try await TestGateway.with(setup("{concurrency: 2}")) { gateway in
            let running = try (0..<2).map { _ in try gateway.startChat("[[sim:slow=20,chunks=10]] slowly") }
            for client in running { _ = try client.head() }
            let refused = try gateway.chat("hello")
            #expect(refused.status == 429 && refused.head["retry-after"] == "1")
            #expect(refused.head["ratelimit-policy"] == "\"concurrency\";q=2")
            for client in running { while try client.piece() != nil {} }
            for _ in 0..<20 {
                let next = try gateway.chat("hello")
                #expect(next.status == 200)
            }
        }
    }

    @Test("a model's limit counts that model alone, however its name is written")
    func perModel() async throws {
        try await TestGateway.with(setup("{per_model: {requests: 1/1h}}")) { gateway in
            #expect(try gateway.chat("hello", model: "sim-large").status == 200)
            #expect(try gateway.chat("hello", model: "sim-small").status == 200)
            let refused = try gateway.chat("hello", model: "local/sim-large")
            #expect(refused.status == 429 && refused.errorMessage.contains("for the model \"sim-large\""))
        }
    }

    @Test("the gateway's own limits hold for all keys together")
    func global() async throws {
        var setup = setup("{concurrency: 9}", topLevel: "limits: {global: {requests: 60/1h, burst: 2}}")
        setup.keys = "[{name: a, key: \(GatewaySetup.clientKey)}, {name: b, key: another-client-key-9}]"
        try await TestGateway.with(setup) { gateway in
            #expect(try gateway.chat("hello").status == 200)
            let body = TestGateway.chatBody("hello")
            let other = try gateway.ask("POST", "/v1/chat/completions", key: "another-client-key-9", body: body)
            #expect(other.status == 200)
            let refused = try gateway.chat("hello")
            #expect(refused.status == 429 && refused.errorMessage.contains("this gateway is at the limit"))
        }
    }

    @Test("lists, counts of tokens, preflights, wrong keys and unknown models are not counted")
    func uncounted() async throws {
        try await TestGateway.with(setup("{requests: 60/1h, burst: 1}")) { gateway in
            for _ in 0..<3 {
                #expect(try gateway.ask("GET", "/v1/models").status == 200)
                #expect(try gateway.ask("OPTIONS", "/v1/chat/completions").status == 204)
                #expect(try gateway.chat("hello", model: "no-such-model").status == 404)
                #expect(try gateway.ask("POST", "/v1/chat/completions", body: "{").status == 400)
                let wrong = try gateway.ask(
                    "POST", "/v1/chat/completions", key: "wrong", body: TestGateway.chatBody("hello"))
                #expect(wrong.status == 401)
            }
            #expect(try gateway.chat("hello").status == 200)
        }
    }

    @Test("a reload keeps what was counted, also when the limit itself has changed (C-5)")
    func reload() async throws {
        let first = setup("{requests: 60/1h, burst: 2, tokens: 3000/1h}")
        try await TestGateway.with(first) { gateway in
            for _ in 0..<2 { #expect(try gateway.chat("hello").status == 200) }
            #expect(try gateway.chat("hello").status == 429)
            try await gateway.reload(self.setup("{requests: 60/1h, burst: 2}", topLevel: "retry: {max_retries: 1}"))
            #expect(try gateway.chat("hello").status == 429)
            try await gateway.reload(self.setup("{requests: 60/1h, burst: 3}"))
            let more = try gateway.chat("hello")
            #expect(more.status == 200 && more.head["x-ratelimit-remaining-requests"] == "0")
            try await gateway.reload(self.setup("{concurrency: 9}"))
            #expect(try gateway.chat("hello").status == 200)
        }
    }

    @Test(
        "an account at the operator's own limit is passed over, which is no attempt, and rests",
        arguments: [false, true])
    func accounts(perClass: Bool) async throws {
        let limit = perClass ? "account_class: {text: {daily: 1}}" : "account: {requests: 1/1h, burst: 1}"
        var setup = Family.openAICompatible.setup(", limits: {\(limit)}")
        setup.upstreamKeys = [GatewaySetup.firstKey, GatewaySetup.secondKey]
        try await TestGateway.with(setup) { gateway in
            for _ in 0..<2 {
                let reply = try gateway.chat("hello")
                #expect(reply.status == 200 && reply.head["x-pollux-attempts"] == "1")
            }
            let used = gateway.answerRequests(.openAICompatible).map(\.account)
            #expect(Set(used).count == 2, "each account once: \(used)")
            let refused = try gateway.chat("hello")
            #expect(refused.status >= 429 && refused.head["retry-after"] != nil, "\(refused.status) \(refused.text)")
            #expect(gateway.answerRequests(.openAICompatible).count == 2, "no upstream was asked")
        }
    }
}
