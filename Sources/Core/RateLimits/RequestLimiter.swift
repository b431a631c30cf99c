/// The limits that requests of clients meet: global, global × model, key, key × model. Decided in one step, before
/// anything is leased.
public final class RequestLimiter: Sendable {
    public let store: any RateLimitStore
    private let time: any TimeSource
    private let limits: OwnedLimits

    public init(_ limits: LimitSet, store: any RateLimitStore, time: any TimeSource) {
        (self.store, self.time) = (store, time)
        self.limits = OwnedLimits(limits)
    }

    /// Whether there is anything to ask.
    public func hasLimits(for key: OwnedLimits?) -> Bool { !limits.isEmpty || key.map { !$0.isEmpty } ?? false }

    /// Whether it matters how many tokens a request may cost.
    public func countsTokens(for key: OwnedLimits?) -> Bool {
        limits.countsTokens || key?.countsTokens ?? false
    }

    /// Whether it matters under which name a model is counted.
    public func countsModels(for key: OwnedLimits?) -> Bool { limits.countsModels || key?.countsModels ?? false }

    /// What is left of the gateway's own limits, or of a key's; nothing is charged.
    ///
    /// - Parameter models: The names under which limits per model may have counted something.
    public func readings(
        of key: OwnedLimits? = nil, models: [String] = []
    ) async throws(GatewayError) -> [LimitReading] {
        try await (key ?? limits).readings(in: store, models: models, now: time.now)
    }

    /// Charges a request to every limit, or to none.
    ///
    /// - Parameters:
    ///   - model: By the name under which limits count it.
    ///   - tokens: What the request may cost, if that matters.
    /// - Throws: When limits cannot be decided.
    public func admit(
        key: OwnedLimits?, model: String, tokens reservation: TokenReservation
    ) async throws(GatewayError) -> RequestAdmission {
        var standings: [LimitStanding] = []
        var claims: [LimitClaim] = []
        let count = limits.count + (key?.count ?? 0)
        standings.reserveCapacity(count)
        claims.reserveCapacity(count)
        limits.add(to: &claims, &standings, model: model, tokens: reservation.total)
        key?.add(to: &claims, &standings, model: model, tokens: reservation.total)
        let now = time.now
        let ruling = try await store.decide(claims, now: now)
        // A store that lets everything pass says nothing about limits.
        guard ruling.outcomes.count == standings.count else {
            return RequestAdmission(RateLimitDecision(), ruling.receipt, reservation, store, time)
        }
        for (index, outcome) in ruling.outcomes.enumerated() { standings[index].outcome = outcome }
        return RequestAdmission(RateLimitDecision(standings: standings), ruling.receipt, reservation, store, time)
    }
}

/// What a request may cost, guessed before it runs.
public struct TokenReservation: Sendable, Equatable {
    public var prompt: Int64
    public var answer: Int64

    /// For a request that names no `max_tokens`.
    static let usualAnswer = 1024

    public init(prompt: Int64 = 0, answer: Int64 = 0) { (self.prompt, self.answer) = (prompt, answer) }

    /// The estimate of the prompt, and what the answer may hold, for each answer that is wanted.
    public init(_ request: borrowing ModelRequest) {
        let each = Int64(max(0, request.sampling.maxOutputTokens ?? Self.usualAnswer))
        prompt = Int64(TokenCount(of: request).total)
        answer = LimitMath.product(each, Int64(max(1, request.candidateCount)))
    }

    public var total: Int64 { LimitMath.sum(prompt, answer) }
}

/// The limits of the gateway or of one key, with their limiters.
public struct OwnedLimits: Sendable, Equatable {
    /// A limit with what counts for it; the model is empty where all count together.
    struct Limiter: Sendable, Equatable { var limit: RateLimit, id: LimiterID, model = "" }

    private let owner: String
    private let all: [Limiter]
    private let allLayer: RateLimitLayer
    private let perModel: [RateLimit]
    private let perModelLayer: RateLimitLayer
    fileprivate let countsTokens: Bool

    /// Of the whole gateway.
    init(_ limits: LimitSet) { self.init(limits, "", .global, .globalModel) }

    /// Of one client key.
    public init(_ limits: LimitSet, ofKey id: String) { self.init(limits, id, .key, .keyModel) }

    private init(_ limits: LimitSet, _ owner: String, _ all: RateLimitLayer, _ perModel: RateLimitLayer) {
        (self.owner, allLayer, perModelLayer) = (owner, all, perModel)
        self.all = limits.all.map { Limiter(limit: $0, id: LimiterID(all, owner: owner, kind: $0.kind)) }
        self.perModel = limits.perModel
        countsTokens = (limits.all + limits.perModel).contains { $0.measure == .tokens }
    }

    public var isEmpty: Bool { all.isEmpty && perModel.isEmpty }
    fileprivate var countsModels: Bool { !perModel.isEmpty }
    fileprivate var count: Int { all.count + perModel.count }

    /// Those for all models together, and those of each of these models.
    func limiters(models: [String]) -> [Limiter] {
        all + models.flatMap { model in perModel.map { limiter(of: $0, model) } }
    }

    fileprivate func add(
        to claims: inout [LimitClaim], _ standings: inout [LimitStanding], model: String, tokens: Int64
    ) {
        for limiter in all { Self.add(limiter, allLayer, "", tokens, &claims, &standings) }
        for limit in perModel {
            Self.add(limiter(of: limit, model), perModelLayer, model, tokens, &claims, &standings)
        }
    }

    private func limiter(of limit: RateLimit, _ model: String) -> Limiter {
        let id = LimiterID(perModelLayer, owner: owner, subject: model, kind: limit.kind)
        return Limiter(limit: limit, id: id, model: model)
    }

    private static func add(
        _ limiter: Limiter, _ layer: RateLimitLayer, _ model: String, _ tokens: Int64, _ claims: inout [LimitClaim],
        _ standings: inout [LimitStanding]
    ) {
        guard let rule = limiter.limit.rule else { return }
        let isReservation = limiter.limit.measure == .tokens
        let cost = isReservation ? max(1, tokens) : 1
        claims.append(LimitClaim(limiter.id, rule, cost: cost, isReservation: isReservation))
        standings.append(
            LimitStanding(
                layer, limiter.limit, model: model, outcome: .allowed(remaining: 0, resetAfter: 0), cost: cost))
    }
}
