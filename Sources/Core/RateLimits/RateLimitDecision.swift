/// Where one limit of a request stands.
public struct LimitStanding: Sendable, Equatable {
    public var layer: RateLimitLayer
    public var limit: RateLimit
    /// The model, in layers that have one.
    public var model: String
    public var outcome: LimitOutcome
    /// What the request asked of it.
    public var cost: Int64

    public init(
        _ layer: RateLimitLayer, _ limit: RateLimit, model: String = "", outcome: LimitOutcome, cost: Int64 = 1
    ) {
        (self.layer, self.limit, self.model, self.outcome, self.cost) = (layer, limit, model, outcome, cost)
    }

    fileprivate var isNever: Bool { outcome.isLimited && outcome.retryAfter == LimitOutcome.never }
}

/// What all limits of one phase say to a request, decided together: each allows it, or none was charged.
public struct RateLimitDecision: Sendable, Equatable {
    /// In the order of the layers.
    public var standings: [LimitStanding]

    public init(standings: [LimitStanding] = []) { self.standings = standings }

    public var isAllowed: Bool { refusal == nil }

    /// Of the limits that refuse, the one that does so the longest.
    public var refusal: LimitStanding? {
        guard standings.contains(where: \.outcome.isLimited) else { return nil }
        let refusing = standings.filter(\.outcome.isLimited)
        return refusing.first(where: \.isNever) ?? refusing.max { $0.outcome.retryAfter < $1.outcome.retryAfter }
    }

    /// The limit on one measure that leaves the least; between equals, the one that takes longer to reset.
    public func tightest(_ measure: RateLimit.Measure) -> LimitStanding? {
        if let refusal, refusal.limit.measure == measure { return refusal }
        // A span lends what a loop over the array would copy.
        let all = standings.span
        var tightest: Int?
        for index in all.indices where all[index].limit.measure == measure {
            guard let least = tightest.map({ all[$0].outcome }) else {
                tightest = index
                continue
            }
            let outcome = all[index].outcome
            if (outcome.remaining, -outcome.resetAfter) < (least.remaining, -least.resetAfter) { tightest = index }
        }
        return tightest.map { all[$0] }
    }

    /// For the client: which limit, and when to come back; `nil` when the request is allowed.
    public var error: GatewayError? {
        guard let refusal else { return nil }
        let kind: GatewayError.Kind = refusal.limit.isDailyQuota ? .quotaExhausted : .rateLimited
        if refusal.isNever {
            // Clients expect a time with every 429: that of a limit that has begun anew, which is the longest there is.
            let wait = max(refusal.limit.period, .seconds(1))
            var error = GatewayError(.rateLimited, .request, Self.neverSentence(refusal), retryAfter: wait)
            error.isHopeless = true
            return error
        }
        let wait = Duration.microseconds(refusal.outcome.retryAfter)
        let sentence =
            "\(Self.owner(refusal)) is at the limit of \(refusal.limit.words)\(Self.model(refusal)); try again in"
            + " \(DurationText.go(wait))"
        return GatewayError(kind, .request, sentence, retryAfter: wait)
    }

    private static func neverSentence(_ refusal: LimitStanding) -> String {
        let unit = refusal.limit.measure == .tokens ? "tokens" : "requests"
        let limit = "\(owner(refusal)) has a limit of \(refusal.limit.words)\(model(refusal))"
        return "this request may take \(refusal.cost) \(unit), and \(limit): it would never be let through; send less,"
            + " or lower max_tokens"
    }

    private static func owner(_ standing: LimitStanding) -> String {
        switch standing.layer {
        case .global, .globalModel: "this gateway"
        case .key, .keyModel: "this API key"
        case .account, .accountClass: "this account"
        }
    }

    private static func model(_ standing: LimitStanding) -> String {
        standing.model.isEmpty ? "" : " for the model \"\(standing.model)\""
    }
}
