extension AccountPoolState {
    struct Account: Sendable {
        let id: String
        var life: AccountLife
        /// The credential source that publishes it.
        var source = ""
        var weight = 1
        var proxy: Secret?
        /// The way out that it shares with others of its proxy: an index into the pool's exits.
        var exit = 0
        var inFlight = 0
        /// It was leased just now; another lease has to keep its distance.
        var pacedUntil: Instant?
        /// As it was before the latest lease, should that come back unused.
        var beforePace: (until: Instant?, grant: UInt64) = (nil, 0)
        var marks = FaultWatch.Marks()
        var limitMarks = LimitWatch.Marks()
        /// Gone from its source; stays until its last lease is back.
        var isLeaving = false
        /// Gone for good: its place is cleared with the next set of accounts.
        var isGone = false
        /// What it counts as among the accounts present; `nil` when it does not.
        var countedAs: AccountBar?
        var holdsQuota = false
        /// It stands in the pool's list of what has changed.
        var isChanged = false
    }

    /// Accounts that leave by the same proxy: an upstream that blocks an address blocks them all.
    struct Exit: Sendable {
        let proxy: Secret?
        var members: [Int] = []
        /// Members that could be leased but for rests and leases.
        var usable = 0
        var rest: AccountRest?
        /// Where the upstream's kind is known to limit addresses.
        var limits = LimitWatch()
        /// The rest has not ended yet, as the pool's clock stood last.
        var isResting = false
    }

    /// A breaker that opened, and the class of fault that did it.
    struct Opening: Sendable {
        let accountID: String
        let quotaClass: QuotaClass
        let fault: FaultClass
        let at: Instant
    }

    /// The work for which accounts are ready or not: a class, or one model of it.
    struct LaneKey: Sendable, Hashable {
        var quotaClass: QuotaClass
        /// Empty for the class as a whole.
        var model = ""
    }
}
