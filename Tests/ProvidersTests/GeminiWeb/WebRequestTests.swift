import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxProviders

@Suite("Gemini web: what is asked")
struct WebRequestTests {
    @Test("a question carries the query, the fields and the form of the web app")
    func envelope() async throws {
        let world = try WebWorld()
        _ = try await world.events()
        let request = try #require(world.requests("StreamGenerate").first)
        let (path, query) = try #require(request.url.split(separator: "?").map(String.init).pair)
        #expect(
            path == "https://gemini.google.com/_/BardChatUi/data/assistant.lamda.BardFrontendService/StreamGenerate")
        let items = query.split(separator: "&").map(String.init)
        #expect(items.contains("hl=en"))
        #expect(items.contains("rt=c"))
        #expect(items.contains("bl=boq_assistant-bard-web-server_20260915.04_p2"))
        #expect(items.contains("f.sid=-4873209876543210123"))
        #expect(request.fields["content-type"] == "application/x-www-form-urlencoded;charset=utf-8")
        #expect(request.fields["origin"] == "https://gemini.google.com")
        #expect(request.fields["referer"] == "https://gemini.google.com/")
        #expect(request.fields["x-same-domain"] == "1")
        #expect(request.fields["x-goog-ext-73010989-jspb"] == "[0]")
        #expect(request.fields["x-goog-ext-73010990-jspb"] == "[0,0,0]")
        #expect(request.fields["cookie"] == "__Secure-1PSID=g.a000FAKE; __Secure-1PSIDTS=sidts-FAKE1")
        #expect(WebWorld.form(request)["at"] == "AFakeToken-1:1790000000000")
    }

    @Test("the inner array is that of the protocol notes, but for the request's own id")
    func inner() async throws {
        let world = try WebWorld()
        _ = try await world.events()
        let request = try #require(world.requests("StreamGenerate").first)
        let uuid = try #require(request.fields["x-goog-ext-525005358-jspb"]?.split(separator: "\"").dropFirst().first)
        let nulls = { (count: Int) in String(repeating: "null,", count: count) }
        let expected =
            "[[\"Say hi\",0,null,null,null,null,0],[\"en\"],[\"\",\"\",\"\",\(nulls(6))\"\"],\(nulls(3))[1],"
            + "1,\(nulls(2))1,"
            + "0,\(nulls(5))[[0]],0,\(nulls(8))1,\(nulls(2))[4],\(nulls(10))[1],\(nulls(11))0,\(nulls(5))"
            + "\"\(uuid)\",null,[],\(nulls(6))1,\(nulls(10))1,1]"
        #expect(try WebWorld.inner(request).text == expected)
        #expect(try WebWorld.inner(request).array?.count == 81)
        #expect(uuid.count == 36)
        #expect(uuid == uuid.uppercased()[...])
    }

    @Test("the model's selector has the id, the tier, the number, the thinking level and the session")
    func selector() async throws {
        let world = try WebWorld()
        var request = ModelRequest.askingWeb("x", model: "gemini-pro")
        request.reasoning.level = .high
        _ = try await world.events(request)
        let sent = try #require(world.requests("StreamGenerate").first)
        let selector = try JSON.parse(Array((sent.fields["x-goog-ext-525001261-jspb"] ?? "").utf8))
        #expect(selector.array?.count == 17)
        #expect(selector[4] == "9d8ca3786ebdfbea")
        // Capability 19 is a Pro account.
        #expect(selector[11] == 2)
        #expect(selector[14] == 3)
        #expect(selector[15] == 2)
        #expect(selector[16]?.string?.count == 36)
        let inner = try WebWorld.inner(sent)
        #expect(inner[79] == 3)
        #expect(inner[80] == 2)
    }

    @Test("gemini-auto names no model")
    func automatic() async throws {
        let world = try WebWorld()
        _ = try await world.events(.askingWeb("x", model: "gemini-auto"))
        let sent = try #require(world.requests("StreamGenerate").first)
        #expect(sent.fields["x-goog-ext-525001261-jspb"] == nil)
        #expect(sent.fields["x-goog-ext-73010989-jspb"] == nil)
        #expect(try WebWorld.inner(sent)[79] == 1)
    }

    @Test("request numbers begin with five digits and grow by 100000")
    func numbers() async throws {
        let world = try WebWorld()
        for _ in 0..<3 { _ = try await world.events() }
        let all = world.http.requests.filter { $0.url.contains("_reqid=") }
        let numbers = all.compactMap { request in
            request.url.split(separator: "&").first { $0.contains("_reqid=") }
                .flatMap { Int($0.drop { !$0.isNumber }) }
        }
        let first = try #require(numbers.first)
        #expect((10_000..<100_000).contains(first))
        #expect(numbers == (0..<4).map { first + $0 * 100_000 })
    }

    @Test("a temporary chat says so, and nothing else does", arguments: [WebHistory.stored, .temporary])
    func temporary(_ history: WebHistory) async throws {
        let world = try WebWorld(settings: { $0.history = history })
        _ = try await world.events()
        let inner = try WebWorld.inner(world.requests("StreamGenerate").first)
        #expect(inner[45]?.int == (history == .temporary ? 1 : nil))
    }

    @Test("a second identity is asked below its own path")
    func authUser() async throws {
        var credential = WebWorld.credential
        credential.values["auth_user"] = Secret("1")
        let world = try WebWorld(credential: credential)
        _ = try await world.events()
        #expect(world.http.requests.allSatisfy { $0.url.hasPrefix("https://gemini.google.com/u/1/") })
        #expect(world.http.requests.allSatisfy { $0.fields["x-goog-authuser"] == "1" })
    }

    @Test("a conversation is written into a new chat, roles and all; a lone message goes as it is")
    func conversation() async throws {
        let world = try WebWorld(settings: { $0.chatTTL = .zero })
        var request = ModelRequest.askingWeb("And now?")
        request.system = [.text("Be brief.")]
        request.turns = [Turn(.user, [.text("Hi")]), Turn(.model, [.text("Hello.")])] + request.turns
        _ = try await world.events(request)
        let prompt = try WebWorld.inner(world.requests("StreamGenerate").first)[0]?[0]?.string ?? ""
        #expect(prompt.contains("# INSTRUCTIONS\nBe brief."))
        #expect(prompt.hasSuffix("## user\nHi\n## assistant\nHello.\n## user\nAnd now?"))
    }

    @Test("what the wire has no place for is refused before an account is used")
    func refusals() throws {
        let provider = try WebWorld(settings: { $0.maxPromptBytes = 1000 }).provider
        var several = ModelRequest.askingWeb("x")
        several.candidateCount = 2
        #expect(provider.refusal(of: several)?.param == "n")
        var image = ModelRequest.askingWeb("x")
        image.turns[0].parts.append(Part(.media(Media(.image, mimeType: "image/png", .inline([1])))))
        #expect(provider.refusal(of: image)?.kind == .unsupported)
        var output = ModelRequest.askingWeb("x")
        output.modalities = [.image]
        #expect(provider.refusal(of: output)?.param == "modalities")
        let long = ModelRequest.askingWeb(String(repeating: "é", count: 501))
        #expect(provider.refusal(of: long)?.kind == .contextTooLong)
        #expect(provider.refusal(of: .askingWeb(String(repeating: "é", count: 500))) == nil)
        #expect(provider.refusal(of: .askingWeb(""))?.kind == .invalidRequest)
    }

    @Test("sampling that the upstream does not know is named as ignored")
    func ignored() throws {
        let provider = try WebWorld().provider
        var request = ModelRequest.askingWeb("x")
        #expect(provider.ignoredParameters(of: request).isEmpty)
        request.sampling.temperature = 0
        request.sampling.topP = 1
        request.sampling.seed = 7
        request.sampling.stop = ["x"]
        request.sampling.maxOutputTokens = 5
        #expect(provider.ignoredParameters(of: request) == ["temperature", "top_p", "seed"])
    }

    @Test("stop sequences and the limit on tokens end the answer here")
    func localLimits() async throws {
        var request = ModelRequest.askingWeb("x")
        request.sampling.stop = ["there"]
        let stopped = try await WebWorld().events(request)
        #expect(stopped.text == "Hello ")
        #expect(stopped.finish == .stop)
        request.sampling.stop = []
        request.sampling.maxOutputTokens = 1
        let cut = try await WebWorld().events(request)
        #expect(cut.text == "Hell")
        #expect(cut.finish == .length)
    }
}

extension [String] {
    fileprivate var pair: (String, String)? { count == 2 ? (self[0], self[1]) : nil }
}
