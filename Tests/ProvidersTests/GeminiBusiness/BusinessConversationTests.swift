import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxProviders

@Suite("Gemini Business: conversations and their sessions")
struct BusinessConversationTests {
    /// User, model, user, …
    private func request(
        _ texts: String..., model: String = "gemini-2.5-pro", key: String = "", named name: String? = nil
    )
        -> ModelRequest
    {
        var request = ModelRequest.asking("", model: model)
        request.turns = texts.enumerated().map { index, text in
            Turn(index.isMultiple(of: 2) ? .user : .model, [.text(text)])
        }
        request.client.keyID = key
        request.conversation.id = name
        return request
    }

    private static let answer = "A red square."
    private static let another = Credential(
        accountID: "ops2@mail.example.org", values: BusinessWorld.credential.values)

    private func sessions(_ world: BusinessWorld) throws -> [String] {
        try world.requests("widgetStreamAssist").map { request in
            let session = try JSON.parse(request.body ?? [])["streamAssistRequest"]?["session"]?.string ?? ""
            return String(session.split(separator: "/").last ?? "")
        }
    }

    private static let first = "10203040506070809011"
    private static let second = "10203040506070809011-2"

    @Test("the second turn goes on in the session of the first, and says only what is new")
    func secondTurn() async throws {
        let world = try BusinessWorld()
        #expect(try await world.asked(request("Hi")) == "Hi")
        #expect(try await world.asked(request("Hi", Self.answer, "More")) == "More")
        #expect(try await world.asked(request("Hi", Self.answer, "More", Self.answer, "Again")) == "Again")
        #expect(try sessions(world) == [Self.first, Self.first, Self.first])
        #expect(world.requests("widgetCreateSession").count == 1)
    }

    @Test("another model goes on in the same session")
    func otherModel() async throws {
        let world = try BusinessWorld()
        _ = try await world.events(request("Hi"))
        #expect(try await world.asked(request("Hi", Self.answer, "Draw it", model: "gemini-imagen")) == "Draw it")
        #expect(try sessions(world) == [Self.first, Self.first])
    }

    @Test("two client keys with the same words never share a session")
    func keysApart() async throws {
        let world = try BusinessWorld()
        _ = try await world.events(request("Hi", key: "amber"))
        let text = try await world.asked(request("Hi", Self.answer, "More", key: "birch"))
        #expect(text.contains("## user\nHi\n## assistant\nA red square.\n## user\nMore"))
        #expect(try sessions(world) == [Self.first, Self.second])
    }

    @Test("an edited history begins a new session with all of it")
    func edited() async throws {
        let world = try BusinessWorld()
        _ = try await world.events(request("Hi"))
        let text = try await world.asked(request("Hello", Self.answer, "More"))
        #expect(text.contains("Hello") && text.contains("More"))
        #expect(try sessions(world) == [Self.first, Self.second])
    }

    @Test("of two requests that go on from one point, one has the session and the other begins its own")
    func fork() async throws {
        let world = try BusinessWorld()
        _ = try await world.events(request("Hi"))
        var one: EventStream? = try await world.provider.generate(request("Hi", Self.answer, "A"), on: world.lease)
        _ = try await world.events(request("Hi", Self.answer, "B"))
        while try await one?.next() != nil {}
        one = nil
        #expect(try sessions(world) == [Self.first, Self.first, Self.second])
        // The session has moved on: its earlier point is nobody's any more.
        _ = try await world.events(request("Hi", Self.answer, "C"))
        #expect(try sessions(world).last == "10203040506070809011-3")
        #expect(try await world.asked(request("Hi", Self.answer, "A", Self.answer, "D")) == "D")
        #expect(try await world.asked(request("Hi", Self.answer, "B", Self.answer, "E")) == "E")
    }

