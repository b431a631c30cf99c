/// An upstream that may serve a request, and the name of the model there.
struct Candidate: Sendable {
    let upstream: Upstream
    let target: RouteTarget
}

/// A candidate with an account in hand.
struct LeasedCandidate: Sendable {
    let upstream: Upstream
    let target: RouteTarget
    let lease: PoolLease
    /// The account failed this very request before.
    let isRepeat: Bool

    /// Only the same account is waited for; another one is tried at once (T-5).
    func pause(_ policy: RetryPolicy, _ attempts: Int, _ random: any RandomSource) -> Duration? {
        isRepeat ? policy.pause(before: attempts, random: random) : nil
    }
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

/// The order in which one request tries its candidates: each account once, provider after provider; then, if the last
/// failure allows it, the account that failed once more.
struct Journey {
    private let candidates: [Candidate]
    private let maxAttempts: Int
    private var tried: [RouteTarget: Set<String>] = [:]
    private var position = 0
    private var repeatable: (candidate: Candidate, accountID: String)?
    private var shortage: GatewayError?
    private var isOver = false
    var attempts = 0
    private(set) var lastFailure: GatewayError?

    init(candidates: [Candidate], maxAttempts: Int) {
        (self.candidates, self.maxAttempts) = (candidates, maxAttempts)
    }

    /// The next account to try; `nil` when nothing is left.
    ///
    /// Moving on because an account is known to be unusable is no attempt.
    mutating func nextLease(for request: ModelRequest) -> LeasedCandidate? {
        guard !isOver, attempts < maxAttempts else { return nil }
        while position < candidates.count {
            let candidate = candidates[position]
            if let lease = lease(candidate, request, excluding: tried[candidate.target] ?? []) {
                return LeasedCandidate(
                    upstream: candidate.upstream, target: candidate.target, lease: lease, isRepeat: false)
            }
            position += 1
        }
        guard let (candidate, accountID) = repeatable else { return nil }
        let others = (tried[candidate.target] ?? []).subtracting([accountID])
        guard let lease = lease(candidate, request, excluding: others) else { return nil }
        return LeasedCandidate(
            upstream: candidate.upstream, target: candidate.target, lease: lease, isRepeat: lease.accountID == accountID
        )
    }

    /// Waits for the first provider whose accounts are only busy. For a request that has had no attempt yet.
    mutating func waitForLease(
        for request: ModelRequest, _ rules: QueueRules, now: Instant
    ) async throws(GatewayError) -> LeasedCandidate? {
        guard attempts == 0, rules.maxWait > .zero else { return nil }
        for candidate in candidates {
            let quotaClass = candidate.upstream.provider.quotaClass(of: request)
            guard candidate.upstream.pool.shortage(for: quotaClass).busy > 0 else { continue }
            do {
                let lease = try await candidate.upstream.pool.waitForLease(
                    for: quotaClass, excluding: [], provider: candidate.target.provider, until: now + rules.maxWait,
                    maxDepth: rules.maxDepth)
                return LeasedCandidate(
                    upstream: candidate.upstream, target: candidate.target, lease: lease, isRepeat: false)
            } catch {
                if error.kind == .cancelled { throw error }
                shortage = error
                return nil
            }
        }
        return nil
    }

    mutating func fail(_ leased: LeasedCandidate, _ error: GatewayError, _ decision: RetryDecision) {
        lastFailure = error
        tried[leased.target, default: []].insert(leased.lease.accountID)
        switch decision {
        case .stop: isOver = true
        case .elsewhere: repeatable = nil
        case .elsewhereOrSame:
            repeatable = (Candidate(upstream: leased.upstream, target: leased.target), leased.lease.accountID)
        }
    }

    /// What the client is told: the last real failure, else why there was nobody to ask.
    ///
    /// A limit and an overload always say when to come back, whether or not the upstream did (F-17, F-22).
    func finalError(for request: ModelRequest) -> GatewayError {
        guard var error = lastFailure else {
            return shortage
                ?? GatewayError(.noAccountAvailable, .request, "no provider can serve this request; see /readyz")
        }
        error.retryAfter = error.retryAfter ?? usualWait(after: error.kind, request)
        return error
    }

    private func usualWait(after kind: GatewayError.Kind, _ request: ModelRequest) -> Duration? {
        switch kind {
        case .upstreamUnavailable: return .seconds(5)
        case .rateLimited:
            let shortages = candidates.map {
                $0.upstream.pool.shortage(for: $0.upstream.provider.quotaClass(of: request))
            }
            if shortages.contains(where: { $0.ready + $0.busy > 0 }) { return .seconds(1) }
            return min(shortages.compactMap(\.firstBack).min() ?? .seconds(60), .seconds(60))
        default: return nil
        }
    }

    private mutating func lease(_ candidate: Candidate, _ request: ModelRequest, excluding: Set<String>) -> PoolLease? {
        do {
            return try candidate.upstream.pool.lease(
                for: candidate.upstream.provider.quotaClass(of: request), excluding: excluding,
                provider: candidate.target.provider)
        } catch {
            shortage = soonest(shortage, error)
            return nil
        }
    }

    /// Of several shortages, the one that ends first.
    private func soonest(_ known: GatewayError?, _ new: GatewayError) -> GatewayError {
        guard let known else { return new }
        guard let wait = new.retryAfter else { return known }
        guard let knownWait = known.retryAfter else { return new }
        return wait < knownWait ? new : known
    }
}
