extension AccountPoolState {
    /// What a pool may do, from the provider's `pool:`, `breaker:` and `limits:` settings and from its kind.
    public struct Rules: Sendable, Equatable {
        public var strategy: Strategy
        /// Leases of one account at a time.
        public var maxInFlight: Int
        /// How long an account rests after a limit that names no time of its own; doubled while it repeats.
        public var cooldown: Duration
        public var maxCooldown: Duration
        /// By which share a rest of the pool's own may be longer, drawn once: accounts that were limited together do
        /// not come back together.
        public var cooldownSpread: Double
        /// The least time between two leases of an account; zero for none.
        public var pace: Duration
        /// Of an account's class of work.
        public var breaker: Breaker.Rules
        public var endpoint: Breaker.Rules
        /// While text rests, nothing else of the account is leased either: the upstream charges text for everything.
        public var textRestsAll: Bool
        /// The upstream limits addresses as well as accounts, without saying which: see `LimitWatch`.
        public var limitsAddresses: Bool
        /// How long an attempt may take. A half-open breaker's probe that is older has failed.
        public var attemptTimeout: Duration

        public init(
            strategy: Strategy = .roundRobin, maxInFlight: Int = 1, cooldown: Duration = .seconds(600),
            maxCooldown: Duration = .seconds(7200), pace: Duration = .zero, breaker: Breaker.Rules = Breaker.Rules(),
            endpoint: Breaker.Rules = .endpoint, textRestsAll: Bool = false, attemptTimeout: Duration = .seconds(300),
            cooldownSpread: Double = 0, limitsAddresses: Bool = false
        ) {
            (self.strategy, self.maxInFlight) = (strategy, maxInFlight)
            (self.cooldown, self.maxCooldown, self.pace) = (cooldown, maxCooldown, pace)
            (self.breaker, self.endpoint, self.textRestsAll) = (breaker, endpoint, textRestsAll)
            (self.attemptTimeout, self.cooldownSpread) = (attemptTimeout, cooldownSpread)
            self.limitsAddresses = limitsAddresses
        }
    }

    public enum Strategy: String, Sendable, CaseIterable {
        /// The next ready account behind the one that was leased last; turns in proportion to weights.
        case roundRobin = "round-robin"
        /// The ready account with the fewest leases for its weight.
        case leastInFlight = "least-in-flight"
        /// The first ready account in file order, whatever its weight.
        case fillFirst = "fill-first"
    }
}
