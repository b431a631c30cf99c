import PolluxCore
import PolluxFrontends
import Testing

@Suite("Errors in the OpenAI format")
struct OpenAIErrorTests {
    private func encode(_ error: GatewayError) throws -> HTTPAnswer {
        try OpenAIFrontend(settings: OpenAIFrontendSettings(), context: FrontendContext(log: .silent))
            .encode(error: error, ChatRun.reply)
    }

    @Test(
        "each kind has its status, type and code",
        arguments: [
            (.malformedHTTP, 400, "invalid_request_error", "malformed_request"),
            (.requestTooLarge, 413, "invalid_request_error", "request_too_large"),
            (.headerTooLarge, 431, "invalid_request_error", "header_too_large"),
            (.uriTooLong, 414, "invalid_request_error", "uri_too_long"),
            (.requestTimeout, 408, "invalid_request_error", "request_timeout"),
            (.unsupportedMediaType, 415, "invalid_request_error", "unsupported_media_type"),
            (.expectationFailed, 417, "invalid_request_error", "expectation_failed"),
            (.unsupportedTransferCoding, 501, "invalid_request_error", "unsupported_transfer_coding"),
            (.unsupportedVersion, 505, "invalid_request_error", "unsupported_http_version"),
            (.invalidRequest, 400, "invalid_request_error", "invalid_value"),
            (.unsupported, 400, "invalid_request_error", "unsupported_parameter"),
            (.contextTooLong, 400, "invalid_request_error", "context_length_exceeded"),
            (.blocked, 400, "invalid_request_error", "content_filter"),
            (.authentication, 401, "invalid_request_error", "invalid_api_key"),
            (.missingKey, 401, "invalid_request_error", "invalid_api_key"),
            (.permission, 403, "permission_error", "permission_denied"),
            (.routeNotFound, 404, "invalid_request_error", "unknown_url"),
            (.methodNotAllowed, 405, "invalid_request_error", "method_not_allowed"),
            (.modelNotFound, 404, "invalid_request_error", "model_not_found"),
            (.conversationLost, 410, "invalid_request_error", "conversation_lost"),
            (.rateLimited, 429, "rate_limit_error", "rate_limit_exceeded"),
            (.quotaExhausted, 429, "insufficient_quota", "insufficient_quota"),
            (.cancelled, 499, "invalid_request_error", "request_cancelled"),
            (.upstreamUnreachable, 502, "server_error", "upstream_unreachable"),
            (.upstreamTLS, 502, "server_error", "upstream_tls_error"),
            (.upstreamReset, 502, "server_error", "upstream_reset"),
            (.upstreamTimeout, 504, "server_error", "upstream_timeout"),
            (.upstreamTruncated, 502, "server_error", "upstream_truncated"),
            (.upstreamBadResponse, 502, "server_error", "upstream_bad_response"),
            (.upstreamError, 502, "server_error", "upstream_error"),
            (.upstreamTooLarge, 502, "server_error", "upstream_too_large"),
            (.upstreamInvalidOutput, 502, "server_error", "invalid_structured_output"),
            (.upstreamAuth, 502, "server_error", "upstream_auth_error"),
            (.upstreamRejected, 400, "invalid_request_error", "upstream_rejected"),
            (.upstreamUnavailable, 503, "server_error", "upstream_unavailable"),
            (.noAccountAvailable, 503, "server_error", "no_account_available"),
            (.overloaded, 503, "server_error", "overloaded"),
            (.shuttingDown, 503, "server_error", "server_shutting_down"),
            (.internalError, 500, "server_error", "internal_error"),
        ] as [(GatewayError.Kind, Int, String, String)])
    func table(kind: GatewayError.Kind, status: Int, type: String, code: String) throws {
        let answer = try encode(GatewayError(kind, .request, #"what "happened""#))
        #expect(answer.head.status == status)
        #expect(answer.head.fields["content-type"] == "application/json")
        let body = try JSON.parse(answer.body)
        #expect(
            body == [
                "error": ["message": #"what "happened""#, "type": .string(type), "param": nil, "code": .string(code)]
            ])
    }

    @Test("the table leaves no kind out")
    func complete() { #expect(GatewayError.Kind.allCases.count == 39) }

    @Test("a field's own code and path win")
    func ownCode() throws {
        let answer = try encode(.invalid("messages[0].role", "no", code: "invalid_type"))
        let error = try JSON.parse(answer.body)["error"]
        #expect(error?["param"] == "messages[0].role")
        #expect(error?["code"] == "invalid_type")
    }

    @Test("an upstream's 413 stays one, its other refusals are 400")
    func rejections() throws {
        #expect(try encode(GatewayError(.upstreamRejected, .request, "x", upstreamStatus: 413)).head.status == 413)
        #expect(try encode(GatewayError(.upstreamRejected, .request, "x", upstreamStatus: 422)).head.status == 400)
    }

    @Test(
        "clients are told not to repeat what cannot help",
        arguments: [
            (.quotaExhausted, nil, true), (.noAccountAvailable, nil, true), (.noAccountAvailable, .seconds(600), true),
            (.noAccountAvailable, .seconds(5), false), (.rateLimited, .seconds(5), false), (.rateLimited, nil, false),
            (.rateLimited, .seconds(3600), true), (.upstreamTimeout, nil, false), (.overloaded, .seconds(1), false),
        ] as [(GatewayError.Kind, Duration?, Bool)])
    func retries(kind: GatewayError.Kind, retryAfter: Duration?, isHopeless: Bool) throws {
        let answer = try encode(GatewayError(kind, .request, "x", retryAfter: retryAfter))
        #expect(answer.head.fields["x-should-retry"] == (isHopeless ? "false" : nil))
    }

    @Test("detail, which is for the log, never reaches the client")
    func detail() throws {
        let answer = try encode(GatewayError(.upstreamError, .endpoint, "failed", detail: "host 10.0.0.1 said sk-1"))
        #expect(!String(decoding: answer.body, as: UTF8.self).contains("10.0.0.1"))
    }
}
