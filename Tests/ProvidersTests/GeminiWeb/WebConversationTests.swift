import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxProviders

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

    // MARK: Named by the client

    private func named(_ texts: String..., key: String = "") -> ModelRequest {
        var request = ModelRequest.askingWeb("")
        request.turns = texts.enumerated().map { index, text in
            Turn(index.isMultiple(of: 2) ? .user : .model, [.text(text)])
        }
        request.conversation.id = "trip"
        request.client.keyID = key
        return request
    }

    @Test(
        "a named conversation goes on in its chat, whatever the client makes of the answers, or with what is new alone")
    func goesOnByName() async throws {
        let world = try WebWorld()
        _ = try await world.events(named("Hi"))
        for request in [named("Hi", "(shortened)", "And now?"), named("And now?")] {
            _ = try await world.events(request)
            let inner = try WebWorld.inner(world.requests("StreamGenerate").last)
            #expect(inner[0]?[0] == "And now?")
            #expect(inner[2]?[0] == "c_7d1f00a1b2c3d4e5")
        }
        _ = try await world.events(named("And now?", key: "other"))
        #expect(try WebWorld.inner(world.requests("StreamGenerate").last)[2]?[0] == "")
    }

    @Test("what is new alone cannot be answered without its chat: 410, and nothing is asked in a new one")
    func goneByName() async throws {
        let refusal = WebAnswerTests.answer([[WebWorld.error(1050)], WebWorld.bookkeeping])
        let world = try WebWorld(script: { request, attempt in
            WebWorld.name(of: request) == "StreamGenerate" && attempt == 2 ? refusal : nil
        })
        _ = try await world.events(named("Hi"))
        let lost = await world.provider.failure(of: named("More"), on: world.lease).error
        #expect(lost?.kind == .conversationLost)
        #expect(lost?.httpStatus == 410)
        #expect(lost?.param == "conversation_id")
        #expect(lost?.message.contains("send the whole conversation") == true)
        #expect(world.requests("StreamGenerate").count == 2)
    }

    @Test("a named conversation whose account cannot be had is not begun anew with what is new alone")
    func elsewhereByName() async throws {
        let world = try WebWorld()
        _ = try await world.events(named("Hi"))
        let other = FakeLease(Credential(accountID: "another", values: world.lease.credential.values))
        let lost = await world.provider.failure(of: named("More"), on: other).error
        #expect(lost?.kind == .conversationLost)
        _ = try await world.events(named("More"))
        #expect(try WebWorld.inner(world.requests("StreamGenerate").last)[0]?[0] == "More")
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
