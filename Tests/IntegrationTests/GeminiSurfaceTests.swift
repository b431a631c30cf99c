import PolluxCore
import PolluxSimulator
import Testing

@Suite("The Gemini format, through a whole gateway", .serialized)
struct GeminiSurfaceTests {
    private static let question = #"{"contents":[{"parts":[{"text":"hello"}]}]}"#

    @Test("the same answer comes whole, as events and as an array", arguments: Family.allCases, GeminiForm.allCases)
    func forms(_ family: Family, _ form: GeminiForm) async throws {
        try await TestGateway.with(family.setup()) { gateway in
            let reply = try gateway.generate("please repeat this", form, model: family.model)
            let answer = GeminiAnswer(reply, form)
            #expect(reply.status == 200 && answer.isWhole, "\(reply.text)")
            #expect(answer.text.hasPrefix("echo[\(family.model)") && answer.text.hasSuffix("please repeat this"))
            #expect(answer.finishReasons == ["STOP"])
            #expect(answer.thoughts.isEmpty)
            let usage = try #require(answer.usage)
            let figures = ["promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount"].map { usage[$0]?.int ?? 0 }
            #expect(figures[0] > 0 && figures[1] > 0)
            #expect(usage["totalTokenCount"]?.int == figures.reduce(0, +))
            #expect(Set(answer.pieces.map { $0["responseId"]?.string }).count == 1)
            #expect(answer.pieces.allSatisfy { $0["modelVersion"]?.string == family.model })
            if form != .whole { #expect(answer.pieces.count > 1) }
        }
    }

    @Test(
        "a generation is served at every version, below the prefix, and with its verb percent-encoded",
        arguments: [
            "/v1beta/models/sim-large:generateContent", "/v1/models/sim-large:generateContent",
            "/v1alpha/models/sim-large:generateContent", "/v1beta1/models/sim-large:generateContent",
            "/gemini/v1beta/models/sim-large:generateContent", "/gemini/v1/models/sim-large:generateContent",
            "/pollux/v1beta/models/sim-large:generateContent", "/pollux/gemini/v1/models/sim-large:generateContent",
            "/v1beta/models/sim-large%3AgenerateContent", "/v1beta/models/sim-large:generateContent/",
            "/v1beta/models/team%2Fchat:free:generateContent", "/v1beta/models/team/chat:free%3agenerateContent",
        ])
    func paths(_ path: String) async throws {
        var setup = GatewaySetup()
        setup.server = ", path_prefix: pollux"
        try await TestGateway.with(setup) { gateway in
            let reply = try gateway.ask("POST", path, body: Self.question)
            #expect(reply.status == 200, "\(reply.text)")
            #expect(GeminiAnswer(reply, .whole).text.hasSuffix("hello"))
        }
    }

    @Test("GET /v1/models is OpenAI's, unless the client shows a Gemini key; below a prefix there is no doubt")
    func contested() async throws {
        try await TestGateway.with { gateway in
            let key = "x-goog-api-key: \(GatewaySetup.clientKey)"
            for (path, noun) in [("/v1/models", "models"), ("/v1/models/sim-large", "name")] {
                let plain = try gateway.ask("GET", path)
                #expect(plain.json["object"] != nil && plain.json[noun] == nil, "\(plain.text)")
                for reply in [
                    try gateway.ask("GET", path, key: nil, fields: [key]),
                    try gateway.ask("GET", "\(path)?key=\(GatewaySetup.clientKey)", key: nil),
                    try gateway.ask("GET", "/gemini" + path),
                    try gateway.ask("GET", path.replacing("/v1/", with: "/v1beta/")),
                ] {
                    #expect(reply.status == 200 && reply.json["object"] == nil, "\(reply.text)")
                    #expect(reply.json[noun] != nil, "\(reply.text)")
                }
            }
        }
    }

    @Test("keys: in the header, in the query, as a bearer; one that is valid is enough, and none is 403")
    func keys() async throws {
        try await TestGateway.with { gateway in
            let (path, good) = ("/v1beta/models/sim-large:generateContent", GatewaySetup.clientKey)
            func status(_ query: String, _ fields: [String]) throws -> Reply {
                try gateway.ask("POST", path + query, key: nil, fields: fields, body: Self.question)
            }
            #expect(try status("", ["x-goog-api-key: \(good)"]).status == 200)
            #expect(try status("?key=\(good)", []).status == 200)
            #expect(try status("", ["Authorization: Bearer \(good)"]).status == 200)
            #expect(try status("?key=wrong", ["x-goog-api-key: bad", "Authorization: Bearer \(good)"]).status == 200)
            let none = try status("", [])
            #expect(none.status == 403)
            #expect(none.json["error"]?["status"] == "PERMISSION_DENIED")
            let bad = try status("?key=some-wrong-query-key", [])
            #expect(bad.status == 400)
            #expect(bad.json["error"]?["status"] == "INVALID_ARGUMENT")
            #expect(bad.json["error"]?["details"]?[0]?["reason"] == "API_KEY_INVALID")
            let log = gateway.log.joined()
            #expect(!log.contains("some-wrong-query-key") && !log.contains(good))
        }
    }

    @Test(
        "what is not offered is said in the format's own envelope",
        arguments: [
            ("POST", "/v1beta/cachedContents", 501), ("GET", "/v1beta/tunedModels", 501),
            ("POST", "/upload/v1beta/files", 501), ("POST", "/gemini/upload/v1beta/files", 501),
            ("GET", "/v1beta/files/abc", 501), ("POST", "/v1beta/models/sim-large:embedContent", 501),
            ("POST", "/v1beta/models/sim-large:predict", 501), ("POST", "/v1beta/models/sim-large:nonsense", 404),
            ("DELETE", "/v1beta/models/sim-large", 404), ("GET", "/v1beta/nothing", 404), ("GET", "/v1beta", 404),
        ])
    func refused(_ method: String, _ path: String, _ status: Int) async throws {
        try await TestGateway.with { gateway in
            let reply = try gateway.ask(method, path, body: method == "POST" ? "{}" : nil)
            #expect(reply.status == status, "\(reply.text)")
            #expect(reply.json["error"]?.isGeminiError == true, "\(reply.text)")
            #expect(reply.json["error"]?["status"]?.string == (status == 501 ? "UNIMPLEMENTED" : "NOT_FOUND"))
        }
    }

    @Test("tokens are counted, more for more; an unknown model is a 404 that names the nearest")
    func countTokens() async throws {
        try await TestGateway.with { gateway in
            func count(_ text: String) throws -> Int? {
                try gateway.ask(
                    "POST", "/v1beta/models/sim-large:countTokens",
                    body: #"{"contents":[{"parts":[{"text":"\#(text)"}]}]}"#
                ).json["totalTokens"]?.int
            }
            let (short, long) = (try #require(try count("hello")), try #require(try count("hello to all of you")))
            #expect(0 < short && short < long)
            for verb in ["countTokens", "generateContent", "streamGenerateContent"] {
                let reply = try gateway.ask("POST", "/v1beta/models/sim-lrage:\(verb)", body: Self.question)
                #expect(reply.status == 404, "\(reply.text)")
                #expect(reply.json["error"]?["message"]?.string?.contains("sim-large") == true)
            }
            #expect(gateway.answerRequests(.openAICompatible).isEmpty)
        }
    }

    @Test("a key's models bound what it may list, count and use")
    func keyModels() async throws {
        var setup = GatewaySetup()
        setup.keys = "[{name: tester, key: \(GatewaySetup.clientKey), models: [sim-small]}]"
        try await TestGateway.with(setup) { gateway in
            let models = try gateway.ask("GET", "/v1beta/models").json["models"]?.array ?? []
            #expect(models.map { $0["name"] } == ["models/sim-small"])
            for verb in ["countTokens", "generateContent"] {
                let reply = try gateway.ask("POST", "/v1beta/models/sim-large:\(verb)", body: Self.question)
                #expect(reply.status == 403)
                #expect(reply.json["error"]?["status"] == "PERMISSION_DENIED")
            }
        }
    }

    @Test("what the client's upstream cannot do is refused by name", arguments: ["codeExecution", "urlContext"])
    func hostedTools(_ tool: String) async throws {
        try await TestGateway.with { gateway in
            let reply = try gateway.generate("hello", members: #","tools":[{"\#(tool)":{}}]"#)
            #expect(reply.status == 400)
            #expect(reply.json["error"]?["message"]?.string?.contains(tool) == true)
        }
    }

    @Test("a call goes to the client and its result back, by name, though the format may leave out its id")
    func tools() async throws {
        try await TestGateway.with { gateway in
            let tools =
                #""tools":[{"functionDeclarations":[{"name":"get_weather","parameters":{"type":"OBJECT","#
                + #""properties":{"city":{"type":"STRING"}}}}]}]"#
            let ask = #"{"role":"user","parts":[{"text":"[[sim:tool]] [[sim:args={\"city\":\"Oslo\"}]] weather?"}]}"#
            let path = "/v1beta/models/sim-large:generateContent"
            let first = try gateway.ask("POST", path, body: #"{"contents":[\#(ask)],\#(tools)}"#)
            let call = try #require(first.json["candidates"]?[0]?["content"]?["parts"]?[0]?["functionCall"])
            #expect(call["name"] == "get_weather" && call["args"] == ["city": "Oslo"])
            #expect(first.json["candidates"]?[0]?["finishReason"] == "STOP")
            let answer = #"{"role":"model","parts":[{"functionCall":{"name":"get_weather","args":{"city":"Oslo"}}}]}"#
            let result = #"{"parts":[{"functionResponse":{"name":"get_weather","response":{"result":"rain"}}}]}"#
            let second = try gateway.ask("POST", path, body: #"{"contents":[\#(ask),\#(answer),\#(result)],\#(tools)}"#)
            #expect(second.status == 200, "\(second.text)")
            let sent = try #require(gateway.answerRequests(.openAICompatible).last?.body)
            let messages = sent["messages"]?.array ?? []
            #expect(messages.count == 3)
            #expect(messages.last?["role"] == "tool" && messages.last?["content"] == "rain")
            #expect(messages.last?["tool_call_id"] == messages[1]["tool_calls"]?[0]?["id"])
            #expect(sent["tools"]?[0]?["function"]?["parameters"]?["type"] == "object")
        }
    }

    @Test("X-Server-Timeout ends the wait with 504", arguments: GeminiForm.allCases)
    func serverTimeout(_ form: GeminiForm) async throws {
        try await TestGateway.with { gateway in
            let reply = try gateway.generate("[[sim:headerstall]] x", form, fields: ["X-Server-Timeout: 0.3"])
            #expect(reply.status == 504, "\(reply.text)")
            #expect(reply.json["error"]?["status"] == "DEADLINE_EXCEEDED")
        }
    }

    @Test("a body that cannot be read names the field", arguments: GeminiForm.allCases)
    func badBody(_ form: GeminiForm) async throws {
        try await TestGateway.with { gateway in
            let reply = try gateway.generate("x", form, members: #","generationConfig":{"temperature":9}"#)
            #expect(reply.status == 400)
            let details = reply.json["error"]?["details"]?.array ?? []
            #expect(details.last?["fieldViolations"]?[0]?["field"] == "generationConfig.temperature")
        }
    }
}
