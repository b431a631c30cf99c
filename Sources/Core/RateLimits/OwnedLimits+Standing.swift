extension OwnedLimits {
    /// Where the limits of requests and tokens stand that hold for all models together; nothing is charged.
    ///
    /// A claim that no limit has room for is refused, and the refusal says what is left: that way every store answers,
    /// and nobody's allowance is touched. Each is asked by itself, since of several the first refusal would be enough.
    func standings(in store: any RateLimitStore, now: Instant) async throws(GatewayError) -> [LimitStanding] {
        var standings: [LimitStanding] = []
        for (limit, id, rule) in paced {
            let claim = LimitClaim(id, rule, cost: Int64(clamping: limit.limit) + 1)
            guard let outcome = try await store.decide([claim], now: now).outcomes.first else { continue }
            standings.append(LimitStanding(layer, limit, outcome: outcome, cost: 0))
        }
        return standings
    }
}
