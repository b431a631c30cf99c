import PolluxCore
import PolluxTesting
import Testing

@Suite("What an upstream's refusal means")
struct UpstreamFailureTests {
    @Test(
        "an error inside an answer means what its type says, as a status would have",
        arguments: [
            ("authentication_error", GatewayError.Kind.upstreamAuth), ("permission_error", .upstreamAuth),
            ("rate_limit_error", .rateLimited), ("billing_error", .rateLimited), ("not_found_error", .modelNotFound),
            ("invalid_request_error", .upstreamRejected), ("request_too_large", .upstreamRejected),
            ("overloaded_error", .upstreamUnavailable), ("timeout_error", .upstreamTimeout),
            ("something_new", .upstreamError),
        ])
    func types(_ type: String, _ kind: GatewayError.Kind) throws {
        let body: JSON = ["type": "error", "error": ["type": .string(type), "message": "words of the upstream"]]
        let error = GatewayError.upstream(inAnswer: try #require(UpstreamFailure(body)))
        #expect(error.kind == kind)
        #expect(!error.message.contains("words of the upstream"))
        #expect(error.detail.contains("words of the upstream"))
    }

    @Test(
        "a quota of the day is another thing than a limit of the minute",
        arguments: [
            ("GenerateRequestsPerDayPerProjectPerModel-FreeTier", GatewayError.Scope.accountModel, true),
            ("GenerateRequestsPerDayPerProject", .accountClass, true),
            ("GenerateRequestsPerMinutePerProject", .accountClass, false),
        ])
    func dailyQuota(_ quota: String, _ scope: GatewayError.Scope, _ isOfDay: Bool) throws {
        let body: JSON = [
            "error": ["code": 429, "details": [["@type": "x"], ["violations": [["quotaId": .string(quota)]]]]]
        ]
        let failure = try #require(UpstreamFailure(body))
        let error = GatewayError.upstream(status: 429, failure, retryAfter: .seconds(40))
        #expect(error.scope == scope)
        #expect(error.accountEffect == (isOfDay ? .exhaustQuota : .cool))
        #expect(error.kind == (isOfDay ? .quotaExhausted : .rateLimited))
        // The upstream's own time is that of its next minute.
        #expect(error.retryAfter == (isOfDay ? nil : .seconds(40)))
        #expect(error.field == (isOfDay ? "details[].violations[].quotaId" : "retry-after"))
    }

    @Test("a status in the error counts for more than its type")
    func status() throws {
        let failure = try #require(UpstreamFailure(["error": ["code": 429, "type": "invalid_request_error"]]))
        #expect(GatewayError.upstream(inAnswer: failure).kind == .rateLimited)
    }

    @Test("a refusing answer is read in the upstream's own shape, with its status and Retry-After")
    func ownShape() async {
        let transport = FakeTransport([
            FakeResponse(429, fields: ["retry-after": "9"], text: #"{"fail":"too_fast","why":"slow down"}"#)
        ])
        let time = ManualTime()
        let request = UpstreamRequest(.get, "https://upstream.example/")
        guard let response = try? await transport.send(request) else {
            Issue.record("no response")
            return
        }
        let error = await response.failure(now: time.wallNow) { body in
            UpstreamFailure(message: body["why"]?.string ?? "", code: body["fail"]?.string ?? "")
        }
        #expect((error.kind, error.upstreamStatus) == (.rateLimited, 429))
        #expect(error.retryAfter == .seconds(9))
        #expect(error.accountEffect == .cool)
        #expect(error.detail.contains("slow down"))
    }
}
