/// A change of an account's state, with what led to it.
public struct AccountTransition: Sendable, Equatable {
    public var provider: String
    /// Empty when it is about the provider's endpoint, or a proxy, and so about every account behind it.
    public var accountID: String
    /// `nil` when it holds for every class of work.
    public var quotaClass: QuotaClass?
    /// The one model that rests, while the account's class is as it was (`from` is its state); empty for the class as a
    /// whole. Its end is `until`, and is not told again.
    public var model: String
    public var from: AccountState
    public var to: AccountState
    /// When the new state ends by itself, as far as is known.
    public var until: WallTime?
    public var at: WallTime
    public var evidence: Evidence

    public init(
        provider: String, accountID: String, quotaClass: QuotaClass? = nil, from: AccountState, to: AccountState,
        until: WallTime? = nil, at: WallTime, evidence: Evidence, model: String = ""
    ) {
        (self.provider, self.accountID, self.quotaClass, self.model) = (provider, accountID, quotaClass, model)
        (self.from, self.to, self.until, self.at, self.evidence) = (from, to, until, at, evidence)
    }
}

/// What led to a change. Safe for the operator's eyes: no secret, no prompt.
public struct Evidence: Sendable, Equatable {
    public enum Cause: String, Sendable, CaseIterable {
        /// An attempt failed, or went well.
        case attempt
        /// The time had come: a rest ended, an expiry passed.
        case time
        /// A source published the account, took it away, or gave it another credential.
        case source
        /// The operator's doing.
        case admin
        /// Many accounts met the same fault: it was the endpoint's, and they are released (B-8).
        case endpoint
        /// A limit of the gateway's own settings.
        case limit
        /// Remembered from before a restart.
        case restart
    }

    public var cause: Cause
    public var requestID: String
    /// Of the request, from 1; 0 when there was none.
    public var attempt: Int
    /// The upstream's HTTP status.
    public var upstreamStatus: Int?
    public var error: GatewayError.Kind?
    /// The upstream's field that decided: `error.details[0].reason`, `retry-after`.
    public var field: String?
    /// One sentence.
    public var message: String

    public init(
        _ cause: Cause, requestID: String = "", attempt: Int = 0, upstreamStatus: Int? = nil,
        error: GatewayError.Kind? = nil, field: String? = nil, message: String = ""
    ) {
        (self.cause, self.requestID, self.attempt, self.upstreamStatus) = (cause, requestID, attempt, upstreamStatus)
        (self.error, self.field, self.message) = (error, field, message)
    }
}

/// Hears of each change of an account's state, once, in the order in which one account's changes came.
///
/// Called by whoever caused the change, on a loop more often than not: it takes note and returns.
public protocol TransitionObserver: Sendable {
    func happened(_ transitions: [AccountTransition])
}
