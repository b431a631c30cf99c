import PolluxCore
import PolluxSimulator
import Testing

@Suite("Who may ask (reliability requirements, A-1 to A-4)", .serialized)
struct AccessTests {
    @Test(
        "without a configured key nothing is served", arguments: ["/v1/models", "/v1/chat/completions", "/v1/nothing"])
    func noKeyConfigured(_ path: String) async throws {
        var setup = GatewaySetup()
        setup.keys = "[]"
        try await TestGateway.with(setup) { gateway in
            for key in [nil, "anything", GatewaySetup.clientKey] {
                let reply = try gateway.ask("GET", path, key: key)
                #expect(reply.status == 401)
                #expect(reply.errorCode == "invalid_api_key")
                #expect(reply.isErrorEnvelope)
            }
        }
    }

    @Test(
        "a key counts in each of its places, and one valid key is enough",
        arguments: [
            ["Authorization: Bearer \(GatewaySetup.clientKey)"], ["authorization: bearer   \(GatewaySetup.clientKey)"],
            ["x-api-key: \(GatewaySetup.clientKey)"], ["X-Goog-Api-Key: \(GatewaySetup.clientKey)"],
            ["api-key: \(GatewaySetup.clientKey)"],
            ["Authorization: Bearer wrong", "x-api-key: \(GatewaySetup.clientKey)"],
            ["x-api-key: wrong", "Authorization: Bearer \(GatewaySetup.clientKey)"],
        ])
    func keyPlaces(_ fields: [String]) async throws {
        try await TestGateway.with { gateway in
            let reply = try gateway.ask("GET", "/v1/models", key: nil, fields: fields)
            #expect(reply.status == 200)
        }
    }

    @Test(
        "a missing or wrong key is refused with 401, which does not repeat the key",
        arguments: [
            [], ["Authorization: Bearer wrong-key-of-a-client"], ["Authorization: Basic wrong-key-of-a-client"],
            ["x-api-key: wrong-key-of-a-client"], ["Authorization: Bearer "],
            ["Authorization: \(GatewaySetup.clientKey)"],
            ["Authorization: Bearer \(GatewaySetup.clientKey)x"], ["x-api-key: \(GatewaySetup.clientKey.dropLast())"],
        ])
    func refusedKeys(_ fields: [String]) async throws {
        try await TestGateway.with { gateway in
            let reply = try gateway.ask("GET", "/v1/models", key: nil, fields: fields)
            #expect(reply.status == 401)
            #expect(reply.errorCode == "invalid_api_key")
            #expect(reply.isErrorEnvelope)
            #expect(!reply.text.contains("wrong-key"))
        }
    }

    @Test("a key in the URL does not count for the OpenAI format")
    func queryKey() async throws {
        try await TestGateway.with { gateway in
            let reply = try gateway.ask(
                "POST", "/v1/chat/completions?key=\(GatewaySetup.clientKey)", key: nil,
                body: TestGateway.chatBody("hello"))
            #expect(reply.status == 401)
            #expect(!gateway.log.contains { $0.contains(GatewaySetup.clientKey) })
        }
    }

    @Test("open access serves everybody, also those with a wrong key")
    func openAccess() async throws {
        var setup = GatewaySetup()
        setup.topLevel = "auth: {clients: open}"
        try await TestGateway.with(setup) { gateway in
            for key in [nil, "wrong"] {
                let reply = try gateway.ask("GET", "/v1/models", key: key)
                #expect(reply.status == 200)
            }
        }
    }

