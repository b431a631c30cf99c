internal import PolluxCore

/// The part of a request that failed.
enum BusinessStep: String, Sendable {
    case token, session, upload, answer, files, download, deletion
}

/// What each failure of this upstream means for the account and for the client.
///
/// Source: Gemini Business protocol notes, section 10; reliability requirements, sections 11 and 13.
enum BusinessErrors {
    /// The model is busy, which says nothing about the account's allowance.
    static let overloadCooldown = Duration.seconds(60)

    /// - Parameter retryAfter: From the field of that name, already parsed.
    static func error(
        status: Int, body: BusinessErrorBody, step: BusinessStep, retryAfter: Duration? = nil
    ) -> GatewayError {
        var error = classify(status, body, step)
        error.detail = "\(step.rawValue) step: \(status) \(body.detail)"
        error.upstreamStatus = status
        error.retryAfter = retryAfter ?? error.retryAfter
        error.field = retryAfter != nil ? "retry-after" : body.decidingField
        return error
    }

    private static func classify(_ status: Int, _ body: BusinessErrorBody, _ step: BusinessStep) -> GatewayError {
        switch status {
        case 401: return signedOut("", hint: step == .token ? "" : ", and check its config_id")
        case 403: return restricted
        case 404: return notFound(step)
        case 429: return limited(body)
        case 408, 504:
            return GatewayError(.upstreamTimeout, .endpoint, "the upstream gave up waiting; send the request again")
        case 503, 529:
            return GatewayError(
                .upstreamUnavailable, .endpoint, "the upstream is unavailable for now; send the request again later")
        case 500...: return GatewayError(.upstreamError, .endpoint, "the upstream failed; send the request again")
        case 400..<500 where step == .token:
            return GatewayError(.upstreamBadResponse, .endpoint, "the upstream's sign-in service refused our request")
        case 400..<500:
            return GatewayError(
                .upstreamRejected, .request,
                "the upstream refused the request (status \(status)); shorten the conversation or choose another model")
        default:
            return badResponse("the upstream answered with status \(status), which is not expected here")
        }
    }

    /// The cookies are dead: only signing in again helps.
    static func signedOut(_ detail: String, hint: String = "") -> GatewayError {
        GatewayError(
            .upstreamAuth, .account,
            "the upstream no longer accepts the sign-in of the account in use; its operator must sign in again\(hint)",
            detail: detail, accountEffect: .rejectCredential)
    }

    /// The upstream wants to see a person before it goes on.
    static func asksForPerson(_ detail: String) -> GatewayError {
        GatewayError(
            .upstreamAuth, .account,
            "the upstream asks for a person before it goes on with the account in use; its operator must sign in",
            detail: detail, accountEffect: .needHuman)
    }

    private static let restricted = GatewayError(
        .upstreamAuth, .account,
        "the upstream denies the account in use access; its operator must look at the account's state and licence",
        accountEffect: .restrict)

    private static func limited(_ body: BusinessErrorBody) -> GatewayError {
        if body.reasons.contains("LLM_OVERLOADED") {
            return GatewayError(
                .rateLimited, .accountClass, "the upstream's model is overloaded; try again in a minute",
                retryAfter: overloadCooldown, accountEffect: .cool)
        }
        return GatewayError(
            .rateLimited, .accountClass, "the allowance of the account in use is spent for now; try again later",
            accountEffect: .cool)
    }

    private static func notFound(_ step: BusinessStep) -> GatewayError {
        guard step == .answer || step == .upload else {
            return GatewayError(
                .upstreamError, .endpoint,
                "the upstream does not know the address used; its operator must check the bases")
        }
        return GatewayError(
            .upstreamError, .session, "the upstream lost the session of this conversation; send the request again")
    }

    static func badResponse(_ message: String, detail: String = "") -> GatewayError {
        GatewayError(.upstreamBadResponse, .endpoint, message, detail: detail)
    }
}
