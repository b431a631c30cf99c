import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxProviders

@Suite("Gemini web: failures")
struct WebErrorTests {
    private static func question(_ response: @escaping @Sendable (Int) -> FakeResponse?) -> WebWorld.Script {
        { request, attempt in WebWorld.name(of: request) == "StreamGenerate" ? response(attempt) : nil }
    }

    private static func refusal(_ code: Int, rpc: Int = 9) -> FakeResponse {
        WebAnswerTests.answer([[WebWorld.error(code, rpc: rpc)], WebWorld.bookkeeping])
    }

    @Test(
        "a status means the same for every request",
        arguments: [
            (429, .rateLimited, .cool, 1), (500, .upstreamError, .none, 1), (502, .upstreamError, .none, 1),
            (503, .upstreamUnavailable, .none, 1), (504, .upstreamTimeout, .none, 1),
            (413, .contextTooLong, .none, 1), (404, .upstreamBadResponse, .none, 1),
            (405, .upstreamBadResponse, .none, 2), (401, .upstreamAuth, .rejectCredential, 2),
            (403, .upstreamAuth, .rejectCredential, 2), (400, .upstreamRejected, .none, 2),
        ] as [(Int, GatewayError.Kind, GatewayError.AccountEffect, Int)])
    func statuses(
        _ status: Int, _ kind: GatewayError.Kind, _ effect: GatewayError.AccountEffect, _ requests: Int
    ) async throws {
        let world = try WebWorld(script: Self.question { _ in FakeResponse(status, text: "words") })
        let (events, error) = await world.failure()
        #expect(events.isEmpty)
        #expect(error?.kind == kind)
        #expect(error?.accountEffect == effect)
        #expect(error?.upstreamStatus == status)
        #expect(world.requests("StreamGenerate").count == requests)
        #expect(error?.message.contains("google") == false)
    }

    @Test(
        "a code in the answer's place is told as what it is",
        arguments: [
            (1003, .upstreamRejected, .request, .none, 1), (1013, .upstreamError, .endpoint, .none, 1),
            (1037, .quotaExhausted, .accountModel, .cool, 1), (1050, .upstreamError, .session, .none, 2),
            (1052, .modelNotFound, .accountModel, .none, 2), (1060, .upstreamUnavailable, .account, .cool, 1),
            (1096, .upstreamError, .session, .none, 2), (1097, .upstreamError, .session, .none, 2),
            (1152, .upstreamError, .endpoint, .none, 1), (4711, .upstreamError, .endpoint, .none, 1),
        ] as [(Int, GatewayError.Kind, GatewayError.Scope, GatewayError.AccountEffect, Int)])
    func codes(
        _ code: Int, _ kind: GatewayError.Kind, _ scope: GatewayError.Scope, _ effect: GatewayError.AccountEffect,
        _ requests: Int
    ) async throws {
        let world = try WebWorld(script: Self.question { _ in Self.refusal(code) })
        let error = await world.failure().error
        #expect(error?.kind == kind)
        #expect(error?.scope == scope)
        #expect(error?.accountEffect == effect)
        #expect(error?.detail == "code \(code)")
        #expect(world.requests("StreamGenerate").count == requests)
    }

    @Test("a stale token is replaced by the one in the refusal, once, in the same session")
    func staleToken() async throws {
        let fresh = ")]}'\n\n" + WebWorld.frame([["er", nil, nil, nil, nil, 400], ["xsrf", "NEW:1", nil]])
        let world = try WebWorld(script: Self.question { $0 == 1 ? FakeResponse(400, text: fresh) : nil })
        #expect(try await world.events().text == "Hello there.")
        let tokens = world.requests("StreamGenerate").map { WebWorld.form($0)["at"] }
        #expect(tokens == ["AFakeToken-1:1790000000000", "NEW:1"])
        #expect(world.requests("app").count == 1)
    }

    @Test("a malformed-request error is tried once more in a new session")
    func malformedRequest() async throws {
        let er = ")]}'\n\n" + WebWorld.frame([["er", nil, nil, nil, nil, 400, nil, nil, nil, 9]])
        let world = try WebWorld(script: Self.question { $0 == 1 ? FakeResponse(400, text: er) : nil })
        #expect(try await world.events().text == "Hello there.")
        #expect(world.requests("app").count == 2)
        #expect(world.requests("RotateCookies").isEmpty)
    }

