import PolluxCore
import PolluxSimulator
import Testing

@Suite("Paths, methods and the answers around a chat", .serialized)
struct SurfaceTests {
    @Test("/healthz answers without a key, and HEAD has no body", arguments: ["/healthz", "/pollux/healthz"])
    func health(_ path: String) async throws {
        try await TestGateway.with(Self.prefixed) { gateway in
            let reply = try gateway.ask("GET", path, key: nil)
            #expect(reply.status == 200)
            #expect(reply.json["status"]?.string == "ok")
            #expect(reply.head["x-request-id"] != nil)
            let head = try gateway.ask("HEAD", path, key: nil)
            #expect(head.status == 200)
            #expect(head.body.isEmpty)
            #expect(head.head["content-length"] == reply.head["content-length"])
            let posted = try gateway.ask("POST", path, key: nil, body: "{}")
            #expect(posted.status == 405)
            #expect(posted.errorCode == "method_not_allowed")
            #expect(posted.isErrorEnvelope)
            #expect(posted.head["allow"] == "GET, HEAD")
        }
    }

    @Test("/readyz is 200 with an account, and 503 with one reason per provider without")
    func readiness() async throws {
        try await TestGateway.with { gateway in
            #expect(try gateway.ask("GET", "/readyz", key: nil).status == 200)
            try gateway.simulator(.openAICompatible).control.add(FaultRule(status: 401))
            _ = try gateway.chat("hello")
            let reply = try gateway.ask("GET", "/readyz", key: nil)
            #expect(reply.status == 503)
            let reasons = reply.json["reasons"]?.array?.compactMap(\.string) ?? []
            #expect(
                reasons == [
                    "no account of provider \"local\" is free: 1 account, 1 rejected by the upstream"
                ])
            #expect(!reply.text.contains("127.0.0.1"))
        }
    }

    @Test("a gateway without providers starts, and /readyz says what is missing")
    func nothingConfigured() async throws {
        var setup = GatewaySetup()
        setup.local = nil
        setup.topLevel = ""
        try await TestGateway.with(setup) { gateway in
            #expect(try gateway.ask("GET", "/healthz", key: nil).status == 200)
            let reply = try gateway.ask("GET", "/readyz", key: nil)
            #expect(reply.status == 503)
            #expect(reply.text.contains("no provider is configured"))
            #expect(try gateway.chat("hello").errorCode == "model_not_found")
        }
    }

    @Test(
        "the same models are listed with and without the prefix, without the version, and with a slash at the end",
        arguments: ["/v1/models", "/models", "/v1/models/", "/pollux/v1/models", "/pollux/models", "/v1/models?x=1"])
    func modelPaths(_ path: String) async throws {
        try await TestGateway.with(Self.prefixed) { gateway in
            let reply = try gateway.ask("GET", path)
            #expect(reply.status == 200)
            #expect(reply.json["object"]?.string == "list")
            let models = reply.json["data"]?.array?.compactMap { $0["id"]?.string } ?? []
            #expect(models.contains("sim-large") && models.contains("team/chat:free"))
            #expect(try gateway.ask("HEAD", path).body.isEmpty)
        }
    }

    @Test(
        "a chat is served at each of its paths",
        arguments: [
            "/v1/chat/completions", "/chat/completions", "/v1/chat/completions/", "/pollux/v1/chat/completions",
        ])
    func chatPaths(_ path: String) async throws {
        try await TestGateway.with(Self.prefixed) { gateway in
            let reply = try gateway.ask("POST", path, body: TestGateway.chatBody("hello"))
            #expect(reply.status == 200)
        }
    }

    @Test(
        "a model's id may be percent-encoded, once",
        arguments: [
            ("/v1/models/sim-large", 200), ("/v1/models/team%2Fchat:free", 200), ("/v1/models/team/chat:free", 200),
            ("/v1/models/team%2fchat%3Afree", 200), ("/v1/models/team%252Fchat:free", 404),
            ("/v1/models/sim%2Dlarge", 200), ("/v1/models/SIM-LARGE", 404), ("/v1/models/sim-large%00", 404),
            ("/v1/models/..%2Fmodels", 404), ("/v1/models/%2e%2e/models", 404), ("/v1//models", 404),
            ("/v1/models/sim%5Clarge", 404), ("/v1/models/sim%zz", 404),
        ])
    func encodedModels(_ path: String, _ status: Int) async throws {
        try await TestGateway.with { gateway in
            let reply = try gateway.ask("GET", path)
            #expect(reply.status == status, "\(reply.text)")
            if status == 404 { #expect(reply.isErrorEnvelope) }
        }
    }

    @Test("an unknown model is a 404 that names the nearest one")
    func nearestModel() async throws {
        try await TestGateway.with { gateway in
            let reply = try gateway.chat("hello", model: "sim-lrage")
            #expect(reply.status == 404)
            #expect(reply.errorCode == "model_not_found")
            #expect(reply.errorMessage.contains("sim-large"))
            #expect(gateway.answerRequests(.openAICompatible).isEmpty)
        }
    }

    @Test("provider/model addresses one provider")
    func addressedModel() async throws {
        try await TestGateway.with { gateway in
            let reply = try gateway.chat("hello", model: "local/sim-small")
            #expect(reply.answerText == "echo[sim-small|turn=1]: hello")
        }
    }

    @Test(
        "wrong methods get 405 with what is allowed",
        arguments: [
            ("GET", "/v1/chat/completions", "POST, OPTIONS"), ("DELETE", "/v1/models", "GET, HEAD, OPTIONS"),
            ("PUT", "/v1/models/sim-large", "GET, HEAD, OPTIONS"),
        ])
    func wrongMethods(_ method: String, _ path: String, _ allow: String) async throws {
        try await TestGateway.with { gateway in
            let reply = try gateway.ask(method, path)
            #expect(reply.status == 405)
            #expect(reply.errorCode == "method_not_allowed")
            #expect(reply.head["allow"] == allow)
            #expect(reply.isErrorEnvelope)
        }
    }

    @Test("OPTIONS needs no key and shares nothing with other origins by default")
    func plainOptions() async throws {
        try await TestGateway.with { gateway in
            let reply = try gateway.ask(
                "OPTIONS", "/v1/chat/completions", key: nil, fields: ["Origin: https://chat.example.org"])
            #expect(reply.status == 204)
            #expect(reply.head["allow"] == "POST, OPTIONS")
            #expect(reply.head["access-control-allow-origin"] == nil)
        }
    }

    @Test("an allowed origin passes its preflight and sees its answers; another does not, and is logged once")
    func crossOrigin() async throws {
        var setup = GatewaySetup()
        setup.topLevel = "cors: {allowed_origins: [\"https://chat.example.org\"]}"
        try await TestGateway.with(setup) { gateway in
            let preflight = [
                "Origin: https://chat.example.org", "Access-Control-Request-Method: POST",
                "Access-Control-Request-Headers: authorization, content-type",
            ]
            let reply = try gateway.ask("OPTIONS", "/v1/chat/completions", key: nil, fields: preflight)
            #expect(reply.status == 204)
            #expect(reply.head["access-control-allow-origin"] == "https://chat.example.org")
            #expect(reply.head["access-control-allow-methods"]?.contains("POST") == true)
            #expect(reply.head["access-control-allow-headers"] == "authorization, content-type")
            #expect(reply.head["access-control-max-age"] == "600")
            #expect(reply.head["access-control-allow-credentials"] == nil)
            for stream in [false, true] {
                let answer = try gateway.chat("hello", stream: stream, fields: ["Origin: https://chat.example.org"])
                #expect(answer.head["access-control-allow-origin"] == "https://chat.example.org")
                #expect(answer.head["vary"] == "Origin")
            }
            for _ in 0..<2 {
                let other = try gateway.chat("hello", fields: ["Origin: https://evil.example.org"])
                #expect(other.head["access-control-allow-origin"] == nil)
            }
            #expect(gateway.log.count { $0.contains("https://evil.example.org") } == 1)
        }
    }

    @Test("every answer carries a request id of its own, fit for a log search, and is kept out of caches")
    func requestIDs() async throws {
        try await TestGateway.with { gateway in
            let replies = [
                try gateway.chat("hello"), try gateway.chat("hello", stream: true),
                try gateway.ask("GET", "/v1/models"),
                try gateway.ask("GET", "/v1/models", key: "wrong"), try gateway.ask("GET", "/nothing"),
                try gateway.ask("GET", "/healthz"), try gateway.ask("POST", "/v1/chat/completions", body: "{"),
                try gateway.ask("OPTIONS", "/v1/models"), try gateway.chat("[[sim:http=500]]"),
            ]
            let ids = replies.compactMap { $0.head["x-request-id"] }
            #expect(Set(ids).count == replies.count)
            #expect(ids.allSatisfy { $0.hasPrefix("req_") && $0.utf8.count == 28 })
            #expect(replies.allSatisfy { $0.head["cache-control"] != nil })
            let failed = try #require(replies.last?.head["x-request-id"])
            #expect(gateway.log.contains { $0.contains(failed) && $0.contains("upstreamError") })
        }
    }

    private static var prefixed: GatewaySetup {
        var setup = GatewaySetup()
        setup.server = ", path_prefix: pollux"
        return setup
    }
}
