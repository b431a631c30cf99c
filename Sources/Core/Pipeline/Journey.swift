/// An upstream that may serve a request, and the name of the model there.
struct Candidate: Sendable {
    let upstream: Upstream
    let target: RouteTarget
    /// Which allowance the request spends there.
    let quotaClass: QuotaClass
}

/// A candidate with an account in hand.
struct LeasedCandidate: Sendable {
    let candidate: Candidate
    let lease: PoolLease
    /// The account failed this very request before.
    let isRepeat: Bool

    var upstream: Upstream { candidate.upstream }
    var target: RouteTarget { candidate.target }
    var place: Favourite { Favourite(provider: target.provider, accountID: lease.accountID) }
}

/// How long a request may wait for a busy account, and how many may wait.
public struct QueueRules: Sendable, Equatable {
    /// Zero refuses at once.
    public var maxWait: Duration
    /// Per provider.
    public var maxDepth: Int

    public init(maxWait: Duration = .seconds(30), maxDepth: Int = 100) {
        (self.maxWait, self.maxDepth) = (maxWait, maxDepth)
    }
}

/// The order in which one request tries its candidates (T-8): the account that its conversation had last; then each
/// account once, target after target; then, if the last failure allows it, the account that failed once more.
///
/// The targets are fixed from the start, and none is come back to for another account.
struct Journey {
    private let candidates: [Candidate]
    private let maxAttempts: Int
    private var favourite: Favourite?
    private var tried: [RouteTarget: Set<String>] = [:]
    private var position = 0
    private var repeatable: (candidate: Candidate, accountID: String)?
    private var hasRepeatedUnreadable = false
    private var timeouts = 0
    /// Providers that this request has been at.
    private var visited: Set<String> = []
    /// Providers whose retry budget is used up.
    private var spent: Set<String> = []
    private var isOver = false
    private var attempts = 0
    /// Until when it waits for an account, however often it has to begin again.
    private var waitEnd: Instant?
    private(set) var lastFailure: GatewayError?

    init(candidates: [Candidate], favourite: Favourite? = nil, maxAttempts: Int) {
        (self.candidates, self.favourite, self.maxAttempts) = (candidates, favourite, maxAttempts)
    }

    /// The next account to try; `nil` when nothing is left.
    ///
    /// Moving on because an account is known to be unusable is no attempt.
    mutating func nextLease() -> LeasedCandidate? {
        guard !isOver, attempts < maxAttempts else { return nil }
        if let leased = leaseFavourite() { return leased }
        while position < candidates.count {
            let candidate = candidates[position]
            if !spent.contains(candidate.target.provider),
                let lease = lease(candidate, excluding: tried[candidate.target] ?? [])
            {
                return LeasedCandidate(candidate: candidate, lease: lease, isRepeat: false)
            }
            position += 1
        }
        return leaseAgain()
    }

    /// Only if it is ready: nobody waits for a favourite.
    private mutating func leaseFavourite() -> LeasedCandidate? {
        guard let known = favourite else { return nil }
        favourite = nil
        guard let candidate = candidates.first(where: { $0.target.provider == known.provider }),
            let lease = candidate.upstream.pool.lease(
                account: known.accountID, for: candidate.quotaClass, model: candidate.target.model)
        else { return nil }
        return LeasedCandidate(candidate: candidate, lease: lease, isRepeat: false)
    }

    private func leaseAgain() -> LeasedCandidate? {
        guard let (candidate, accountID) = repeatable, !spent.contains(candidate.target.provider) else { return nil }
        let others = (tried[candidate.target] ?? []).subtracting([accountID])
        guard let lease = lease(candidate, excluding: others) else { return nil }
        return LeasedCandidate(candidate: candidate, lease: lease, isRepeat: lease.accountID == accountID)
    }

    /// Waits for an account. For a request that has had no attempt yet.
    mutating func waitForLease(
        _ rules: QueueRules, of client: String, deadline: Instant?, time: any TimeSource
    ) async throws(GatewayError) -> LeasedCandidate? {
        guard attempts == 0, !isOver, rules.maxWait > .zero else { return nil }
        let end = waitEnd ?? min(time.now + rules.maxWait, deadline ?? .distantFuture)
        waitEnd = end
        return try await PlaceInLine(candidates, of: client, rules, until: end, time: time).wait()
    }

