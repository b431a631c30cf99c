/// Where a request would go, and why: every target, every account, taken or passed over.
///
/// Worked out by the very code that routes requests, run dry on copies: nothing is leased, counted or changed by it.
public struct RouteExplanation: Sendable, Equatable {
    /// What speaks for or against an account.
    public enum Verdict: String, Sendable, CaseIterable {
        case ready
        /// Its state keeps it out (`Account.state`).
        case state
        /// As many requests run on it as may.
        case busy
        /// It was used just now.
        case pace
        /// Its breaker is half-open, and one request is trying it.
        case probing
        /// The proxy by which it leaves rests.
        case exit
        /// The upstream as a whole rests or is suspended.
        case endpoint
        /// It is ready, but the request may not have so many attempts.
        case beyond
    }

    public struct Account: Sendable, Equatable {
        public var accountID: String
        /// In the order in which accounts would be tried, over all targets, from 1.
        public var turn: Int?
        public var verdict: Verdict
        public var state: AccountState
        public var until: WallTime?
        public var remaining: Duration?
        public var reason: String?
        public var inFlight: Int
        public var weight: Int
        /// It served the conversation last.
        public var isFavourite: Bool
    }

    public struct Target: Sendable, Equatable {
        public var provider: String
        /// By the provider's own name.
        public var model: String
        public var quotaClass: QuotaClass
        /// Why the provider cannot honour the request; it has no accounts here then.
        public var refusal: String?
        /// `ready`, or `suspended` while its endpoint is left alone.
        public var endpoint: AccountState
        public var endpointUntil: WallTime?
        /// What is left of the budget of retries.
        public var retriesLeft: Double
        public var accounts: [Account]
        /// One sentence, when no account is free.
        public var shortage: String?
    }

    /// As the client names it.
    public var model: String
    public var keyID: String
    public var at: WallTime
    public var targets: [Target]
    /// Attempts that one request may have.
    public var maxAttempts: Int
    /// Why there are no targets.
    public var problem: String?

    /// The accounts that would be tried, in order.
    public var order: [(provider: String, accountID: String)] {
        targets.flatMap { target in target.accounts.map { (target.provider, $0) } }
            .filter { $0.1.turn != nil }.sorted { $0.1.turn ?? 0 < $1.1.turn ?? 0 }.map { ($0.0, $0.1.accountID) }
    }
}

extension Pipeline {
    /// Where a request would go now.
    ///
    public func explain(_ request: ModelRequest) -> RouteExplanation {
        var explanation = RouteExplanation(
            model: request.model, keyID: request.client.keyID, at: time.wallNow, targets: [],
            maxAttempts: 1 + retry.maxRetries)
        let targets: [RouteTarget]
        do {
            targets = try router.targets(for: request.model, needs: request.needs, in: catalog.snapshot)
        } catch {
            explanation.problem = error.message
            return explanation
        }
        let threads = affinity?.threads(of: request)
        let favourite = threads.flatMap { affinity?.favourite(of: $0, now: time.now) }
        for target in targets {
            guard let upstream = upstreams[target.provider] else { continue }
            explanation.targets.append(explain(target, upstream, request, favourite))
        }
        explanation.number(favourite)
        return explanation
    }

    /// The same for a model alone, as if a client with this key asked for text.
    public func explain(model: String, keyID: String = "") -> RouteExplanation {
        var request = ModelRequest(id: "explain", model: model)
        request.client.keyID = keyID
        return explain(request)
    }

    private func explain(
        _ target: RouteTarget, _ upstream: Upstream, _ request: ModelRequest, _ favourite: Favourite?
    ) -> RouteExplanation.Target {
        var request = request
        request.resolvedModel = target.model
        let quotaClass = upstream.provider.quotaClass(of: request)
        let known = favourite.flatMap { $0.provider == target.provider ? $0.accountID : nil }
        let pool = upstream.pool.explanation(for: quotaClass, model: target.model, favourite: known)
        let refusal = upstream.provider.refusal(of: request)
        let accounts = pool.accounts.map { account in
            RouteExplanation.Account(
                accountID: account.accountID, turn: account.turn, verdict: account.verdict, state: account.state,
                until: account.until, remaining: account.remaining, reason: account.reason,
                inFlight: account.inFlight, weight: account.weight, isFavourite: account.accountID == known)
        }
        return RouteExplanation.Target(
            provider: target.provider, model: target.model, quotaClass: quotaClass, refusal: refusal?.message,
            endpoint: pool.endpoint, endpointUntil: pool.endpointUntil, retriesLeft: upstream.retriesLeft,
            accounts: refusal == nil ? accounts : [],
            shortage: pool.shortage.ready > 0 ? nil : pool.shortage.sentence(provider: target.provider))
    }
}

extension RouteExplanation {
    /// Joins the turns of each target into one order: the conversation's account first, then target after target, as
    /// far as attempts go.
    fileprivate mutating func number(_ favourite: Favourite?) {
        var places: [(target: Int, account: Int)] = []
        var first: (target: Int, account: Int)?
        for target in targets.indices {
            let ready = targets[target].accounts.indices.filter { targets[target].accounts[$0].turn != nil }
                .sorted { targets[target].accounts[$0].turn ?? 0 < targets[target].accounts[$1].turn ?? 0 }
            for account in ready {
                let isFirst = targets[target].accounts[account].isFavourite && first == nil
                if isFirst { first = (target, account) } else { places.append((target, account)) }
            }
        }
        if let first { places.insert(first, at: 0) }
        for (index, place) in places.enumerated() {
            let isWithin = index < maxAttempts
            targets[place.target].accounts[place.account].turn = isWithin ? index + 1 : nil
            if !isWithin { targets[place.target].accounts[place.account].verdict = .beyond }
        }
    }
}