    @Test("a session rests for its time and no longer; none is kept where settings say so")
    func lifetime() async throws {
        let world = try BusinessWorld()
        _ = try await world.events(request("Hi"))
        world.time.advance(by: .seconds(3599))
        #expect(try await world.asked(request("Hi", Self.answer, "More")) == "More")
        world.time.advance(by: .seconds(3600))
        #expect(try await world.asked(request("Hi", Self.answer, "More", Self.answer, "Late")) != "Late")
        let forgetful = try BusinessWorld(settings: { $0.sessionTTL = .zero })
        _ = try await forgetful.events(request("Hi"))
        #expect(try await forgetful.asked(request("Hi", Self.answer, "More")) != "More")
    }

    @Test("on another account the whole conversation is told to a session of its own")
    func otherAccount() async throws {
        let world = try BusinessWorld()
        _ = try await world.events(request("Hi"))
        _ = try await world.provider.events(of: request("Hi", Self.answer, "More"), on: FakeLease(Self.another))
        let text = try world.question()["streamAssistRequest"]?["query"]?["parts"]?[0]?["text"]?.string ?? ""
        #expect(text.contains("# CONVERSATION\n## user\nHi\n## assistant\nA red square.\n## user\nMore"))
        #expect(try sessions(world) == [Self.first, Self.second])
    }

    @Test("a session that the upstream lost is replaced, with the whole conversation")
    func lost() async throws {
        let world = try BusinessWorld { request, attempt in
            BusinessWorld.step(of: request) == "widgetStreamAssist" && attempt == 2
                ? BusinessWorld.error(404, "NOT_FOUND") : nil
        }
        _ = try await world.events(request("Hi"))
        let text = try await world.asked(request("Hi", Self.answer, "More"))
        #expect(text.contains("## user\nHi\n## assistant"))
        #expect(try sessions(world) == [Self.first, Self.first, Self.second])
        #expect(try await world.asked(request("Hi", Self.answer, "More", Self.answer, "On")) == "On")
    }

    @Test("a refusal by status leaves the session where it stood; a break in the answer ends it")
    func refusedOrBroken() async throws {
        let world = try BusinessWorld { request, attempt in
            guard BusinessWorld.step(of: request) == "widgetStreamAssist" else { return nil }
            switch attempt {
            case 2: return BusinessWorld.error(429, "RESOURCE_EXHAUSTED")
            case 4: return FakeResponse(text: "[")
            default: return nil
            }
        }
        _ = try await world.events(request("Hi"))
        let more = request("Hi", Self.answer, "More")
        #expect(await world.failure(more).error?.kind == .rateLimited)
        #expect(try await world.asked(more) == "More")
        let again = request("Hi", Self.answer, "More", Self.answer, "Again")
        #expect(await world.failure(again).error?.kind == .upstreamTruncated)
        #expect(try await world.asked(again) != "Again")
    }

    // MARK: Named by the client

    @Test("a named conversation is the same whatever the client makes of the answers")
    func named() async throws {
        let world = try BusinessWorld()
        _ = try await world.events(request("Hi", key: "amber", named: "trip"))
        let next = request("Hi", "(shortened)", "More", key: "amber", named: "trip")
        #expect(try await world.asked(next) == "More")
        #expect(try await world.asked(request("Hi", Self.answer, "More", key: "amber")) != "More")
        #expect(try await world.asked(request("Hi", "x", "More", key: "birch", named: "trip")) != "More")
    }

    @Test("a client that sends only what is new goes on in its named conversation")
    func newAlone() async throws {
        let world = try BusinessWorld()
        #expect(try await world.asked(request("Hi", named: "trip")) == "Hi")
        #expect(try await world.asked(request("More", named: "trip")) == "More")
        #expect(try await world.asked(request("And more", named: "trip")) == "And more")
        #expect(try await world.asked(request("Other", named: "other")) == "Other")
        #expect(try sessions(world) == [Self.first, Self.first, Self.first, Self.second])
    }

