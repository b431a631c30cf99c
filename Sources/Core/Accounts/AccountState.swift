/// Where an account stands for one class of work: one list, the same in the log, the admin API and the pages.
///
/// Derived from what is known (`AccountReport` says of what), never stored.
public enum AccountState: String, Sendable, CaseIterable {
    case ready
    /// Ready, and its sign-in ends soon.
    case expiring
    /// Rests after a limit, until a time that is known.
    case cooling
    /// Its breaker is open: it failed again and again.
    case suspended
    /// The hour until which its sign-in was good has passed.
    case expired
    /// The upstream no longer takes its credential.
    case credentialRejected = "credential_rejected"
    /// The upstream has locked the account.
    case restricted
    /// The upstream asks for a person: a challenge, a consent page.
    case needsHuman = "needs_human"
    /// Its quota for the day is used up.
    case quotaExhausted = "quota_exhausted"
    /// Its trial is over, for good.
    case trialEnded = "trial_ended"
    /// The operator switched it off.
    case disabled

    /// Whether requests may go to it.
    public var isSelectable: Bool { self == .ready || self == .expiring }

    /// Whether nothing but a person, or a new credential, brings it back.
    public var needsAttention: Bool {
        switch self {
        case .expired, .credentialRejected, .restricted, .needsHuman, .trialEnded: true
        case .ready, .expiring, .cooling, .suspended, .quotaExhausted, .disabled: false
        }
    }
}
