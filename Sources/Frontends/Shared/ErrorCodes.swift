public import PolluxCore

extension GatewayError.Kind {
    /// What clients may go by, the same in every dialect but for its spelling (reliability requirements, section 13).
    public var clientCode: String {
        switch self {
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
        case .conversationLost: "conversation_lost"
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
        case .upstreamInvalidOutput: "invalid_structured_output"
        case .noAccountAvailable: "no_account_available"
        case .overloaded: "overloaded"
        case .shuttingDown: "server_shutting_down"
        case .internalError: "internal_error"
        }
    }
}
