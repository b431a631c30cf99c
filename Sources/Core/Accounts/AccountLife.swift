/// What is known about one account: what its record says, what its upstream found, and for each class of work what
/// rests. Whether it may be used is worked out from that (`AccountLife+State`), never noted.
///
/// A value without clock or lock. Everything that can happen to an account is an `Event`, and one function takes them
/// all (`AccountLife+Events`).
struct AccountLife: Sendable {
    /// One class of work.
    struct Strand: Sendable, Equatable {
        /// After the upstream's limit.
        var rest: AccountRest?
        /// After a limit of the gateway's own settings.
        var limitEnd: Instant?
        /// Until the upstream's day ends; civil, because days are.
        var quotaEnd: WallTime?
        var breaker = Breaker()
        /// How often the pool has forgiven each class of fault, as far as the breaker knows.
        var forgiven = BreakerCounts.Tally.zero
        /// What led to the present state.
        var reason: String?

        /// Nothing is the matter, so that a success changes no state.
        var isClean: Bool { rest == nil && limitEnd == nil && quotaEnd == nil && breaker.isClosed }
    }

    let provider: String
    let accountID: String

    // What the record says.
    var isDisabledByRecord = false
    var problem: String?
    var expiresAt: WallTime?
    /// By the operator, while the gateway runs; the record may say so as well.
    var isSwitchedOff = false

    // What happened.
    var finding: AccountFinding?
    /// In the order of `QuotaClass.allCases`.
    var strands = Array(repeating: Strand(), count: QuotaClass.allCases.count)
    var models: [AccountPoolState.LaneKey: AccountRest] = [:]
    var counters = AccountCounters()

    /// The states that were told last, by class.
    var told = Array(repeating: AccountState.ready, count: QuotaClass.allCases.count)
    private(set) var history: [AccountTransition] = []

    static let historyLength = 32
    /// An account whose sign-in ends sooner than this is `expiring`.
    static let expiringSpan = Duration.seconds(3 * 3600)

    init(provider: String, accountID: String) { (self.provider, self.accountID) = (provider, accountID) }

    mutating func keep(_ transition: AccountTransition) {
        if history.count >= Self.historyLength { history.removeFirst(history.count - Self.historyLength + 1) }
        history.append(transition)
    }
}

/// What events are judged by.
struct AccountCircumstances: Sendable {
    var rules: AccountPoolState.Rules
    var dailyReset: DailyReset
    var random: any RandomSource
    var now: Instant
    var wall: WallTime

    func civil(_ moment: Instant) -> WallTime { wall + (moment - now) }
}
