/// Everything that a pool knows about one account, for the operator. No secret is in it.
public struct AccountReport: Sendable, Equatable {
    public var provider: String
    public var accountID: String
    /// The credential source that publishes it.
    public var source: String
    /// For text, which is what most requests are.
    public var state: AccountState
    public var classes: [ClassReport]
    public var models: [ModelReport]
    /// Why it is restricted, rejected, or what its record lacks.
    public var reason: String?
    public var expiresAt: WallTime?
    public var inFlight: Int
    public var weight: Int
    public var hasOwnProxy: Bool
    public var counters: AccountCounters
    /// The last ones, oldest first.
    public var transitions: [AccountTransition]

    public init(
        provider: String, accountID: String, source: String = "", state: AccountState = .ready,
        classes: [ClassReport] = [], models: [ModelReport] = [], reason: String? = nil, expiresAt: WallTime? = nil,
        inFlight: Int = 0, weight: Int = 1, hasOwnProxy: Bool = false, counters: AccountCounters = AccountCounters(),
        transitions: [AccountTransition] = []
    ) {
        (self.provider, self.accountID, self.source, self.state) = (provider, accountID, source, state)
        (self.classes, self.models, self.reason, self.expiresAt) = (classes, models, reason, expiresAt)
        (self.inFlight, self.weight, self.hasOwnProxy) = (inFlight, weight, hasOwnProxy)
        (self.counters, self.transitions) = (counters, transitions)
    }

    /// One class of work.
    public struct ClassReport: Sendable, Equatable {
        public var quotaClass: QuotaClass
        public var state: AccountState
        /// When the state ends by itself, as far as is known.
        public var until: WallTime?
        /// How long that is from now.
        public var remaining: Duration?
        public var reason: String?
        /// Failures in a row.
        public var failures: Int
        /// How often in a row the breaker has opened.
        public var openings: Int

        public init(
            _ quotaClass: QuotaClass, state: AccountState = .ready, until: WallTime? = nil, remaining: Duration? = nil,
            reason: String? = nil, failures: Int = 0, openings: Int = 0
        ) {
            (self.quotaClass, self.state, self.until, self.remaining) = (quotaClass, state, until, remaining)
            (self.reason, self.failures, self.openings) = (reason, failures, openings)
        }
    }

    /// One model that rests.
    public struct ModelReport: Sendable, Equatable {
        public var model: String
        public var quotaClass: QuotaClass
        public var until: WallTime?
        public var remaining: Duration?

        public init(_ model: String, _ quotaClass: QuotaClass, until: WallTime? = nil, remaining: Duration? = nil) {
            (self.model, self.quotaClass, self.until, self.remaining) = (model, quotaClass, until, remaining)
        }
    }
}

/// What an account has done since it was first seen; kept over restarts.
public struct AccountCounters: Sendable, Equatable {
    public var successes = 0
    public var failures = 0
    /// Answers by class of work, in the order of `QuotaClass.allCases`.
    public var answers: [Int] = Array(repeating: 0, count: QuotaClass.allCases.count)
    public var lastUsed: WallTime?
    public var lastError: String?
    public var lastErrorAt: WallTime?

    public init() {}
}
