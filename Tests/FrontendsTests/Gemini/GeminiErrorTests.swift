import PolluxCore
import PolluxFrontends
import Testing

@Suite("Errors in the Gemini format")
struct GeminiErrorTests {
    private func encode(_ error: GatewayError) throws -> HTTPAnswer {
        try GeminiDecoding.frontend().encode(error: error, ChatRun.reply)
    }

    @Test(
        "each kind has its status, and a reason that tells apart what shares one",
        arguments: [
            "malformedHTTP 400 INVALID_ARGUMENT MALFORMED_REQUEST",
            "requestTooLarge 413 INVALID_ARGUMENT REQUEST_TOO_LARGE",
            "headerTooLarge 431 INVALID_ARGUMENT HEADER_TOO_LARGE",
            "uriTooLong 414 INVALID_ARGUMENT URI_TOO_LONG",
            "requestTimeout 408 DEADLINE_EXCEEDED REQUEST_TIMEOUT",
            "unsupportedMediaType 415 INVALID_ARGUMENT UNSUPPORTED_MEDIA_TYPE",
            "expectationFailed 417 INVALID_ARGUMENT EXPECTATION_FAILED",
            "unsupportedTransferCoding 501 UNIMPLEMENTED UNSUPPORTED_TRANSFER_CODING",
            "unsupportedVersion 505 UNIMPLEMENTED UNSUPPORTED_HTTP_VERSION",
            "invalidRequest 400 INVALID_ARGUMENT INVALID_VALUE",
            "unsupported 400 INVALID_ARGUMENT UNSUPPORTED_PARAMETER",
            "contextTooLong 400 INVALID_ARGUMENT CONTEXT_LENGTH_EXCEEDED",
            "blocked 400 INVALID_ARGUMENT CONTENT_FILTER",
            "authentication 400 INVALID_ARGUMENT API_KEY_INVALID",
            "missingKey 403 PERMISSION_DENIED INVALID_API_KEY",
            "permission 403 PERMISSION_DENIED PERMISSION_DENIED",
            "routeNotFound 404 NOT_FOUND UNKNOWN_URL",
            "methodNotAllowed 404 NOT_FOUND METHOD_NOT_ALLOWED",
            "modelNotFound 404 NOT_FOUND MODEL_NOT_FOUND",
            "conversationLost 410 NOT_FOUND CONVERSATION_LOST",
            "rateLimited 429 RESOURCE_EXHAUSTED RATE_LIMIT_EXCEEDED",
            "quotaExhausted 429 RESOURCE_EXHAUSTED INSUFFICIENT_QUOTA",
            "cancelled 499 CANCELLED REQUEST_CANCELLED",
            "upstreamUnreachable 502 UNAVAILABLE UPSTREAM_UNREACHABLE",
            "upstreamTLS 502 UNAVAILABLE UPSTREAM_TLS_ERROR",
            "upstreamReset 502 UNAVAILABLE UPSTREAM_RESET",
            "upstreamTimeout 504 DEADLINE_EXCEEDED UPSTREAM_TIMEOUT",
            "upstreamTruncated 502 UNAVAILABLE UPSTREAM_TRUNCATED",
            "upstreamBadResponse 502 UNAVAILABLE UPSTREAM_BAD_RESPONSE",
            "upstreamError 502 UNAVAILABLE UPSTREAM_ERROR",
            "upstreamTooLarge 502 UNAVAILABLE UPSTREAM_TOO_LARGE",
            "upstreamAuth 502 UNAVAILABLE UPSTREAM_AUTH_ERROR",
            "upstreamRejected 400 INVALID_ARGUMENT UPSTREAM_REJECTED",
            "upstreamUnavailable 503 UNAVAILABLE UPSTREAM_UNAVAILABLE",
            "upstreamInvalidOutput 502 UNAVAILABLE INVALID_STRUCTURED_OUTPUT",
            "noAccountAvailable 503 UNAVAILABLE NO_ACCOUNT_AVAILABLE",
            "overloaded 503 UNAVAILABLE OVERLOADED",
            "shuttingDown 503 UNAVAILABLE SERVER_SHUTTING_DOWN",
            "internalError 500 INTERNAL INTERNAL_ERROR",
        ])
    func table(row: String) throws {
        // Kind, status, name, reason: in words, since a literal of so many tuples takes the compiler too long.
        let words = row.split(separator: " ").map(String.init)
        let kind = try #require(GatewayError.Kind(rawValue: words[0]))
        let (status, name, reason) = (try #require(Int(words[1])), words[2], words[3])
        let answer = try encode(GatewayError(kind, .request, #"what "happened""#, detail: "host 10.0.0.1"))
        #expect(answer.head.status == status)
        #expect(answer.head.fields["content-type"] == "application/json; charset=UTF-8")
        let text = String(decoding: answer.body, as: UTF8.self)
        #expect(text.hasPrefix(#"{"error":{"code":\#(status),"#), "clients look at the first bytes")
        #expect(!text.contains("10.0.0.1"))
        let error = try #require(try JSON.parse(answer.body)["error"])
        #expect(error["code"]?.int == status)
        #expect(error["message"] == #"what "happened""#)
        #expect(error["status"]?.string == name)
        #expect(error["details"]?[0]?["@type"] == "type.googleapis.com/google.rpc.ErrorInfo")
        #expect(error["details"]?[0]?["reason"]?.string == reason)
    }

    @Test("the table leaves no kind out")
    func complete() { #expect(GatewayError.Kind.allCases.count == 39) }

    @Test(
        "a wait is a detail that agents read",
        arguments: [
            (.seconds(11), "11s"), (.milliseconds(6_500), "6.500s"), (.milliseconds(20), "0.020s"), (.zero, "0.001s"),
        ] as [(Duration, String)])
    func retryDelay(_ wait: Duration, _ expected: String) throws {
        let answer = try encode(GatewayError(.rateLimited, .request, "slow down", retryAfter: wait))
        let details = try JSON.parse(answer.body)["error"]?["details"]?.array ?? []
        #expect(
            details.contains(["@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": .string(expected)]))
    }

    @Test("a field at fault is named as this format spells it")
    func violations() throws {
        for (param, field) in [("contents[0].role", "contents[0].role"), ("n", "generationConfig.candidateCount")] {
            let answer = try encode(.invalid(param, "no"))
            let details = try JSON.parse(answer.body)["error"]?["details"]?.array ?? []
            #expect(
                details.last == [
                    "@type": "type.googleapis.com/google.rpc.BadRequest",
                    "fieldViolations": [["field": .string(field), "description": "no"]],
                ])
        }
    }

    @Test("an upstream's 413 stays one, its other refusals are 400")
    func rejections() throws {
        #expect(try encode(GatewayError(.upstreamRejected, .request, "x", upstreamStatus: 413)).head.status == 413)
        #expect(try encode(GatewayError(.upstreamRejected, .request, "x", upstreamStatus: 422)).head.status == 400)
    }
}