    @Test("refused cookies are renewed, the session opened anew and the question asked once more")
    func refusedOnce() async throws {
        let world = try WebWorld(script: Self.question { $0 == 1 ? FakeResponse(401, text: "") : nil })
        #expect(try await world.events().text == "Hello there.")
        #expect(
            world.http.requests.map(WebWorld.name) == [
                "app", "otAQ7b", "StreamGenerate", "RotateCookies", "app", "otAQ7b", "StreamGenerate",
            ])
    }

    @Test("a question that vanished is asked once more in a new session, then given up", arguments: [1, 9])
    func dropped(times: Int) async throws {
        let nothing = WebAnswerTests.answer([WebWorld.bookkeeping])
        let world = try WebWorld(script: Self.question { $0 <= times ? nothing : nil })
        let (events, error) = await world.failure()
        #expect(world.requests("StreamGenerate").count == 2)
        #expect(world.requests("app").count == 2)
        if times == 1 {
            #expect(events.text == "Hello there.")
        } else {
            #expect(error?.code == "upstream_aborted")
            #expect(error?.kind == .upstreamError)
        }
    }

    @Test("a bare status and nothing else is a question that vanished; 7 is a refused account")
    func bareStatus() async throws {
        for (status, kind) in [(13, GatewayError.Kind.upstreamError), (7, .upstreamAuth), (16, .upstreamAuth)] {
            let part: JSON = ["wrb.fr", nil, nil, nil, nil, [.number(JSONNumber(status))]]
            let answer = WebAnswerTests.answer([[part], WebWorld.bookkeeping])
            let world = try WebWorld(script: Self.question { _ in answer })
            #expect(await world.failure().error?.kind == kind, "status \(status)")
        }
    }

    @Test("a page or nothing in the answer's place cannot be read", arguments: ["", "<html>Sign in</html>", "{}"])
    func unreadable(_ body: String) async throws {
        let world = try WebWorld(script: Self.question { _ in FakeResponse(text: body) })
        let (events, error) = await world.failure()
        #expect(events.isEmpty)
        #expect(error?.kind == .upstreamBadResponse)
    }

    @Test("a spent allowance rests until the upstream renews it, else for an hour")
    func spent() async throws {
        let world = try WebWorld(script: { request, _ in
            switch WebWorld.name(of: request) {
            case "StreamGenerate": return Self.refusal(1037)
            case "jSf9Qc":
                // 2026-01-01 00:00 is the test's time; this is two hours later, and another one that is not spent.
                let items = "[[5,0.2,1,[[1767227000]]],[0,1,2,[[1767232800]]]]"
                return FakeResponse(text: WebWorld.call("jSf9Qc", "[1,\(items),false]"))
            default: return nil
            }
        })
        #expect(await world.failure().error?.retryAfter == .seconds(7200))
        let silent = try WebWorld(script: Self.question { _ in Self.refusal(1037) })
        #expect(await silent.failure().error?.retryAfter == .seconds(3600))
    }

    @Test("a model that no account has is unknown, without a question")
    func unknownModel() async throws {
        let world = try WebWorld()
        let error = await world.failure(.askingWeb("x", model: "gemini-ultra")).error
        #expect(error?.kind == .modelNotFound)
        #expect(world.requests("StreamGenerate").isEmpty)
    }

    @Test(
        "an error of the network is passed on as it is", arguments: [GatewayError.Kind.upstreamReset, .upstreamTimeout])
    func network(_ kind: GatewayError.Kind) async throws {
        let world = try WebWorld(script: { request, _ throws(GatewayError) in
            guard WebWorld.name(of: request) == "StreamGenerate" else { return nil }
            throw GatewayError(kind, .endpoint, "gone")
        })
        #expect(await world.failure().error?.kind == kind)
        #expect(world.requests("StreamGenerate").count == 1)
    }

    // MARK: Answers that broke off

    private static func half(failure: GatewayError? = nil) -> FakeResponse {
        var response = WebAnswerTests.answer([[WebWorld.part("The first half")]], end: failure == nil)
        response.failure = failure
        return response
    }

    private static func turn(_ text: String, done: Bool, rcid: String = "rc_new") -> String {
        var candidate = [JSON](repeating: nil, count: 13)
        candidate[0] = .string(rcid)
        candidate[1] = [.string(text)]
        candidate[8] = done ? [2] : [1]
        if !done { candidate[12] = [nil, nil, nil, nil, nil, nil, [1]] }
        let turn: JSON = [["c_7d1f00a1b2c3d4e5", "r_x"], nil, [["Say hi"]], [[.array(candidate)]], [1, 2]]
        return WebWorld.call("hNvQHb", ([[turn]] as JSON).text)
    }

    @Test(
        "an answer that broke off is read from the chat, and only what is missing is sent",
        arguments: [nil, GatewayError.Kind.upstreamTruncated, .upstreamReset, .upstreamTimeout])
    func recovered(_ kind: GatewayError.Kind?) async throws {
        let failure = kind.map { GatewayError($0, .endpoint, "gone") }
        let world = try WebWorld(script: { request, _ in
            switch WebWorld.name(of: request) {
            case "StreamGenerate": Self.half(failure: failure)
            case "hNvQHb": FakeResponse(text: Self.turn("The first half and the second", done: true))
            default: nil
            }
        })
        let events = try await world.events()
        #expect(events.text == "The first half and the second")
        #expect(events.finish == .stop)
        #expect(events.endings == 1)
        #expect(world.requests("StreamGenerate").count == 1)
    }

    @Test("the chat is looked at every ten seconds while the upstream still writes")
    func polling() async throws {
        let world = try WebWorld(script: { request, attempt in
            switch WebWorld.name(of: request) {
            case "StreamGenerate": Self.half()
            case "hNvQHb": FakeResponse(text: Self.turn("The first half, more", done: attempt == 3))
            default: nil
            }
        })
        async let answer = world.events()
        for _ in 0..<2 {
            await world.time.untilSleeping(1)
            world.time.advance(by: .seconds(10))
        }
        #expect(try await answer.text == "The first half, more")
        #expect(world.requests("hNvQHb").count == 3)
    }

    @Test("what does not come back is told as broken off, and nothing is asked again")
    func lost() async throws {
        let world = try WebWorld(script: { request, _ in
            switch WebWorld.name(of: request) {
            case "StreamGenerate": Self.half()
            case "hNvQHb": FakeResponse(text: Self.turn("The first half", done: false))
            default: nil
            }
        })
        async let answer = world.failure()
        for _ in 0..<12 {
            await world.time.untilSleeping(1)
            world.time.advance(by: .seconds(10))
        }
        let (events, error) = await answer
        #expect(events.text == "The first half")
        #expect(error?.kind == .upstreamTruncated)
        #expect(world.requests("StreamGenerate").count == 1)
        #expect(world.requests("hNvQHb").count == 12)
    }

    @Test("a temporary chat cannot be read back")
    func temporary() async throws {
        let world = try WebWorld(
            script: Self.question { _ in Self.half() }, settings: { $0.history = .temporary })
        let (events, error) = await world.failure()
        #expect(events.text == "The first half")
        #expect(error?.kind == .upstreamTruncated)
        #expect(world.requests("hNvQHb").isEmpty)
    }

    @Test("a client that wants the answer whole gets the recovered one")
    func recoveredWhole() async throws {
        let world = try WebWorld(script: { request, _ in
            switch WebWorld.name(of: request) {
            case "StreamGenerate": Self.half()
            case "hNvQHb": FakeResponse(text: Self.turn("All of it", done: true))
            default: nil
            }
        })
        #expect(try await world.events(.askingWeb("x", stream: false)).text == "All of it")
    }
}

