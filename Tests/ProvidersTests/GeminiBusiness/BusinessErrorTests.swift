import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxProviders

@Suite("Gemini Business: what each failure means")
struct BusinessErrorTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let step: String
        let response: FakeResponse
        let kind: GatewayError.Kind
        let scope: GatewayError.Scope
        let effect: GatewayError.AccountEffect
        let retryAfter: Duration?
        var testDescription: String { "\(step) \(response.status)" }

        init(
            _ step: String, _ response: FakeResponse, _ kind: GatewayError.Kind, _ scope: GatewayError.Scope,
            _ effect: GatewayError.AccountEffect = .none, retryAfter: Duration? = nil
        ) {
            (self.step, self.response, self.kind, self.scope) = (step, response, kind, scope)
            (self.effect, self.retryAfter) = (effect, retryAfter)
        }
    }

    private static let expired = FakeResponse(
        401, text: ")]}'\n" + #"{"message":"Session has expired.","status":"EXPIRED_SIGN_IN"}"#)
    private static let limited = BusinessWorld.error(429, "RESOURCE_EXHAUSTED")

    private static func limited(retryAfter: String) -> FakeResponse {
        FakeResponse(429, fields: ["retry-after": retryAfter], text: "")
    }

    static let rows: [Row] =
        [
            Row("getoxsrf", expired, .upstreamAuth, .account, .rejectCredential),
            Row("getoxsrf", FakeResponse(403, text: "no"), .upstreamAuth, .account, .restrict),
            Row("getoxsrf", FakeResponse(404, text: ""), .upstreamError, .endpoint),
            Row("getoxsrf", FakeResponse(400, text: ""), .upstreamBadResponse, .endpoint),
            Row("widgetStreamAssist", FakeResponse(302, text: ""), .upstreamBadResponse, .endpoint),
            Row("widgetCreateSession", BusinessWorld.error(404, "NOT_FOUND"), .upstreamError, .endpoint),
            Row("widgetCreateSession", FakeResponse(text: "{}"), .upstreamBadResponse, .endpoint),
            Row("widgetCreateSession", FakeResponse(text: "<html>"), .upstreamBadResponse, .endpoint),
            Row(
                "widgetCreateSession", FakeResponse(text: #"[{"error":{"code":403,"status":"PERMISSION_DENIED"}}]"#),
                .upstreamAuth, .account, .restrict),
        ]
        + ["getoxsrf", "widgetCreateSession", "widgetStreamAssist"].flatMap { step in
            [
                Row(step, limited, .rateLimited, .accountClass, .cool),
                Row(
                    step, limited(retryAfter: "120"), .rateLimited, .accountClass, .cool, retryAfter: .seconds(120)),
                Row(
                    step, limited(retryAfter: "Thu, 01 Jan 2026 00:05:00 GMT"), .rateLimited, .accountClass, .cool,
                    retryAfter: .seconds(300)),
                Row(step, limited(retryAfter: "later"), .rateLimited, .accountClass, .cool),
                Row(step, FakeResponse(500, text: "<html>"), .upstreamError, .endpoint),
                Row(step, FakeResponse(502, text: ""), .upstreamError, .endpoint),
                Row(
                    step, FakeResponse(503, fields: ["retry-after": "7"], text: ""), .upstreamUnavailable, .endpoint,
                    retryAfter: .seconds(7)),
                Row(step, FakeResponse(504, text: ""), .upstreamTimeout, .endpoint),
                Row(step, FakeResponse(408, text: ""), .upstreamTimeout, .endpoint),
                Row(step, FakeResponse(204), .upstreamBadResponse, .endpoint),
            ]
        }
        + ["widgetCreateSession", "widgetStreamAssist"].flatMap { step in
            [
                Row(step, BusinessWorld.error(400, "INVALID_ARGUMENT"), .upstreamRejected, .request),
                Row(step, FakeResponse(413, text: ""), .upstreamRejected, .request),
                Row(step, BusinessWorld.error(403, "PERMISSION_DENIED"), .upstreamAuth, .account, .restrict),
                Row(step, BusinessWorld.error(401, "UNAUTHENTICATED"), .upstreamAuth, .account, .rejectCredential),
                Row(
                    step, BusinessWorld.error(429, "RESOURCE_EXHAUSTED", reason: "LLM_OVERLOADED"), .rateLimited,
                    .accountClass, .cool, retryAfter: .seconds(60)),
            ]
        }

    @Test("each answer means one thing for the account and for the client", arguments: rows)
    func meaning(row: Row) async throws {
        let world = try BusinessWorld { request, _ in BusinessWorld.step(of: request) == row.step ? row.response : nil }
        let error = try #require(await world.failure().error)
        #expect(error.kind == row.kind)
        #expect(error.scope == row.scope)
        #expect(error.accountEffect == row.effect)
        #expect(error.retryAfter == row.retryAfter)
        #expect(world.http.openBodyCount == 0)
    }

    @Test("the client is told what to do, the log has the upstream's words")
    func wording() async throws {
        let body = BusinessWorld.error(
            400, "INVALID_ARGUMENT",
            message: "Das Feld\nist zu lang: ops1@mail.example.org " + String(repeating: "x", count: 900))
        let world = try BusinessWorld { request, _ in
            BusinessWorld.step(of: request) == "widgetStreamAssist" ? body : nil
        }
        let error = try #require(await world.failure().error)
        #expect(
            error.message
                == "the upstream refused the request (status 400); shorten the conversation or choose another model")
        #expect(error.detail.hasPrefix("answer step: 400 INVALID_ARGUMENT "))
        #expect(error.detail.contains("Das Feld ist zu lang"))
        #expect(error.detail.count < 340)
        #expect(error.upstreamStatus == 400)
    }

    @Test("no message names a secret, an account or a host", arguments: rows)
    func discreet(row: Row) async throws {
        let world = try BusinessWorld { request, _ in BusinessWorld.step(of: request) == row.step ? row.response : nil }
        let error = try #require(await world.failure().error)
        for secret in ["CSE.", "COS.", "498000001", "0cd0aa00", "ops1", "google"] {
            #expect(!error.message.contains(secret))
            #expect(!error.detail.contains(secret))
        }
    }

    @Test("an account that lacks something is not used")
    func incomplete() async throws {
        var credential = BusinessWorld.credential
        credential.values["config_id"] = nil
        let world = try BusinessWorld(credential: credential)
        let error = try #require(await world.failure().error)
        #expect(error.kind == .upstreamAuth)
        #expect(error.accountEffect == .rejectCredential)
        #expect(error.detail.contains("config_id is missing"))
        #expect(world.http.requests.isEmpty)
    }

    @Test("a network failure passes through as it is, and is no account's fault")
    func network() async throws {
        let refused = GatewayError(.upstreamUnreachable, .endpoint, "connection refused")
        let world = try BusinessWorld(script: { _, _ throws(GatewayError) in throw refused })
        #expect(await world.failure().error == refused)
    }
}