    // MARK: What came of it

    /// Whether the provider's budget would allow the attempt, before anything else is charged for it.
    mutating func mayBegin(_ leased: LeasedCandidate) -> Bool {
        let provider = leased.target.provider
        guard !visited.contains(provider) || leased.upstream.hasBudget(after: lastFailure) else {
            spent.insert(provider)
            return false
        }
        return true
    }

    /// Asks the provider's budget, and counts the attempt.
    ///
    /// - Returns: False when the budget is used up; the journey goes on with other providers.
    mutating func begin(_ leased: LeasedCandidate) -> Bool {
        let isFirstThere = visited.insert(leased.target.provider).inserted
        guard leased.upstream.mayAttempt(again: isFirstThere ? nil : lastFailure) else {
            spent.insert(leased.target.provider)
            return false
        }
        attempts += 1
        return true
    }

    mutating func fail(_ leased: LeasedCandidate, _ error: GatewayError, _ decision: RetryDecision) {
        lastFailure = error
        tried[leased.target, default: []].insert(leased.lease.accountID)
        switch decision {
        case .stop: isOver = true
        case .elsewhere: repeatable = nil
        case .elsewhereOrSame: repeatable = (leased.candidate, leased.lease.accountID)
        case .elsewhereOrSameOnce:
            if leased.isRepeat { hasRepeatedUnreadable = true }
            repeatable = hasRepeatedUnreadable ? nil : (leased.candidate, leased.lease.accountID)
        }
        if error.kind == .upstreamTimeout {
            timeouts += 1
            // After a timeout one other account is tried, not one after the other.
            if timeouts > 1 { isOver = true }
        }
    }

    /// What the client is told: the last real failure, else why there was nobody to ask.
    ///
    /// A limit and an overload always say when to come back, whether or not the upstream did (F-17, F-22).
    func finalError() -> GatewayError {
        guard var error = lastFailure else {
            let shortages = candidates.map { $0.shortage.error(provider: $0.target.provider) }
            return Self.soonest(shortages)
                ?? GatewayError(.noAccountAvailable, .request, "no provider can serve this request; see /readyz")
        }
        switch error.kind {
        case .upstreamUnavailable: error.retryAfter = error.retryAfter ?? .seconds(5)
        case .rateLimited, .quotaExhausted: error.retryAfter = wait(after: error)
        default: break
        }
        return error
    }

    private func wait(after error: GatewayError) -> Duration {
        // The end of the upstream's day is known, and trying before is in vain.
        if error.accountEffect == .exhaustQuota { return earliestAccount ?? error.retryAfter ?? .seconds(60) }
        // Without a rest the pool knows nothing of the limit.
        if let named = error.retryAfter { return error.accountEffect == .cool ? earliestAccount ?? named : named }
        // A time of our own making is no reason to send a client away for long.
        return min(earliestAccount ?? .seconds(60), .seconds(60))
    }

    /// Until the first account of all candidates can be leased, as far as is known.
    private var earliestAccount: Duration? {
        candidates.compactMap { candidate -> Duration? in
            let shortage = candidate.shortage
            // One that is free now, or may be at any moment: a second is polite.
            return shortage.ready + shortage.busy > 0 ? .seconds(1) : shortage.firstBack
        }.min()
    }

    private func lease(_ candidate: Candidate, excluding: Set<String>) -> PoolLease? {
        candidate.upstream.pool.leaseIfReady(
            for: candidate.quotaClass, model: candidate.target.model, excluding: excluding)
    }

    /// Of several shortages, the one that ends first.
    private static func soonest(_ shortages: [GatewayError]) -> GatewayError? {
        shortages.min { left, right in
            guard let wait = left.retryAfter else { return false }
            return right.retryAfter.map { wait < $0 } ?? true
        }
    }
}