@Suite("Gemini web: conversations")
struct WebConversationTests {
    private func next(_ text: String, after answer: String) -> ModelRequest {
        var request = ModelRequest.askingWeb("Say hi")
        request.turns += [Turn(.model, [.text(answer)]), Turn(.user, [.text(text)])]
        return request
    }

    @Test("a conversation goes on in its chat: only the new message is sent, with where the chat stands")
    func continued() async throws {
        let world = try WebWorld()
        _ = try await world.events()
        _ = try await world.events(next("And now?", after: "Hello there."))
        let inner = try WebWorld.inner(world.requests("StreamGenerate").last)
        #expect(inner[0]?[0] == "And now?")
        #expect(
            inner[2] == [
                "c_7d1f00a1b2c3d4e5", "r_0a1b2c3d4e5f6071", "rc_1122334455667788", nil, nil, nil, nil, nil, nil,
                "CtxTok_AAAA",
            ])
    }

    @Test("a conversation that is another one, or too old, or another client's, begins a new chat")
    func notContinued() async throws {
        let world = try WebWorld()
        _ = try await world.events()
        var foreign = next("And now?", after: "Hello there.")
        foreign.client.keyID = "other"
        let requests = [next("And now?", after: "Hello."), foreign]
        for request in requests {
            _ = try await world.events(request)
            let inner = try WebWorld.inner(world.requests("StreamGenerate").last)
            #expect(inner[2]?[0] == "")
            #expect(inner[0]?[0]?.string?.contains("## user\nAnd now?") == true)
        }
        world.time.advance(by: .seconds(901))
        _ = try await world.events(next("And now?", after: "Hello there."))
        #expect(try WebWorld.inner(world.requests("StreamGenerate").last)[2]?[0] == "")
    }

    @Test("a chat that the upstream has lost is begun anew with the whole conversation", arguments: [1050, 1097, 1096])
    func lost(_ code: Int) async throws {
        let refusal = WebAnswerTests.answer([[WebWorld.error(code)], WebWorld.bookkeeping])
        let world = try WebWorld(script: { request, attempt in
            WebWorld.name(of: request) == "StreamGenerate" && attempt == 2 ? refusal : nil
        })
        _ = try await world.events()
        let answer = try await world.events(next("And now?", after: "Hello there."))
        #expect(answer.text == "Hello there.")
        let questions = world.requests("StreamGenerate")
        #expect(questions.count == 3)
        #expect(try WebWorld.inner(questions[1])[2]?[0] == "c_7d1f00a1b2c3d4e5")
        let last = try WebWorld.inner(questions.last)
        #expect(last[2]?[0] == "")
        #expect(last[0]?[0]?.string?.contains("Hello there.") == true)
        #expect(world.requests("app").count == 1)
    }

    @Test("functions are described in the prompt and called from the text")
    func functions() async throws {
        let call = "Let me look.\n```pollux-call\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Oslo\"}}\n```"
        let world = try WebWorld(answer: WebWorld.answer(call))
        var request = ModelRequest.askingWeb("Weather?")
        request.tools = [ToolSpec(name: "weather", description: "Tells the weather", schema: ["type": "object"])]
        let events = try await world.events(request)
        #expect(events.text == "Let me look.")
        #expect(events.finish == .toolCalls)
        let arguments = events.compactMap { event -> String? in
            if case .toolCallArgumentsDelta(_, let text) = event { text } else { nil }
        }
        #expect(arguments.joined().contains("Oslo"))
        let prompt = try WebWorld.inner(world.requests("StreamGenerate").last)[0]?[0]?.string ?? ""
        #expect(prompt.contains("- weather: Tells the weather"))
    }

    @Test("an answer that is not the JSON asked for is corrected in the same chat, once")
    func structured() async throws {
        let wrong = WebWorld.answer("I would rather not.")
        let right = WebWorld.answer("```json\n{\"a\": 1}\n```")
        let world = try WebWorld(script: { request, attempt in
            WebWorld.name(of: request) == "StreamGenerate" ? (attempt == 1 ? wrong : right) : nil
        })
        var request = ModelRequest.askingWeb("JSON please")
        request.output = .json
        let events = try await world.events(request)
        #expect(events.text == "{\"a\": 1}")
        let repair = try WebWorld.inner(world.requests("StreamGenerate").last)
        #expect(repair[2]?[0] == "c_7d1f00a1b2c3d4e5")
        #expect(repair[0]?[0]?.string?.hasPrefix("Your reply was not valid") == true)
    }
}