    @Test("what is new alone cannot be answered without its session: 410, with what to do")
    func gone() async throws {
        let world = try BusinessWorld { request, attempt in
            BusinessWorld.step(of: request) == "widgetStreamAssist" && attempt == 2
                ? BusinessWorld.error(404, "NOT_FOUND") : nil
        }
        _ = try await world.events(request("Hi", named: "trip"))
        let lost = await world.failure(request("More", named: "trip")).error
        #expect(lost?.kind == .conversationLost)
        #expect(lost?.httpStatus == 410)
        #expect(lost?.message.contains("send the whole conversation") == true)
        _ = try await world.events(request("Anew", named: "trip"))
        let elsewhere = await world.provider.failure(
            of: request("More", named: "trip"), on: FakeLease(Self.another)
        ).error
        #expect(elsewhere?.kind == .conversationLost)
        #expect(try await world.asked(request("More", named: "trip")) == "More")
    }

    @Test("what is new alone never goes on in a session that the conversation has left for another account's")
    func leftBehind() async throws {
        let world = try BusinessWorld()
        _ = try await world.events(request("Hi", named: "trip"))
        let other = FakeLease(Self.another)
        let whole = request("Hi", Self.answer, "More", named: "trip")
        var moved: EventStream? = try await world.provider.generate(whole, on: other)
        while try await moved?.next() != nil {}
        moved = nil
        let behind = await world.failure(request("Newest", named: "trip")).error
        #expect(behind?.kind == .conversationLost)
        #expect(try sessions(world) == [Self.first, Self.second])
    }

    @Test("requests of one named conversation speak one after the other")
    func inTurn() async throws {
        let world = try BusinessWorld()
        _ = try await world.events(request("Hi", named: "trip"))
        var first: EventStream? = try await world.provider.generate(request("A", named: "trip"), on: world.lease)
        let second = Task { try await world.events(request("B", named: "trip")) }
        while try await first?.next() != nil {}
        first = nil
        _ = try await second.value
        #expect(try sessions(world) == [Self.first, Self.first, Self.first])
    }

    // MARK: Deleting

    private func deleted(_ world: BusinessWorld) throws -> [String] {
        try world.requests("widgetDeleteSession").map { request in
            let name = try JSON.parse(request.body ?? [])["deleteSessionRequest"]?["name"]?.string ?? ""
            return String(name.split(separator: "/").last ?? "")
        }
    }

    @Test("sessions that nobody goes on with are deleted when that is wished for, and only then")
    func deletes() async throws {
        let world = try BusinessWorld(settings: { $0.deletesSessions = true })
        _ = try await world.events(request("Hi"))
        try await world.provider.keepAlive(world.lease)
        #expect(try deleted(world) == [])
        world.time.advance(by: .seconds(3601))
        try await world.provider.keepAlive(FakeLease(Self.another))
        #expect(try deleted(world) == [])
        try await world.provider.keepAlive(world.lease)
        try await world.provider.keepAlive(world.lease)
        #expect(try deleted(world) == [Self.first])
        let keeping = try BusinessWorld()
        _ = try await keeping.events(request("Hi"))
        keeping.time.advance(by: .seconds(3601))
        try await keeping.provider.keepAlive(keeping.lease)
        #expect(try deleted(keeping) == [])
    }

    @Test("a session whose answer broke off is deleted as well, one that is gone already is no trouble")
    func deletesBroken() async throws {
        let world = try BusinessWorld(
            answer: FakeResponse(text: "[{}"),
            script: { request, attempt in
                BusinessWorld.step(of: request) == "widgetDeleteSession" && attempt == 1
                    ? BusinessWorld.error(404, "NOT_FOUND") : nil
            },
            settings: {
                $0.deletesSessions = true
                $0.sessionTTL = .zero
            })
        _ = await world.failure(request("Hi"))
        _ = await world.failure(request("Hi"))
        try await world.provider.keepAlive(world.lease)
        #expect(try deleted(world) == [Self.first, Self.second])
    }
}
