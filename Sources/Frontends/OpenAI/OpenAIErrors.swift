import PolluxCore

/// The error envelope of the OpenAI format (OpenAI format notes, section 5).
struct OpenAIErrorBody {
    let message: String
    let type: String
    let param: String?
    let code: String

    init(_ error: GatewayError) {
        message = error.message
        type = Self.type(of: error.kind)
        param = error.param
        code = error.code ?? Self.code(of: error.kind)
    }

    /// All four keys are always there: clients read them blindly.
    func write(to bytes: inout [UInt8]) {
        JSONWriter.append(to: &bytes) { writer in
            writer.beginObject()
            writer.key("error")
            writer.beginObject()
            writer.member("message", message)
            writer.member("type", type)
            writer.key("param")
            if let param { writer.value(param) } else { writer.null() }
            writer.member("code", code)
            writer.endObject()
            writer.endObject()
        }
    }

    private static func type(of kind: GatewayError.Kind) -> String {
        switch kind {
        case .malformedHTTP, .requestTooLarge, .headerTooLarge, .uriTooLong, .requestTimeout, .unsupportedMediaType,
            .expectationFailed, .unsupportedTransferCoding, .unsupportedVersion, .invalidRequest, .unsupported,
            .contextTooLong, .blocked, .authentication, .missingKey, .routeNotFound, .methodNotAllowed,
            .modelNotFound, .cancelled, .upstreamRejected:
            "invalid_request_error"
        case .permission: "permission_error"
        case .rateLimited: "rate_limit_error"
        case .quotaExhausted: "insufficient_quota"
        case .upstreamUnreachable, .upstreamTLS, .upstreamReset, .upstreamTimeout, .upstreamTruncated,
            .upstreamBadResponse, .upstreamError, .upstreamTooLarge, .upstreamAuth, .upstreamUnavailable,
            .invalidStructuredOutput, .noAccountAvailable, .overloaded, .shuttingDown, .internalError:
            "server_error"
        }
    }

    private static func code(of kind: GatewayError.Kind) -> String {
        switch kind {
        case .malformedHTTP: "malformed_request"
        case .requestTooLarge: "request_too_large"
        case .headerTooLarge: "header_too_large"
        case .uriTooLong: "uri_too_long"
        case .requestTimeout: "request_timeout"
        case .unsupportedMediaType: "unsupported_media_type"
        case .expectationFailed: "expectation_failed"
        case .unsupportedTransferCoding: "unsupported_transfer_coding"
        case .unsupportedVersion: "unsupported_http_version"
        case .invalidRequest: "invalid_value"
        case .unsupported: "unsupported_parameter"
        case .contextTooLong: "context_length_exceeded"
        case .blocked: "content_filter"
        case .authentication, .missingKey: "invalid_api_key"
        case .permission: "permission_denied"
        case .routeNotFound: "unknown_url"
        case .methodNotAllowed: "method_not_allowed"
        case .modelNotFound: "model_not_found"
        case .rateLimited: "rate_limit_exceeded"
        case .quotaExhausted: "insufficient_quota"
        case .cancelled: "request_cancelled"
        case .upstreamUnreachable: "upstream_unreachable"
        case .upstreamTLS: "upstream_tls_error"
        case .upstreamReset: "upstream_reset"
        case .upstreamTimeout: "upstream_timeout"
        case .upstreamTruncated: "upstream_truncated"
        case .upstreamBadResponse: "upstream_bad_response"
        case .upstreamError: "upstream_error"
        case .upstreamTooLarge: "upstream_too_large"
        case .upstreamAuth: "upstream_auth_error"
        case .upstreamRejected: "upstream_rejected"
        case .upstreamUnavailable: "upstream_unavailable"
        case .invalidStructuredOutput: "invalid_structured_output"
        case .noAccountAvailable: "no_account_available"
        case .overloaded: "overloaded"
        case .shuttingDown: "server_shutting_down"
        case .internalError: "internal_error"
        }
    }
}

extension HTTPAnswer {
    static func openAI(_ error: GatewayError) -> HTTPAnswer {
        var answer = HTTPAnswer.openAIJSON(status: error.httpStatus)
        OpenAIErrorBody(error).write(to: &answer.body)
        if error.isHopelessToRepeat { answer.head.fields.append("x-should-retry", "false") }
        return answer
    }

    /// - Returns: An answer whose body is still to be written.
    static func openAIJSON(status: Int = 200) -> HTTPAnswer {
        HTTPAnswer(status: status, fields: ["content-type": "application/json"])
    }
}

extension GatewayError {
    /// The official clients repeat a 429 or a 5xx twice within seconds; that cannot help when an allowance is used up
    /// or every account rests for longer than a minute.
    fileprivate var isHopelessToRepeat: Bool {
        switch kind {
        case .quotaExhausted: true
        case .noAccountAvailable: retryAfter.map { $0 > .seconds(60) } ?? true
        case .rateLimited: retryAfter.map { $0 > .seconds(60) } ?? false
        default: false
        }
    }
}
