import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxProviders

@Suite("Gemini Business: one request")
struct BusinessRequestTests {
    @Test("a text request takes a token, opens a session, asks, and streams the answer")
    func wholeRequest() async throws {
        let world = try BusinessWorld()
        let events = try await world.events()
        #expect(
            world.http.requests.map(BusinessWorld.step(of:)) == [
                "getoxsrf", "widgetCreateSession", "widgetStreamAssist",
            ])
        #expect(events.first == .started(responseID: "", model: "gemini-2.5-pro"))
        #expect(events.text == "A red square.")
        var usage = Usage(inputTokens: 5, outputTokens: 4)
        usage.isEstimated = true
        #expect(events.suffix(3) == [.finished(.stop), .usage(usage), .ended])
        #expect(world.http.openBodyCount == 0)
    }

    @Test("the key is asked for with the account's cookies, and nothing else is told")
    func keyRequest() async throws {
        let world = try BusinessWorld()
        _ = try await world.events()
        let request = try #require(world.requests("getoxsrf").first)
        #expect(request.method == .get)
        #expect(request.url == "https://business.gemini.google/auth/getoxsrf?csesidx=498000001")
        #expect(request.fields["cookie"] == "__Secure-C_SES=CSE.Ad-invented; __Host-C_OSES=COS.Af-invented")
        #expect(request.fields["referer"] == "https://business.gemini.google/")
        #expect(request.body == nil)
    }

    @Test("a cookie that the account lacks is left out")
    func oneCookie() async throws {
        var credential = BusinessWorld.credential
        credential.values["host_c_oses"] = nil
        let world = try BusinessWorld(credential: credential)
        _ = try await world.events()
        #expect(world.requests("getoxsrf").first?.fields["cookie"] == "__Secure-C_SES=CSE.Ad-invented")
    }

    @Test("a session is opened as the web app does")
    func sessionRequest() async throws {
        let world = try BusinessWorld()
        _ = try await world.events()
        let request = try #require(world.requests("widgetCreateSession").first)
        #expect(
            request.url == "https://biz-discoveryengine.googleapis.com/v1alpha/locations/global/widgetCreateSession")
        #expect(
            String(decoding: request.body ?? [], as: UTF8.self)
                == #"{"configId":"0cd0aa00-0000-4000-8000-00000000c0de","additionalParams":{"token":"-"},"#
                + #""createSessionRequest":{"session":{"name":"","displayName":""}}}"#)
        #expect(request.deadlines?.total == .seconds(30))
    }

    @Test("the question carries every constant of the protocol, and the fields of the web app")
    func questionRequest() async throws {
        let world = try BusinessWorld()
        _ = try await world.events()
        let request = try #require(world.requests("widgetStreamAssist").first)
        #expect(
            String(decoding: request.body ?? [], as: UTF8.self)
                == #"{"configId":"0cd0aa00-0000-4000-8000-00000000c0de","additionalParams":{"token":"-"},"#
                + #""streamAssistRequest":{"session":"\#(BusinessWorld.session)","#
                + #""query":{"parts":[{"text":"Describe the picture"}]},"filter":"","fileIds":[],"#
                + #""answerGenerationMode":"NORMAL","toolsSpec":{"toolRegistry":"default_tool_registry","#
                + #""webGroundingSpec":{}},"languageCode":"en","userMetadata":{"timeZone":"Etc/UTC"},"#
                + #""assistSkippingMode":"REQUEST_ASSIST","assistGenerationConfig":{"modelId":"gemini-2.5-pro"}}}"#)
        let fields = Dictionary(uniqueKeysWithValues: request.fields.map { ($0.name, $0.value) })
        #expect(
            fields.filter { $0.key != "authorization" } == [
                "content-type": "application/json", "origin": "https://business.gemini.google",
                "referer": "https://business.gemini.google/", "user-agent": world.settings.userAgent,
                "x-server-timeout": "1800", "accept": "*/*",
            ])
        #expect(fields["authorization"]?.hasPrefix("Bearer ey") == true)
        #expect(request.deadlines == nil)
    }

    @Test("settings and the account's own browser show in the question")
    func settingsInQuestion() async throws {
        var credential = BusinessWorld.credential
        credential.values["user_agent"] = Secret("Own/1.0")
        credential.proxy = Secret("socks5h://127.0.0.1:1080")
        let world = try BusinessWorld(
            credential: credential,
            settings: { settings in
                settings.languageCode = "zh-CN"
                settings.timeZone = "Asia/Shanghai"
                settings.webGrounding = false
                settings.apiBase = "http://127.0.0.1:8098"
            })
        _ = try await world.events()
        let question = try world.question()["streamAssistRequest"]
        #expect(question?["languageCode"] == "zh-CN")
        #expect(question?["userMetadata"] == ["timeZone": "Asia/Shanghai"])
        #expect(question?["toolsSpec"] == ["toolRegistry": "default_tool_registry"])
        let request = try #require(world.requests("widgetStreamAssist").first)
        #expect(request.url == "http://127.0.0.1:8098/v1alpha/locations/global/widgetStreamAssist")
        #expect(request.fields["user-agent"] == "Own/1.0")
        #expect(request.fields["origin"] == "https://business.gemini.google")
        #expect(world.http.requests.allSatisfy { $0.proxy == Secret("socks5h://127.0.0.1:1080") })
    }

    @Test("web search that a request asks for is switched on, whatever the setting")
    func hostedSearch() async throws {
        let world = try BusinessWorld(settings: { $0.webGrounding = false })
        var request = ModelRequest.asking("news")
        request.hostedTools = [.webSearch(options: [:])]
        _ = try await world.events(request)
        #expect(try world.question()["streamAssistRequest"]?["toolsSpec"]?["webGroundingSpec"] == [:])
    }

    @Test(
        "a model goes upstream under its own name there",
        arguments: [
            ("gemini-auto", nil), ("gemini-2.5-flash", "gemini-2.5-flash"), ("gemini-3.0-pro", "gemini-3-pro-preview"),
            ("not-listed-yet", "not-listed-yet"),
        ] as [(String, String?)])
    func models(name: String, upstream: String?) async throws {
        let world = try BusinessWorld()
        let events = try await world.events(.asking("Hi", model: name))
        #expect(
            try world.question()["streamAssistRequest"]?["assistGenerationConfig"]?["modelId"]?.string == upstream)
        #expect(events.first == .started(responseID: "", model: name))
    }

    private static let preamble =
        "You are answering through a text-only relay. Follow the INSTRUCTIONS, read the\n"
        + "CONVERSATION, and write only the next assistant reply. Do not repeat role headings.\n\n"

    @Test("a lone user message is sent as it is, everything else as one text with roles")
    func prompts() async throws {
        let world = try BusinessWorld()
        #expect(try await world.asked(.asking("Hello\n")) == "Hello\n")
        var request = ModelRequest.asking("Hello")
        request.system = [.text("Be brief."), .text("Be kind.")]
        #expect(
            try await world.asked(request) == Self.preamble
                + "# INSTRUCTIONS\nBe brief.\n\nBe kind.\n\n# CONVERSATION\n## user\nHello")
        request.system = []
        request.turns = [
            Turn(.user, [.text("Hi"), .text("there")]), Turn(.model, [Part(.reasoning("hm")), .text("Hello!")]),
            Turn(.user, [.text("More")]),
        ]
        #expect(
            try await world.asked(request) == Self.preamble
                + "# CONVERSATION\n## user\nHi\nthere\n## assistant\nHello!\n## user\nMore")
        #expect(await world.failure(.asking("")).error?.kind == .invalidRequest)
    }

    @Test("a session that is gone is replaced once")
    func lostSession() async throws {
        let world = try BusinessWorld { request, attempt in
            BusinessWorld.step(of: request) == "widgetStreamAssist" && attempt == 1
                ? BusinessWorld.error(404, "NOT_FOUND") : nil
        }
        #expect(try await world.events().text == "A red square.")
        #expect(world.requests("widgetCreateSession").count == 2)
        let never = try BusinessWorld { request, _ in
            BusinessWorld.step(of: request) == "widgetStreamAssist" ? BusinessWorld.error(404, "NOT_FOUND") : nil
        }
        let found = await never.failure()
        #expect(found.error?.kind == .upstreamError)
        #expect(found.error?.scope == .session)
        #expect(never.requests("widgetStreamAssist").count == 2)
    }

    @Test("stop sequences end the answer and its transfer")
    func stop() async throws {
        let world = try BusinessWorld(answer: FakeResponse(text: BusinessWorld.answer("one two three")))
        var request = ModelRequest.asking("count")
        request.sampling.stop = [" three"]
        var stream = try await world.provider.generate(request, on: world.lease)
        var events: [ModelEvent] = []
        while let event = try await stream.next() { events.append(event) }
        #expect(events.text == "one two")
        #expect(events.finish == .stop)
        #expect(events.usages.map(\.outputTokens) == [2])
        #expect(events.endings == 1)
        #expect(world.http.openBodyCount == 0)
    }

    @Test("a stream that is dropped releases the upstream's body")
    func dropped() async throws {
        let elements = BusinessWorld.answer("A red square.").split(separator: ",\n").map { Array($0.utf8) }
        let world = try BusinessWorld(answer: FakeResponse(pieces: [elements[0], Array(",".utf8) + elements[1]]))
        var stream: EventStream? = try await world.provider.generate(.asking("Hi"), on: world.lease)
        #expect(world.http.openBodyCount == 1)
        _ = try await stream?.next()
        stream = nil
        #expect(world.http.openBodyCount == 0)
    }
}
