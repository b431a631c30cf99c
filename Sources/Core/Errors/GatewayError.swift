/// Everything that can go wrong on the request path, as data: what it is, what rests because of it, what the client is
/// told.
public struct GatewayError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Bounded, so it is safe as a metric label; each frontend has a table from kind to status, type and code.
    public enum Kind: String, Sendable, CaseIterable {
        // The client's doing.
        case malformedHTTP, requestTooLarge, headerTooLarge, uriTooLong, requestTimeout, unsupportedMediaType
        case expectationFailed, unsupportedTransferCoding, unsupportedVersion
        case invalidRequest, unsupported, contextTooLong, blocked
        case authentication, missingKey, permission
        case routeNotFound, methodNotAllowed, modelNotFound
        case rateLimited, quotaExhausted, cancelled
        /// A conversation that the client named is not to be had any more, and the request does not bring it along.
        case conversationLost
        // The upstream's doing (reliability requirements, section 13).
        case upstreamUnreachable, upstreamTLS, upstreamReset, upstreamTimeout, upstreamTruncated, upstreamBadResponse
        case upstreamError, upstreamTooLarge, upstreamAuth, upstreamRejected, upstreamUnavailable
        /// The model was asked for JSON of a given form, and once more to correct it, and still did not keep to it.
        case upstreamInvalidOutput
        // Ours.
        case noAccountAvailable, overloaded, shuttingDown, internalError
    }

    /// What the failure is about, and therefore what rests. The pool needs no knowledge of any provider.
    public enum Scope: Sendable, Equatable {
        /// This request only: nobody rests, nobody else would do better.
        case request
        /// This conversation's upstream session.
        case session
        case account
        /// The account, for one class of work (text, images, videos).
        case accountClass
        /// The account, for the one model that was asked for.
        case accountModel
        /// Every account that leaves by the same proxy: the upstream has blocked an address.
        case exit
        /// The upstream as a whole: every account would meet it.
        case endpoint
    }

    /// What becomes of an account whose failure this is.
    public enum AccountEffect: Sendable, Equatable {
        case none
        /// Rests for `retryAfter`, or for the pool's own cooldown.
        case cool
        /// The upstream no longer takes the credential: only a renewed one helps.
        case rejectCredential
        /// The upstream has locked the account: a person must look.
        case restrict
        /// The upstream asks for a person: a challenge, a consent page. Nothing but that person's answer helps.
        case needHuman
        /// The allowance of the day is spent, for the class that was asked for or, by scope, the whole account: rests
        /// for `retryAfter`, else until the upstream's day ends.
        case exhaustQuota
        /// The account's trial is over, for good.
        case endTrial
    }

    public var kind: Kind
    public var scope: Scope
    /// Safe for clients: says what happened and what to do next; names no secret and no upstream host.
    public var message: String
    /// For the log only: the upstream's own words, a library's error text.
    public var detail: String
    public var retryAfter: Duration?
    public var upstreamStatus: Int?
    /// The request field at fault, in the client's own spelling: `messages[0].content`.
    public var param: String?
    /// The upstream's own field that decided, for who asks why: `error.details[0].reason`, `retry-after`.
    public var field: String?
    /// A more exact code in the client's vocabulary: `missing_required_parameter`. `nil` takes the kind's own.
    public var code: String?
    public var accountEffect: AccountEffect
    /// The upstream has begun something that must not be begun twice (an image job, a turn that it wrote down): nobody
    /// tries again.
    public var isFinal = false
    /// The same request can never be let through, whenever it comes again: it costs more than its limit.
    public var isHopeless = false

    public init(
        _ kind: Kind, _ scope: Scope, _ message: String, detail: String = "", retryAfter: Duration? = nil,
        upstreamStatus: Int? = nil, param: String? = nil, code: String? = nil, accountEffect: AccountEffect = .none
    ) {
        (self.kind, self.scope, self.message, self.detail) = (kind, scope, message, detail)
        (self.retryAfter, self.upstreamStatus, self.param) = (retryAfter, upstreamStatus, param)
        (self.code, self.accountEffect) = (code, accountEffect)
    }

    public var description: String { "\(kind.rawValue): \(message)" }

    /// The client went away, or the gateway ends the work itself.
    public static let cancelled = GatewayError(.cancelled, .request, "the request was cancelled")

    /// A field of the request that cannot be used.
    public static func invalid(_ param: String?, _ message: String, code: String = "invalid_value") -> GatewayError {
        GatewayError(.invalidRequest, .request, message, param: param, code: code)
    }
}
