/// What keeps an account from being used until somebody acts; one word each, for counting.
///
/// In the order in which they hide each other: the first that holds is told.
enum AccountBar: Int, Sendable, CaseIterable {
    /// Nothing does.
    case none
    case disabled
    case restricted
    case needsHuman
    case credentialRejected
    /// The provider cannot use the record as it stands.
    case incomplete
    case trialEnded
    case expired

    /// As it stands in a sentence: "2 disabled".
    var word: String {
        switch self {
        case .none: "ready"
        case .disabled: "disabled"
        case .restricted: "restricted by the upstream"
        case .needsHuman: "waiting for a person"
        case .credentialRejected: "rejected by the upstream"
        case .incomplete: "incomplete"
        case .trialEnded: "at the end of the trial"
        case .expired: "expired"
        }
    }

    /// The state that an account has because of it.
    var state: AccountState? {
        switch self {
        case .none: nil
        case .disabled: .disabled
        case .restricted: .restricted
        case .needsHuman: .needsHuman
        // Without a field that the provider needs there is nothing to sign in with.
        case .credentialRejected, .incomplete: .credentialRejected
        case .trialEnded: .trialEnded
        case .expired: .expired
        }
    }
}

/// What an upstream said about an account that only a person, or a new credential, undoes.
struct AccountFinding: Sendable, Equatable {
    var bar: AccountBar
    var reason: String
    var at: WallTime

    /// - Returns: `nil` for failures that leave nothing of the kind behind.
    init?(_ error: GatewayError, at time: WallTime) {
        switch error.accountEffect {
        case .rejectCredential: bar = .credentialRejected
        case .restrict: bar = .restricted
        case .needHuman: bar = .needsHuman
        case .endTrial: bar = .trialEnded
        case .none, .cool, .exhaustQuota: return nil
        }
        (reason, at) = (error.message, time)
    }

    init(_ bar: AccountBar, reason: String, at time: WallTime) { (self.bar, self.reason, at) = (bar, reason, time) }
}
