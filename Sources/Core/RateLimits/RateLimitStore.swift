/// How a limiter counts.
public enum LimitRule: Sendable, Hashable {
    case gcra(GCRA)
    case window(SlidingWindow)
    case daily(DailyCounter)
    case leases(ConcurrencyLeases)
}

/// What one request asks of one limiter.
public struct LimitClaim: Sendable, Equatable {
    public var limiter: LimiterID
    public var rule: LimitRule
    public var cost: Int64
    /// The cost is a guess, and will be settled.
    public var isReservation: Bool

    public init(_ limiter: LimiterID, _ rule: LimitRule, cost: Int64 = 1, isReservation: Bool = false) {
        (self.limiter, self.rule, self.cost, self.isReservation) = (limiter, rule, cost, isReservation)
    }
}

/// What limiters said to the claims of one request, in their order. Either all were charged or none.
public struct LimitRuling: Sendable, Equatable {
    public var outcomes: [LimitOutcome]
    public var receipt: LimitReceipt

    public init(outcomes: [LimitOutcome], receipt: LimitReceipt = LimitReceipt()) {
        (self.outcomes, self.receipt) = (outcomes, receipt)
    }

    public var isAllowed: Bool { !outcomes.contains { $0.isLimited } }
}

/// What an allowed request has to settle when it ends: reservations and leases.
public struct LimitReceipt: Sendable, Equatable {
    public struct Reservation: Sendable, Equatable {
        public var limiter: LimiterID
        public var window: SlidingWindow
        public var cost: Int64
        /// The window that was charged.
        public var index: Int64

        public init(limiter: LimiterID, window: SlidingWindow, cost: Int64, index: Int64) {
            (self.limiter, self.window, self.cost, self.index) = (limiter, window, cost, index)
        }
    }

    public var reservations: [Reservation]
    /// The limiters of which it holds a lease.
    public var leases: [LimiterID]
    /// The lease's name where others can see it.
    public var leaseID: String
    /// It was made by the store that stands in for one which does not answer, and is settled there.
    public var isStandIn: Bool

    public init(
        reservations: [Reservation] = [], leases: [LimiterID] = [], leaseID: String = "", isStandIn: Bool = false
    ) {
        (self.reservations, self.leases, self.leaseID) = (reservations, leases, leaseID)
        self.isStandIn = isStandIn
    }

    public var isEmpty: Bool { reservations.isEmpty && leases.isEmpty }
}

/// Where limiters are kept: in memory, or on a Redis that several gateways share. Both decide alike.
public protocol RateLimitStore: Sendable {
    /// Decides all claims in one step, and charges all of them or none.
    ///
    /// - Parameter claims: No limiter twice.
    /// - Parameter now: Of the gateway's monotonic clock. A store that others share has a clock of its own.
    /// - Throws: When the store cannot be asked.
    func decide(_ claims: [LimitClaim], now: Instant) async throws(GatewayError) -> LimitRuling
    /// How many leases are out of each limiter of requests at a time.
    ///
    /// - Throws: When the store cannot be asked.
    func held(_ limiters: [LimiterID], now: Instant) async throws(GatewayError) -> [Int64]
    /// Corrects reservations to what was spent, and gives leases back. Never waits.
    func settle(_ receipt: LimitReceipt, spent: Int64, now: Instant)
}