    @Test("the 61st wrong key of a minute is answered with 429, while the right key goes on working")
    func throttledGuesses() async throws {
        try await TestGateway.with { gateway in
            for _ in 0..<60 { #expect(try gateway.ask("GET", "/v1/models", key: "guess").status == 401) }
            let reply = try gateway.ask("GET", "/v1/models", key: "guess")
            #expect(reply.status == 429)
            #expect(reply.errorCode == "rate_limit_exceeded")
            #expect(Fault.RetryAfter.within(1...60).accepts(reply.head["retry-after"]))
            #expect(try gateway.ask("GET", "/v1/models").status == 200)
            #expect(try gateway.ask("GET", "/v1/models", key: nil).status == 401, "no key is no guess")
        }
    }

    @Test("paths below /v1 do not tell strangers whether they exist; a key holder gets 404")
    func unknownPathsBelow() async throws {
        try await TestGateway.with { gateway in
            let unknown = try gateway.ask("GET", "/v1/nothing", key: nil)
            let known = try gateway.ask("GET", "/v1/models", key: nil)
            #expect(unknown.status == 401)
            #expect(unknown.text == known.text)
            let reply = try gateway.ask("GET", "/v1/nothing")
            #expect(reply.status == 404)
            #expect(reply.errorCode == "unknown_url")
            #expect(reply.isErrorEnvelope)
        }
    }

    @Test(
        "other unknown paths, admin ones among them, get the same 404 with and without a key",
        arguments: ["/", "/admin", "/admin/api/keys", "/favicon.ico", "/v2/models"])
    func unknownPathsElsewhere(_ path: String) async throws {
        try await TestGateway.with { gateway in
            let replies = try [nil, "wrong", GatewaySetup.clientKey].map { try gateway.ask("GET", path, key: $0) }
            #expect(replies.allSatisfy { $0.status == 404 && $0.errorCode == "unknown_url" && $0.isErrorEnvelope })
            #expect(Set(replies.map(\.text)).count == 1)
            #expect(!replies[0].text.contains(path == "/" ? "//" : path), "error pages do not repeat the path")
        }
    }

    @Test("the key is judged before the body: a wrong key never waits for one")
    func keyBeforeBody() async throws {
        try await TestGateway.with { gateway in
            let client = try RawClient(port: gateway.port)
            try client.send(
                "POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer wrong\r\n"
                    + "Content-Length: 1000000\r\n\r\n")
            #expect(try client.reply().status == 401)
            #expect(client.isClosedByServer())
        }
    }

    @Test("a key's model list limits what it sees and what it may use")
    func modelList() async throws {
        var setup = GatewaySetup()
        setup.keys = "[{name: a, key: \(GatewaySetup.clientKey), models: [sim-small, \"team/*\"]}]"
        try await TestGateway.with(setup) { gateway in
            let models = try gateway.ask("GET", "/v1/models").json["data"]?.array?.compactMap { $0["id"]?.string }
            #expect(Set(models ?? []) == ["sim-small", "team/chat:free"])
            #expect(try gateway.chat("hello", model: "sim-small").status == 200)
            #expect(try gateway.chat("hello", model: "team/chat:free").status == 200)
            let refused = try gateway.chat("hello", model: "sim-large")
            #expect(refused.status == 403)
            #expect(refused.errorCode == "permission_denied")
            #expect(refused.json["error"]?["param"]?.string == "model")
            #expect(try gateway.ask("GET", "/v1/models/sim-large").status == 404)
        }
    }

    @Test("no key, cookie or token of ours or of an upstream stands in any answer or log record")
    func secretsStayInside() async throws {
        var setup = GatewaySetup()
        setup.business = ""
        setup.topLevel = "retry: {max_retries: 0}\nadmin: {key: \"\(Self.adminKey)\"}"
        let account = try #require(setup.accounts.first)
        let secrets =
            [GatewaySetup.clientKey, GatewaySetup.firstKey, Self.adminKey, "guessed-client-key", account.secureCSES]
            + [account.hostCOSES].compactMap(\.self)
        try await TestGateway.with(setup) { gateway in
            var answers: [String] = []
            func note(_ reply: Reply) {
                answers.append(reply.text + reply.head.fields.map { "\($0.name): \($0.value)" }.joined(separator: "\n"))
            }
            for family in Family.allCases {
                for marks in ["", "[[sim:http=401]]", "[[sim:http=429]]", "[[sim:cut=0]]", "[[sim:http=500]]"] {
                    note(try gateway.chat("\(marks) hello", model: family.model, stream: marks.isEmpty))
                }
            }
            for key in [nil, "guessed-client-key"] { note(try gateway.ask("GET", "/v1/models", key: key)) }
            note(try gateway.ask("GET", "/v1/models?key=\(GatewaySetup.clientKey)"))
            let log = gateway.log
            #expect(log.count > 5)
            for secret in secrets {
                #expect(!answers.contains { $0.contains(secret) }, "\(secret) stands in an answer")
                #expect(!log.contains { $0.contains(secret) }, "\(secret) stands in the log")
            }
            #expect(!log.contains { $0.contains("eyJ") }, "a token stands in the log")
            #expect(!log.contains { $0.contains("hello") }, "a prompt stands in the log")
        }
    }

    private static let adminKey = "integration-admin-key-of-an-operator"
}
