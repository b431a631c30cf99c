/// What a failed attempt allows next (reliability requirements, section 11, "Class").
public enum RetryDecision: Sendable, Equatable {
    /// Nobody would do better: the request itself is at fault, or the client is gone.
    case stop
    /// Another account or provider may try.
    case elsewhere
    /// Another account first; without one, the same again after a pause.
    case elsewhereOrSame
    /// The same, but one request asks the same account again only once for such a reason.
    case elsewhereOrSameOnce
}

extension GatewayError {
    /// An attempt that failed so, once it was accepted, may go on at the upstream; the others say that it does not.
    var leavesWorkRunning: Bool {
        switch kind {
        case .upstreamReset, .upstreamTimeout, .upstreamTruncated, .upstreamBadResponse, .upstreamError,
            .upstreamTooLarge:
            true
        default: false
        }
    }
}

/// The rules of retrying: at most so many attempts, and which failure allows which.
public struct RetryPolicy: Sendable, Equatable {
    /// Attempts beyond the first, across accounts and fallbacks (T-3).
    public var maxRetries: Int
    /// Added to a provider's budget by each first attempt (T-4).
    public var budgetRatio: Double

    public init(maxRetries: Int = 2, budgetRatio: Double = 0.2) {
        (self.maxRetries, self.budgetRatio) = (maxRetries, budgetRatio)
    }

    public func decision(after error: GatewayError) -> RetryDecision {
        guard !error.isFinal else { return .stop }
        switch error.kind {
        case .upstreamUnreachable, .upstreamTLS, .upstreamReset, .upstreamError, .upstreamUnavailable:
            return asksForLongPause(error) ? .elsewhere : .elsewhereOrSame
        case .upstreamBadResponse, .upstreamTruncated:
            return asksForLongPause(error) ? .elsewhere : .elsewhereOrSameOnce
        case .upstreamTimeout, .rateLimited, .quotaExhausted, .upstreamAuth:
            return .elsewhere
        default:
            return .stop
        }
    }

    /// Who asks for a longer pause than ours would only be bothered (T-5).
    private func asksForLongPause(_ error: GatewayError) -> Bool {
        (error.retryAfter ?? .zero) > Self.longestPause
    }

    /// The pause before the same account is tried again: full jitter over a doubling window (T-5).
    ///
    /// - Parameter retry: 1 for the first retry.
    public func pause(before retry: Int, random: any RandomSource) -> Duration {
        let longest = UInt64(Self.longestPause.microseconds)
        let window = min(longest, UInt64(100_000) << UInt64(min(max(retry, 0), 10)))
        return .microseconds(Int64(random.below(window)))
    }

    private static let longestPause = Duration.seconds(2)
}

/// A provider's allowance of retries, so that an outage meets at most a fifth more requests than usual (T-4).
public struct RetryBudget: Sendable, Equatable {
    private(set) var tokens: Double
    private let ratio: Double
    private static let capacity = 100.0

    /// - Parameter tokens: What it begins with; a reload hands on what its predecessor had left.
    public init(ratio: Double, tokens: Double = 20) { (self.tokens, self.ratio) = (tokens, ratio) }

    public mutating func recordFirstAttempt() { tokens = min(Self.capacity, tokens + ratio) }

    /// - Parameter afterTimeout: A retry after a timeout costs double.
    /// - Returns: Whether the retry may happen; it is paid for then.
    public mutating func spend(afterTimeout: Bool) -> Bool {
        guard allows(afterTimeout: afterTimeout) else { return false }
        tokens -= Self.price(afterTimeout)
        return true
    }

    /// Whether `spend` would succeed now.
    func allows(afterTimeout: Bool) -> Bool { tokens >= Self.price(afterTimeout) }

    private static func price(_ afterTimeout: Bool) -> Double { afterTimeout ? 2.0 : 1.0 }
}