@Suite("Gemini web: models")
struct WebModelTests {
    private static let table: WebModelTable = {
        let status = WebStatus((try? JSON.parse(Array(WebWorld.status.utf8))) ?? .null)
        return WebModelTable(models: status.models, aliases: ["fast": "gemini-flash", "nothing": "gemini-ultra"])
    }()

    private func name(_ wanted: String) -> String? {
        switch Self.table.choice(for: wanted) {
        case .automatic: "auto"
        case .model(let model): model.name
        case nil: nil
        }
    }

    @Test(
        "a model answers to its name, id, category, display name and versions",
        arguments: [
            ("gemini-flash", "gemini-flash"), ("fbb127bbb056c959", "gemini-flash"), ("Flash", "gemini-flash"),
            ("3.5 Flash", "gemini-flash"), ("gemini-3.5-flash", "gemini-flash"), ("gemini-3-flash", "gemini-flash"),
            ("gemini-2.5-flash", "gemini-flash"), ("flash", "gemini-flash"), ("gemini-2.5-pro", "gemini-pro"),
            ("gemini-3.1-pro", "gemini-pro"), ("fast", "gemini-flash"), ("gemini-auto", "auto"),
            ("gemini-ultra", nil), ("nothing", nil), ("", nil), ("gemini-flash-lite", nil),
        ] as [(String, String?)])
    func names(_ wanted: String, _ found: String?) { #expect(name(wanted) == found) }

    @Test("an account's models, tier and numbers are read from its status")
    func status() throws {
        let status = WebStatus(try JSON.parse(Array(WebWorld.status.utf8)))
        #expect(status.code == 1000)
        #expect(status.capacity == 2)
        #expect(status.models.map(\.id) == ["fbb127bbb056c959", "9d8ca3786ebdfbea"])
        #expect(status.models.map(\.number) == [1, 3])
        #expect(status.models.map(\.displayName) == ["3.5 Flash", "3.1 Pro"])
    }

    @Test(
        "the tier follows the flags",
        arguments: [
            ("[],[115,19]", 4), ("[16],[]", 3), ("[],[106]", 3), ("[8],[]", 2), ("[],[19]", 2), ("[21],[1]", 1),
            ("null,null", 1),
        ])
    func tiers(_ flags: String, _ capacity: Int) throws {
        let nulls = String(repeating: "null,", count: 16)
        #expect(WebStatus(try JSON.parse(Array("[\(nulls)\(flags)]".utf8))).capacity == capacity)
    }

    @Test("before an account was asked the usual models are offered, afterwards its own")
    func listed() async throws {
        let world = try WebWorld()
        #expect(world.provider.offeredModels == nil)
        let before = world.provider.modelsUntilListed?.map(\.id) ?? []
        #expect(before.prefix(4) == ["gemini-auto", "gemini-flash", "gemini-pro", "gemini-flash-lite"])
        #expect(before.contains("gemini-2.5-pro"))
        let models = try await world.provider.listModels(on: world.lease)
        #expect(
            models.prefix(5).map(\.id) == [
                "gemini-auto", "gemini-flash", "gemini-3.5-flash", "gemini-pro", "gemini-3.1-pro",
            ])
        #expect(!models.map(\.id).contains("gemini-flash-lite"))
        #expect(models[1].displayName == "3.5 Flash")
        _ = try await world.provider.listModels(on: world.lease)
        #expect(world.requests("otAQ7b").count == 2)
        #expect(world.requests("app").count == 1)
    }

    @Test("the operator's own list is offered and used as it stands")
    func configured() async throws {
        let world = try WebWorld(settings: {
            $0.models = [WebModel(name: "mine", id: "0123456789abcdef", number: 9)]
            $0.aliases = [:]
        })
        #expect(world.provider.offeredModels?.map(\.id) == ["gemini-auto", "mine"])
        _ = try await world.events(.askingWeb("x", model: "mine"))
        let selector = world.requests("StreamGenerate").first?.fields["x-goog-ext-525001261-jspb"]
        #expect(selector?.contains("0123456789abcdef") == true)
    }

    @Test("an account is tried without a question")
    func probe() async throws {
        let world = try WebWorld()
        var steps: [ProbeStep] = []
        await world.provider.probe(world.lease) { steps.append($0) }
        #expect(steps.map(\.name) == ["session", "models (gemini-flash, gemini-pro)"])
        #expect(world.requests("StreamGenerate").isEmpty)
        let dead = try WebWorld(script: { _, _ in FakeResponse(403, text: "") })
        steps = []
        await dead.provider.probe(dead.lease) { steps.append($0) }
        #expect(steps.first?.failure?.kind == .upstreamAuth)
    }
}
