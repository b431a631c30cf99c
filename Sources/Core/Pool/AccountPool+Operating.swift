import Synchronization

/// What an operator does with single accounts.
extension AccountPool {
    /// The secret in force, rotated or not.
    public func currentCredential(of accountID: String) -> Credential? { credential(of: accountID) }

    /// An account to be tried by hand, whatever its state: nothing is counted, and nothing is held against it.
    public func trialLease(of accountID: String) -> (any AccountLease)? {
        currentCredential(of: accountID).map { TrialLease($0, pool: self) }
    }
}

/// Uses an account beside the pool's bookkeeping. What it renews is kept as ever.
private final class TrialLease: AccountLease {
    private let accountID: String
    private let last: Mutex<Credential>
    private let pool: AccountPool

    init(_ credential: Credential, pool: AccountPool) {
        (accountID, self.pool) = (credential.accountID, pool)
        last = Mutex(credential)
    }

    var credential: Credential {
        let current = pool.currentCredential(of: accountID)
        return last.withLock { last in
            if let current { last = current }
            return last
        }
    }

    func rotate(to credential: Credential) async throws(GatewayError) {
        let basis = last.withLock { $0 }
        if let keeper = pool.state.withLock({ $0.keeper }) {
            try await keeper.keep(credential, replacing: basis) { pool.rotate(to: $0) }
        } else {
            pool.rotate(to: credential)
        }
        last.withLock { $0 = credential }
    }
}
