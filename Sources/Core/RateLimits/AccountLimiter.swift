/// Keeps the operator's limits of accounts, in the same store as those of clients.
public struct AccountLimiter: AccountLimiting {
    private let limits: [String: AccountLimits]
    private let store: any RateLimitStore
    private let time: any TimeSource
    private let day: @Sendable (WallTime) -> QuotaDay

    /// - Parameters:
    ///   - limits: By the provider's name.
    ///   - day: The day that quotas count for.
    public init(
        _ limits: [String: AccountLimits], store: any RateLimitStore, time: any TimeSource,
        day: @escaping @Sendable (WallTime) -> QuotaDay
    ) {
        self.limits = limits.filter { !$0.value.isEmpty }
        (self.store, self.time, self.day) = (store, time, day)
    }

    public func admit(
        account: String, of provider: String, for quotaClass: QuotaClass
    ) async -> AccountAllowance {
        guard let limits = limits[provider] else { return .allowed }
        let owner = "\(provider)/\(account)"
        var standings: [LimitStanding] = []
        var claims: [LimitClaim] = []
        let wallNow = time.wallNow
        let day = limits.hasDailyQuota ? self.day(wallNow) : nil
        func add(_ limit: RateLimit, _ layer: RateLimitLayer, _ subject: String) {
            let kind = limit.measure == .daily ? "daily/\(day?.name ?? "")" : limit.kind
            let id = LimiterID(layer, owner: owner, subject: subject, kind: kind)
            claims.append(LimitClaim(id, limit.rule(on: day, wallNow: wallNow)))
            standings.append(LimitStanding(layer, limit, outcome: .allowed(remaining: 0, resetAfter: 0)))
        }
        for limit in limits.account { add(limit, .account, "") }
        for limit in limits.byClass[quotaClass] ?? [] { add(limit, .accountClass, quotaClass.rawValue) }
        guard !claims.isEmpty else { return .allowed }
        do {
            let ruling = try await store.decide(claims, now: time.now)
            guard ruling.outcomes.count == standings.count else { return .allowed }
            for (index, outcome) in ruling.outcomes.enumerated() { standings[index].outcome = outcome }
        } catch {
            return .refused(retryAfter: error.retryAfter ?? .seconds(1), message: error.message)
        }
        guard let refusal = RateLimitDecision(standings: standings).refusal else { return .allowed }
        let wait = refusal.outcome.retryAfter
        // One request never costs more than a limit of one or above, so that there is always a time.
        let rest = wait > 0 ? Duration.microseconds(wait) : .seconds(60)
        return .refused(retryAfter: rest, message: "the operator's limit of \(refusal.limit.words) is used up")
    }
}

/// The limits of each account of one provider.
public struct AccountLimits: Sendable, Equatable {
    public var account: [RateLimit]
    public var byClass: [QuotaClass: [RateLimit]]

    public init(account: [RateLimit] = [], byClass: [QuotaClass: [RateLimit]] = [:]) {
        (self.account, self.byClass) = (account, byClass)
    }

    public var isEmpty: Bool { account.isEmpty && byClass.values.allSatisfy(\.isEmpty) }

    var hasDailyQuota: Bool { (account + byClass.values.flatMap(\.self)).contains { $0.measure == .daily } }
}
