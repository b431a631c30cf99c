import Synchronization

/// One account, leased for one attempt. Given back exactly once, by `release` or at the latest when it is forgotten.
public final class PoolLease: AccountLease {
    /// What the attempt did with the account.
    struct Use: Sendable {
        /// The first secret that was asked for: with its proxy the attempt left.
        var first: Credential?
        /// The last one: if it was refused, and is not in force any more, that says nothing about its successor.
        var last: Credential?
        var requestID = ""
        var attempt = 0
        var hasAnswered = false
        var isCommitted = false

        func proxy(of handout: WaitLine.Handout) -> Secret? { (first ?? handout.credential).proxy }

        func trace(of handout: WaitLine.Handout, _ current: Credential?) -> AccountPoolState.Trace {
            var trace = AccountPoolState.Trace()
            (trace.requestID, trace.attempt) = (requestID, attempt)
            (trace.hasAnswered, trace.isCommitted) = (hasAnswered, isCommitted)
            if let current { trace.hasOldCredential = (last ?? handout.credential).values != current.values }
            return trace
        }
    }

    public let accountID: String
    private let handout: WaitLine.Handout
    private let work: WaitLine.Work
    private let pool: AccountPool
    private let isReleased = Atomic(false)
    private let use = Mutex(Use())

    init(_ handout: WaitLine.Handout, work: WaitLine.Work, pool: AccountPool) {
        (accountID, self.handout, self.work, self.pool) = (handout.credential.accountID, handout, work, pool)
    }

    /// The current secret: another lease of the same account may have rotated it.
    public var credential: Credential {
        let credential = pool.credential(of: accountID) ?? handout.credential
        use.withLock { use in
            if use.first == nil { use.first = credential }
            use.last = credential
        }
        return credential
    }

    public func rotate(to credential: Credential) async throws(GatewayError) {
        if let keeper = pool.state.withLock({ $0.keeper }) {
            // What the provider has in hand is the secret that it asked for last.
            let basis = use.withLock { $0.last } ?? handout.credential
            try await keeper.keep(credential, replacing: basis) { pool.rotate(to: $0) }
        } else {
            pool.rotate(to: credential)
        }
        use.withLock { $0.last = credential }
    }

    /// The attempt for which it was taken begins; what becomes of the account is told with it.
    func begin(requestID: String, attempt: Int) {
        use.withLock { ($0.requestID, $0.attempt) = (requestID, attempt) }
    }

    /// The upstream's answer has begun.
    func answers() {
        let isFirst = use.withLock { use in
            defer { use.hasAnswered = true }
            return !use.hasAnswered
        }
        if isFirst { pool.answers(handout, work) }
    }

    /// - Parameters:
    ///   - error: What the attempt failed with; `nil` clears the account's record of limits for this class.
    ///   - committed: The client had its first byte before.
    public func release(after error: GatewayError?, committed: Bool = false) {
        guard !isReleased.exchange(true, ordering: .relaxed) else { return }
        var use = use.withLock { $0 }
        use.isCommitted = committed
        pool.release(handout, work, use, after: error)
    }

    /// Gives it back unused: the upstream was not asked.
    ///
    /// - Parameters:
    ///   - limitedFor: A limit of the gateway's own keeps the account from this class of work for so long.
    ///   - message: Which limit.
    public func giveBack(limitedFor: Duration? = nil, _ message: String = "") {
        guard !isReleased.exchange(true, ordering: .relaxed) else { return }
        pool.giveBack(handout, work, use.withLock { $0 }, limitedFor: limitedFor, message)
    }

    deinit {
        guard !isReleased.load(ordering: .relaxed) else { return }
        let use = use.withLock { $0 }
        if use.first == nil {
            // Without its secret nobody was asked.
            pool.giveBack(handout, work, use, limitedFor: nil, "")
        } else {
            pool.release(handout, work, use, after: .cancelled)
        }
    }
}
