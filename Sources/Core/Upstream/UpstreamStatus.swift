extension GatewayError {
    /// What an upstream's status means to us, to the account and to the client (reliability requirements, F-16 to
    /// F-23 and the classes of section 11). The upstream's own words stay in the log.
    ///
    /// - Parameter status: Anything but a success.
    public static func upstream(status: Int, _ failure: UpstreamFailure, retryAfter: Duration? = nil) -> GatewayError {
        var error = withoutDetail(status: status, failure, retryAfter: retryAfter)
        error.upstreamStatus = status
        error.detail = "status \(status)" + (failure.detail.isEmpty ? "" : ": \(failure.detail)")
        if failure.saysDayIsSpent, error.accountEffect == .exhaustQuota {
            error.field = "details[].violations[].quotaId"
        } else if retryAfter != nil {
            error.field = "retry-after"
        }
        return error
    }

    /// A failure that the upstream reported inside a successful answer (F-11): as its own class where it can be told,
    /// else as an upstream error.
    public static func upstream(inAnswer failure: UpstreamFailure) -> GatewayError {
        var error = withoutDetail(status: failure.impliedStatus, failure, retryAfter: nil)
        // The one refusal whose own status is of use to the client.
        if failure.impliedStatus == 413 { error.upstreamStatus = 413 }
        error.detail = "error inside an answer: \(failure.detail)"
        return error
    }

    private static func withoutDetail(
        status: Int, _ failure: UpstreamFailure, retryAfter: Duration?
    ) -> GatewayError {
        switch status {
        case 300..<400:
            GatewayError(
                .upstreamBadResponse, .endpoint, "the upstream answered with a redirect; check the provider's base_url")
        case 401:
            GatewayError(
                .upstreamAuth, .account, "the upstream did not accept the gateway's credential; tell the operator",
                accountEffect: .rejectCredential)
        case 403:
            GatewayError(
                .upstreamAuth, .account, "the upstream does not allow this to the gateway's account; tell the operator",
                accountEffect: .restrict)
        case 429 where failure.saysDayIsSpent:
            // An upstream's own time would be that of its next minute.
            GatewayError(
                .quotaExhausted, failure.quota.contains("PerModel") ? .accountModel : .accountClass,
                "the upstream's quota of the day for this account is used up; try again tomorrow",
                accountEffect: .exhaustQuota)
        // No credit left: another account may have some.
        case 402, 429:
            GatewayError(
                .rateLimited, .accountClass, "the upstream's limit for this account is reached; try again later",
                retryAfter: retryAfter, accountEffect: .cool)
        case 404:
            GatewayError(
                .modelNotFound, .accountModel,
                "the upstream does not know this model; GET /models lists those that exist")
        case 408, 504:
            GatewayError(.upstreamTimeout, .endpoint, "the upstream did not answer in time; try again")
        case 400..<500: rejected(failure)
        case 503, 529:
            GatewayError(
                .upstreamUnavailable, .endpoint, "the upstream is overloaded or down; try again later",
                retryAfter: retryAfter)
        case 500...599: GatewayError(.upstreamError, .endpoint, "the upstream failed; try again")
        default:
            GatewayError(.upstreamBadResponse, .endpoint, "the upstream answered with an unexpected status")
        }
    }

    private static func rejected(_ failure: UpstreamFailure) -> GatewayError {
        if failure.saysTooLong {
            return GatewayError(
                .contextTooLong, .request, "the prompt is longer than this model's context; shorten it",
                param: "messages")
        }
        if failure.saysBlocked {
            return GatewayError(.blocked, .request, "the upstream's filter refused this prompt; change it")
        }
        return GatewayError(
            .upstreamRejected, .request,
            "the upstream rejected this request; a parameter may not suit the model, the gateway's log has the reason")
    }
}

extension UpstreamFailure {
    /// The status that this failure would have had as an answer of its own.
    fileprivate var impliedStatus: Int {
        if let status, (400...599).contains(status) { return status }
        if saysTooLong || saysBlocked { return 400 }
        if saysRateLimited { return 429 }
        return Self.statuses[type] ?? Self.statuses[code] ?? 500
    }

    /// Words that several upstreams use for the kind of a failure.
    private static let statuses = [
        "invalid_request_error": 400, "authentication_error": 401, "billing_error": 402, "permission_error": 403,
        "not_found_error": 404, "request_too_large": 413, "timeout_error": 504, "overloaded_error": 503,
        "overloaded": 503, "UNAVAILABLE": 503,
    ]
}
