/// The operator's own limits of accounts (`limits.account`, `limits.account_class`), asked once a lease is in hand and
/// before the upstream is.
public protocol AccountLimiting: Sendable {
    /// Charges one attempt to the account, if its limits have room for it.
    func admit(account: String, of provider: String, for quotaClass: QuotaClass) async -> AccountAllowance
}

/// Whether an account may be asked now.
public enum AccountAllowance: Sendable, Equatable {
    case allowed
    /// It rests so long; the sentence names its limit. No attempt was made, and none is counted.
    case refused(retryAfter: Duration, message: String)
}

/// No account has a limit.
public struct NoAccountLimits: AccountLimiting {
    public init() {}
    public func admit(account: String, of provider: String, for quotaClass: QuotaClass) async -> AccountAllowance {
        .allowed
    }
}
