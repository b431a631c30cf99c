/// What one limit has left, for the operator.
public struct LimitReading: Sendable, Equatable {
    public var limit: RateLimit
    /// The model, in layers that count each by itself.
    public var model: String
    public var remaining: Int64
    /// Until nothing of it is spent any more, in microseconds; 0 for requests at a time.
    public var resetAfter: Int64
    /// Requests that run now, of a limit of requests at a time.
    public var inUse: Int64?

    /// Whether anything of it is spent.
    var isTouched: Bool { resetAfter > 0 || inUse ?? 0 > 0 }
}

extension OwnedLimits {
    /// What is left of each limit that holds for all models together, and of those per model, for models of which
    /// something is spent. Nothing is charged.
    ///
    /// A claim that no limit has room for is refused, and the refusal says what is left: that way every store answers,
    /// and nobody's allowance is touched.
    ///
    /// - Parameter models: The names under which limits may have counted something.
    func readings(
        in store: any RateLimitStore, models: [String], now: Instant
    ) async throws(GatewayError) -> [LimitReading] {
        let whole = try await Self.read(limiters(models: []), store, now)
        let perModel = try await Self.read(limiters(models: models).filter { !$0.model.isEmpty }, store, now)
        return whole + perModel.filter(\.isTouched)
    }

    /// So many limiters are asked for in one step, so that others come in between.
    private static let askedAtOnce = 100

    private static func read(
        _ limiters: [Limiter], _ store: any RateLimitStore, _ now: Instant
    ) async throws(GatewayError) -> [LimitReading] {
        var readings: [LimitReading] = []
        for start in stride(from: 0, to: limiters.count, by: askedAtOnce) {
            let some = limiters[start..<min(start + askedAtOnce, limiters.count)]
            readings += try await counted(some.filter { $0.limit.measure != .concurrency }, store, now)
            readings += try await running(some.filter { $0.limit.measure == .concurrency }, store, now)
        }
        return readings
    }

    private static func counted(
        _ limiters: [Limiter], _ store: any RateLimitStore, _ now: Instant
    ) async throws(GatewayError) -> [LimitReading] {
        let claims = limiters.compactMap { limiter -> LimitClaim? in
            let limit = limiter.limit
            // Where requests are paced, what may come at once is the burst, which may be larger than the limit.
            let most = limit.burst > 0 ? limit.burst : limit.limit
            return limit.rule.map { LimitClaim(limiter.id, $0, cost: Int64(clamping: most) + 1) }
        }
        guard !claims.isEmpty else { return [] }
        // A store that lets everything pass says nothing.
        let outcomes = try await store.decide(claims, now: now).outcomes
        return zip(limiters, outcomes).map { limiter, outcome in
            LimitReading(
                limit: limiter.limit, model: limiter.model, remaining: outcome.remaining,
                resetAfter: outcome.resetAfter)
        }
    }

    private static func running(
        _ limiters: [Limiter], _ store: any RateLimitStore, _ now: Instant
    ) async throws(GatewayError) -> [LimitReading] {
        guard !limiters.isEmpty else { return [] }
        let held = try await store.held(limiters.map(\.id), now: now)
        return zip(limiters, held).map { limiter, inUse in
            LimitReading(
                limit: limiter.limit, model: limiter.model,
                remaining: max(0, Int64(clamping: limiter.limit.limit) - inUse), resetAfter: 0, inUse: inUse)
        }
    }
}

extension RateLimitStore {
    /// Asked for together with a claim that is never let through, so that no lease is taken.
    public func held(_ limiters: [LimiterID], now: Instant) async throws(GatewayError) -> [Int64] {
        let many: Int64 = 1 << 40
        let nothing = LimitClaim(
            LimiterID(.global, kind: "nothing"), .gcra(GCRA(interval: 1, burst: 1)), cost: 2)
        let claims = limiters.map { LimitClaim($0, .leases(ConcurrencyLeases(limit: many))) } + [nothing]
        let outcomes = try await decide(claims, now: now).outcomes
        return outcomes.dropLast().map { max(0, many - 1 - $0.remaining) }
    }
}
