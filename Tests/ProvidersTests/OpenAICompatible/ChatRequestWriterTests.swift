import PolluxCore
import PolluxProviders
import PolluxTesting
import Testing

@Suite("Requests to an upstream that speaks the OpenAI format")
struct ChatRequestWriterTests {
    private let done = FakeResponse.events(chunk(#"{"content":"a"}"#, finish: "stop"))

    @Test("the request goes to the right place with the account's key")
    func head() async throws {
        let upstream = ChatUpstream(done)
        var request = ModelRequest.hello
        request.resolvedModel = "real-model"
        #expect(try await upstream.sentBody(request)["model"] == "real-model")
        let sent = try #require(upstream.transport.requests.first)
        #expect(sent.method == .post)
        #expect(sent.url == "https://upstream.test/v1/chat/completions")
        #expect(sent.fields["authorization"] == "Bearer sk-upstream")
        #expect(sent.fields["content-type"] == "application/json")
        #expect(sent.fields["accept"] == "text/event-stream")
    }

    @Test("settings decide how the upstream is asked")
    func settings() async throws {
        var upstream = ChatUpstream(done)
        (upstream.settings.stream, upstream.settings.tokenLimitField) = (false, .maxCompletionTokens)
        var request = ModelRequest.hello
        request.stream = true
        request.sampling.maxOutputTokens = 5
        request.extensions = ["openai.made_up": 1, "openai.verbosity": "low", "frontend.functions": true]
        let plain = try await upstream.sentBody(request)
        #expect(plain["stream"] == nil)
        #expect(plain["max_completion_tokens"] == 5)
        #expect(plain["verbosity"] == "low")
        #expect(plain["made_up"] == nil)
        #expect(try upstream.provider().ignoredParameters(of: request) == ["made_up"])
        upstream = ChatUpstream(done)
        (upstream.settings.streamOptions, upstream.settings.passUnknownFields) = (false, true)
        let open = try await upstream.sentBody(request)
        #expect(open["stream"] == true)
        #expect(open["stream_options"] == nil)
        #expect(open["max_tokens"] == 5)
        #expect(open["made_up"] == 1)
        #expect(try upstream.provider().ignoredParameters(of: request) == [])
        #expect(open["functions"] == nil)
    }

    @Test(
        "a thinking budget becomes a level",
        arguments: [(nil, nil), (-1, nil), (0, "none"), (512, "low"), (1024, "low"), (8192, "medium"), (9000, "high")]
            as [(Int?, String?)])
    func effort(budget: Int?, level: String?) async throws {
        var request = ModelRequest.hello
        request.reasoning.budget = budget
        #expect(try await ChatUpstream(done).sentBody(request)["reasoning_effort"]?.string == level)
    }

    @Test("a signature that the client dropped is put back, for this client only")
    func rememberedSignature() async throws {
        let call =
            #"{"tool_calls":[{"index":0,"id":"c1","function":{"name":"f","arguments":"{}"},"#
            + #""extra_content":{"google":{"thought_signature":"AQID"}}}]}"#
        let upstream = ChatUpstream(.events(chunk(call), chunk("{}", finish: "tool_calls")), done, done, done)
        let provider = try upstream.provider()
        let lease = TestLease(credential: provider.ownCredentials[0])
        func ask(_ request: ModelRequest) async throws -> JSON {
            var stream = try await provider.generate(request, on: lease)
            while try await stream.next() != nil {}
            return try JSON.parse(upstream.transport.requests.last?.body ?? [])
        }
        var request = ModelRequest.hello
        request.client.keyID = "ann"
        _ = try await ask(request)
        request.turns.append(Turn(.model, [Part(.toolCall(ToolCall(id: "c1", name: "f", rawArguments: "{}")))]))
        let known: JSON = ["google": ["thought_signature": "AQID"]]
        #expect(try await ask(request)["messages"]?[1]?["tool_calls"]?[0]?["extra_content"] == known)
        request.client.keyID = "bob"
        #expect(try await ask(request)["messages"]?[1]?["tool_calls"]?[0]?["extra_content"] == nil)
        request.client.keyID = "ann"
        upstream.time.advance(by: .seconds(3601))
        #expect(try await ask(request)["messages"]?[1]?["tool_calls"]?[0]?["extra_content"] == nil)
    }

    @Test("what the format has no place for is refused before an account is taken")
    func refusals() throws {
        let provider = try ChatUpstream().provider()
        var request = ModelRequest.hello
        #expect(provider.refusal(of: request) == nil)
        request.hostedTools = [.other(name: "code_execution", [:])]
        #expect(provider.refusal(of: request)?.kind == .unsupported)
        for media in [
            Media(.video, mimeType: "video/mp4", .inline([1])), Media(.audio, mimeType: "", .url("https://x.test")),
            Media(.document, mimeType: "", .url("https://x.test")), Media(.image, mimeType: "", .file(id: "f")),
        ] {
            var request = ModelRequest.hello
            request.turns = [Turn(.user, [Part(.media(media))])]
            #expect(provider.refusal(of: request)?.param == "messages")
        }
    }

    @Test("accounts are named after their keys; a server without keys has one anonymous account")
    func accounts() throws {
        var upstream = ChatUpstream()
        upstream.settings.apiKeys = [Secret("a"), Secret("b"), Secret("a")]
        // The first bytes of SHA-256 of "a" and "b".
        #expect(try upstream.provider().ownCredentials.map(\.accountID) == ["key-ca978112", "key-3e23e816"])
        upstream.settings.apiKeys = []
        let anonymous = try upstream.provider().ownCredentials
        #expect(anonymous.map(\.accountID) == ["anonymous"])
        #expect(try upstream.provider().problem(with: anonymous[0]) == nil)
        upstream.settings.hasCredentialSources = true
        #expect(try upstream.provider().ownCredentials == [])
        #expect(
            try upstream.provider().problem(with: Credential(accountID: "x", values: ["cookie": Secret("c")])) != nil)
    }

    @Test("models come from the settings, or from the upstream")
    func models() async throws {
        var upstream = ChatUpstream(
            FakeResponse(
                text: #"{"object":"list","data":[{"id":"a/b","created":5,"owned_by":"o"},{"id":"c"},{"x":1}]}"#),
            FakeResponse(text: "<html>"), FakeResponse(401))
        let provider = try upstream.provider()
        #expect(provider.offeredModels == nil)
        let lease = TestLease(credential: provider.ownCredentials[0])
        let listed = try await provider.listModels(on: lease)
        #expect(listed.map(\.id) == ["a/b", "c"])
        #expect(listed.map(\.owner) == ["o", "up"])
        #expect(listed.map(\.created) == [5, 0])
        #expect(upstream.transport.requests[0].url == "https://upstream.test/v1/models")
        #expect(upstream.transport.requests[0].body == nil)
        let bad = await #expect(throws: GatewayError.self) { try await provider.listModels(on: lease) }
        #expect(bad?.kind == .upstreamBadResponse)
        let refused = await #expect(throws: GatewayError.self) { try await provider.listModels(on: lease) }
        #expect(refused?.accountEffect == .rejectCredential)
        upstream.settings.models = ["x"]
        #expect(try upstream.provider().offeredModels?.map(\.id) == ["x"])
    }

    @Test(
        "plain http is for this machine, unless the operator says otherwise",
        arguments: [
            ("http://127.0.0.1:11434/v1", false, true), ("http://localhost/v1", false, true),
            ("http://[::1]:8080", false, true), ("https://api.example.org/v1", false, true),
            ("http://10.0.0.5/v1", false, false), ("http://10.0.0.5/v1", true, true),
            ("http://127.0.0.1.example.org/v1", false, false), ("http://[::10]/v1", false, false),
        ])
    func plainHTTP(url: String, isAllowed: Bool, isFine: Bool) throws {
        let position = SettingsPosition(file: "settings.yaml", line: 1, column: 1)
        func entry(_ key: String, _ text: String) -> SettingsEntry {
            SettingsEntry(key: key, at: position, value: SettingsNode(.scalar(SettingsScalar(text)), at: position))
        }
        let entries = [entry("base_url", url), entry("allow_plain_http", String(isAllowed))]
        var map = SettingsMap(SettingsNode(.mapping(entries), at: position))
        let settings = OpenAICompatibleSettings(reading: &map)
        #expect(map.issues.sorted.isEmpty == isFine)
        #expect(settings.baseURL == url)
    }
}
