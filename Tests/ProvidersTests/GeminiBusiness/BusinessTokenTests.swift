import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxProviders

@Suite("Gemini Business: tokens")
struct BusinessTokenTests {
    @Test("the token of the protocol notes' test vector")
    func vector() {
        let key = BusinessSigningKey(id: "sim-key-0001", bytes: Array(0...31))
        let token = key.sign(csesidx: "498000001", issuedAt: 1_767_225_600)
        let payload = [
            "eyJpc3MiOiJodHRwczovL2J1c2luZXNzLmdlbWluaS5nb29nbGUiLCJhdWQiOiJodHRwczovL2Jpei1kaXNjb3",
            "ZlcnllbmdpbmUuZ29vZ2xlYXBpcy5jb20iLCJzdWIiOiJjc2VzaWR4LzQ5ODAwMDAwMSIsImlhdCI6MTc2NzIy",
            "NTYwMCwiZXhwIjoxNzY3MjI1OTAwLCJuYmYiOjE3NjcyMjU2MDB9",
        ].joined()
        #expect(
            token.split(separator: ".").map(String.init) == [
                "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6InNpbS1rZXktMDAwMSJ9", payload,
                "5ga8jJ-HYyMMmMpzLxXO3PZhDxHTOljuATKHQL3s6iQ",
            ])
    }

    @Test("the request of a new account carries the token of the vector")
    func tokenOnTheWire() async throws {
        let world = try BusinessWorld()
        _ = try await world.events()
        let field = world.requests("widgetStreamAssist").first?.fields["authorization"]
        #expect(field?.hasSuffix(".5ga8jJ-HYyMMmMpzLxXO3PZhDxHTOljuATKHQL3s6iQ") == true)
    }

    @Test(
        "keys are decoded with either alphabet, padded or not",
        arguments: [("-_-_", [0xFB, 0xFF, 0xBF]), ("AAE=", [0, 1]), ("AAE", [0, 1]), ("AA", [0]), ("AA==", [0])])
    func keyEncodings(text: String, bytes: [UInt8]) async throws {
        let result = try await signIn { _ in FakeResponse(text: #"{"xsrfToken":"\#(text)","keyId":"k"}"#) }
        #expect(result.key == BusinessSigningKey(id: "k", bytes: bytes))
    }

    @Test("the claims follow the clock, its configured offset, and an upstream clock that is far off")
    func clock() async throws {
        let world = try BusinessWorld(settings: { $0.tokenClockOffset = .seconds(-7) })
        world.time.stepWallClock(by: .seconds(100))
        _ = try await world.events()
        #expect(try issuedAt(world) == 1_767_225_600 + 100 - 7)
        let near = try BusinessWorld { request, _ in
            BusinessWorld.step(of: request) == "getoxsrf"
                ? BusinessWorld.signingKey(["date": "Thu, 01 Jan 2026 00:00:59 GMT"]) : nil
        }
        _ = try await near.events()
        #expect(try issuedAt(near) == 1_767_225_600)
        let far = try BusinessWorld { request, _ in
            BusinessWorld.step(of: request) == "getoxsrf"
                ? BusinessWorld.signingKey(["date": "Thu, 01 Jan 2026 01:00:00 GMT"]) : nil
        }
        _ = try await far.events()
        #expect(try issuedAt(far) == 1_767_225_600 + 3600)
    }

    @Test("a token is used for 240 seconds, then renewed")
    func renewal() async throws {
        let world = try BusinessWorld()
        _ = try await world.events()
        world.time.advance(by: .seconds(239))
        _ = try await world.events()
        #expect(world.requests("getoxsrf").count == 1)
        world.time.advance(by: .seconds(1))
        _ = try await world.events()
        #expect(world.requests("getoxsrf").count == 2)
    }

    @Test(
        "a refused token is dropped, renewed at once, and the call repeated once",
        arguments: [
            "widgetCreateSession", "widgetStreamAssist",
        ])
    func refusedToken(method: String) async throws {
        let world = try BusinessWorld { request, attempt in
            BusinessWorld.step(of: request) == method && attempt == 1
                ? BusinessWorld.error(401, "UNAUTHENTICATED", reason: "SESSION_COOKIE_INVALID") : nil
        }
        #expect(try await world.events().text == "A red square.")
        #expect(world.requests("getoxsrf").count == 2)
        #expect(world.requests(method).count == 2)
    }

    @Test("a refusal inside the answer counts as one of the call")
    func refusedInBand() async throws {
        let world = try BusinessWorld { request, attempt in
            BusinessWorld.step(of: request) == "widgetStreamAssist" && attempt == 1
                ? FakeResponse(text: #"[{"error":{"code":401,"status":"UNAUTHENTICATED"}}]"#) : nil
        }
        #expect(try await world.events().text == "A red square.")
        #expect(world.requests("getoxsrf").count == 2)
    }

    @Test("a second refusal means that the account is signed out")
    func refusedTwice() async throws {
        let world = try BusinessWorld { request, _ in
            BusinessWorld.step(of: request) == "widgetCreateSession" ? BusinessWorld.error(401, "UNAUTHENTICATED") : nil
        }
        let found = await world.failure()
        #expect(found.error?.kind == .upstreamAuth)
        #expect(found.error?.accountEffect == .rejectCredential)
        #expect(world.requests("getoxsrf").count == 2)
        #expect(world.requests("widgetCreateSession").count == 2)
    }

    private func signIn(
        _ answer: @escaping @Sendable (UpstreamRequest) -> FakeResponse
    ) async throws -> BusinessSignIn.Result {
        let world = try BusinessWorld()
        let http = FakeTransport { request throws(GatewayError) in answer(request) }
        let signIn = BusinessSignIn(settings: world.settings, http: http, time: world.time)
        return try await signIn.signingKey(on: FakeLease(BusinessWorld.credential))
    }

    private func issuedAt(_ world: BusinessWorld) throws -> Int? {
        let field = try #require(world.requests("widgetStreamAssist").last?.fields["authorization"])
        let claims = try Base64.decode(String(field.split(separator: ".")[1]), .urlSafe)
        return try JSON.parse(claims)["iat"]?.int
    }
}