@Suite("Gemini Business: trying an account")
struct BusinessProbeTests {
    private func steps(_ answers: [String: FakeResponse]) async throws -> [ProbeStep] {
        let world = try BusinessWorld { request, _ in answers[BusinessWorld.step(of: request)] }
        var steps: [ProbeStep] = []
        await world.provider.probe(world.lease) { steps.append($0) }
        #expect(world.requests("widgetStreamAssist").isEmpty)
        return steps
    }

    private func list(_ csesidx: String, expired: Bool) -> FakeResponse {
        FakeResponse(text: ")]}'\n" + #"{"sessions":[{"csesidx":\#(csesidx),"expired":\#(expired)}]}"#)
    }

    @Test("a good account passes token and session; a list that knows nothing of it is no step")
    func good() async throws {
        #expect(try await steps([:]) == [ProbeStep("token"), ProbeStep("session")])
        let unknown = FakeResponse(401, text: #"{"status":"INVALID_COOKIES"}"#)
        #expect(try await steps(["list-sessions": unknown]) == [ProbeStep("token"), ProbeStep("session")])
        let listed = [ProbeStep("token"), ProbeStep("session"), ProbeStep("session list")]
        #expect(try await steps(["list-sessions": list("\"498000001\"", expired: false)]) == listed)
        #expect(try await steps(["list-sessions": list("498000001", expired: false)]) == listed)
    }

    @Test("a session that is listed as expired is told, without an effect on the account")
    func expiredInList() async throws {
        let last = try await steps(["list-sessions": list("\"498000001\"", expired: true)]).last
        #expect(last?.name == "session list")
        #expect(last?.failure?.accountEffect == GatewayError.AccountEffect.none)
    }

    @Test("the first step that fails is the last")
    func failing() async throws {
        let dead = try await steps(["getoxsrf": FakeResponse(401, text: "")])
        #expect(dead.map(\.name) == ["token"])
        #expect(dead.first?.failure?.accountEffect == .rejectCredential)
        let denied = try await steps(["widgetCreateSession": BusinessWorld.error(403, "PERMISSION_DENIED")])
        #expect(denied.map(\.name) == ["token", "session"])
        #expect(denied.last?.failure?.accountEffect == .restrict)
    }
}
