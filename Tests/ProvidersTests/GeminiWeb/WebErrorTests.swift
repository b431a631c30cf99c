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
            (1052, .modelNotFound, .accountModel, .none, 2), (1060, .upstreamUnavailable, .exit, .cool, 1),
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

    @Test("a limit rests the account; a blocked address rests all that leave by it")
    func scopes() async throws {
        let page = ["location": "https://www.google.com/sorry/index?continue=x"] as HTTPFields
        let limited = await (try WebWorld(script: Self.question { _ in FakeResponse(429, text: "words") })).failure()
        let blocked = await (try WebWorld(script: Self.question { _ in FakeResponse(302, fields: page) })).failure()
        #expect(limited.error?.scope == .account)
        #expect(blocked.error?.scope == .exit)
        #expect(blocked.error?.kind == .rateLimited)
        #expect(blocked.error?.accountEffect == .cool)
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
        let answer = Task { await world.failure() }
        for _ in 0..<2 {
            await world.time.untilSleeping(1)
            world.time.advance(by: .seconds(10))
        }
        let (events, error) = await answer.value
        #expect(events.text == "The first half, more")
        #expect(error == nil)
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
        let answer = Task { await world.failure() }
        for _ in 0..<11 {
            await world.time.untilSleeping(1)
            world.time.advance(by: .seconds(10))
        }
        let (events, error) = await answer.value
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
