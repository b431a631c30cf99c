import PolluxCore

/// A failure of this upstream, and what may be done about it before anything was shown to the client.
struct WebFailure: Error, Equatable {
    /// What the client and the pool are told if nothing helps.
    var error: GatewayError
    var remedy = Remedy.none

    enum Remedy: Sendable, Equatable {
        case none
        /// The token against forgery was stale; here is the new one.
        case newToken(Secret)
        /// A new session: page, models, numbers.
        case newSession
        /// Renew the cookies, then a new session.
        case newSignIn
        /// Ask again in a chat of its own.
        case newChat
    }

    init(_ error: GatewayError, _ remedy: Remedy = .none) { (self.error, self.remedy) = (error, remedy) }
}

/// What each failure of this upstream means for the account and for the client.
///
/// Source: Gemini web protocol notes, sections 9 and 14.7; reliability requirements, sections 11 and 13.
enum WebErrors {
    // MARK: Statuses

    /// - Parameters:
    ///   - location: Of a redirect.
    ///   - parts: Those of the body, where it is in frames.
    static func failure(
        status: Int, location: String? = nil, parts: [WebPart] = [], retryAfter: Duration? = nil, detail: String
    ) -> WebFailure {
        var failure = classify(status, location ?? "", parts, retryAfter)
        failure.error.upstreamStatus = status
        failure.error.detail = "\(detail): status \(status)" + code(in: parts)
        if failure.error.field == nil, retryAfter != nil { failure.error.field = "retry-after" }
        return failure
    }

    private static func classify(
        _ status: Int, _ location: String, _ parts: [WebPart], _ retryAfter: Duration?
    ) -> WebFailure {
        switch status {
        case 300..<400: return redirected(to: location)
        case 400: return refused(parts)
        case 401, 403: return WebFailure(signedOut(""), .newSignIn)
        case 405:
            return WebFailure(badResponse("the upstream no longer takes requests of this form"), .newSession)
        case 408, 504:
            return WebFailure(
                GatewayError(.upstreamTimeout, .endpoint, "the upstream gave up waiting; send the request again"))
        case 413:
            return WebFailure(
                GatewayError(.contextTooLong, .request, "the upstream found the prompt too long; shorten it"))
        case 429: return WebFailure(limited(retryAfter))
        case 503, 529:
            return WebFailure(
                GatewayError(
                    .upstreamUnavailable, .endpoint,
                    "the upstream is unavailable for now; send the request again later",
                    retryAfter: retryAfter))
        case 500...: return WebFailure(temporary())
        default: return WebFailure(badResponse("the upstream answered with status \(status), which is not expected"))
        }
    }

    private static func redirected(to location: String) -> WebFailure {
        if location.contains("/sorry/") { return WebFailure(limited(nil, by: .exit)) }
        if location.contains("/challenge") { return WebFailure(asksForPerson("redirected to a challenge")) }
        if location.contains("ServiceLogin") || location.hasPrefix("https://accounts.google.com/") {
            return WebFailure(signedOut("redirected to a sign-in page"), .newSignIn)
        }
        return WebFailure(badResponse("the upstream redirected the request to another place"))
    }

    private static func refused(_ parts: [WebPart]) -> WebFailure {
        for case .token(let token) in parts { return WebFailure(rejected, .newToken(token)) }
        return WebFailure(rejected, .newSession)
    }

    private static func code(in parts: [WebPart]) -> String {
        for part in parts {
            switch part {
            case .failed(_, let code?): return ", code \(code)"
            case .token: return ", stale token"
            default: continue
            }
        }
        return ""
    }

    // MARK: Codes inside an answer

    /// A code of the upstream's own, in an answer's place.
    static func failure(code: Int, model: String) -> WebFailure {
        var failure = classify(code: code, model)
        failure.error.detail = "code \(code)"
        failure.error.field = "code=\(code)"
        return failure
    }

    private static func classify(code: Int, _ model: String) -> WebFailure {
        switch code {
        case 1003: WebFailure(rejected)
        case 1037: WebFailure(spent(model))
        case 1050, 1097:
            WebFailure(
                lostChat("the upstream no longer continues this conversation; send the request again"), .newChat)
        case 1052:
            WebFailure(
                GatewayError(
                    .modelNotFound, .accountModel,
                    "the upstream does not offer the model \"\(model)\" to the account in use; GET /v1/models lists"
                        + " those that exist", param: "model"), .newSession)
        case 1060: WebFailure(blocked)
        case 1096: WebFailure(lostChat("the upstream gave no answer to this request; send it again"), .newChat)
        default: WebFailure(temporary())
        }
    }

    /// A status of the upstream's RPC layer without a code of its own: 7 and 16 stand for a refused account.
    static func failure(rpcStatus: Int) -> WebFailure? {
        guard rpcStatus == 7 || rpcStatus == 16 else { return nil }
        return WebFailure(signedOut("rpc status \(rpcStatus)"), .newSignIn)
    }

    // MARK: Kinds of failure

    /// The cookies are dead: only signing in again helps.
    static func signedOut(_ detail: String) -> GatewayError {
        GatewayError(
            .upstreamAuth, .account,
            "the upstream no longer accepts the cookies of the account in use; its operator must sign in again and"
                + " renew them", detail: detail, accountEffect: .rejectCredential)
    }

    /// The upstream wants to see a person before it goes on: a puzzle, a code, a consent.
    static func asksForPerson(_ detail: String) -> GatewayError {
        GatewayError(
            .upstreamAuth, .account,
            "the upstream asks for a person before it goes on with the account in use; its operator must look at it in"
                + " the web app", detail: detail, accountEffect: .needHuman)
    }

    /// The account has to rest for as long as the upstream or the pool says.
    ///
    /// - Parameter scope: `exit` for the page that stands for a blocked address: whoever leaves by it has to rest too.
    static func limited(_ retryAfter: Duration?, by scope: GatewayError.Scope = .account) -> GatewayError {
        GatewayError(
            .rateLimited, scope, "the upstream has limited the account in use for now; try again later",
            retryAfter: retryAfter, accountEffect: .cool)
    }

    private static let blocked = GatewayError(
        .upstreamUnavailable, .exit, "the upstream has blocked the gateway's address for now; try again later",
        accountEffect: .cool)

    private static func spent(_ model: String) -> GatewayError {
        GatewayError(
            .quotaExhausted, .accountModel,
            "the account in use has spent its allowance for the model \"\(model)\"; try again later or choose another",
            retryAfter: .seconds(3600), accountEffect: .cool)
    }

    static let rejected = GatewayError(
        .upstreamRejected, .request, "the upstream refused the request; change the prompt or choose another model")

    static func temporary() -> GatewayError {
        GatewayError(.upstreamError, .endpoint, "the upstream failed; send the request again")
    }

    private static func lostChat(_ message: String) -> GatewayError { GatewayError(.upstreamError, .session, message) }

    static func badResponse(_ message: String, detail: String = "") -> GatewayError {
        GatewayError(.upstreamBadResponse, .endpoint, message, detail: detail)
    }

    /// The request vanished at the upstream: nothing but bookkeeping came back.
    static func dropped(_ detail: String) -> WebFailure {
        let error = GatewayError(
            .upstreamError, .endpoint, "the upstream dropped the request without an answer; send it again later",
            detail: detail, code: "upstream_aborted")
        return WebFailure(error, .newSession)
    }

    static func brokenOff(_ detail: String) -> GatewayError {
        GatewayError(
            .upstreamTruncated, .endpoint, "the upstream's answer broke off; send the request again", detail: detail)
    }
}
