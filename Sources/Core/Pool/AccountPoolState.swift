/// The pool's rules as a value: no clock, lock or network. Time comes in, a decision goes out.
///
/// Nothing here walks over all accounts for a request. For each kind of work there is a `Lane` with the ready accounts
/// in the order of the strategy, a heap of those that rest, and counts; a change of one account moves it in the lanes.
/// What is known about an account, and what it means, is its `AccountLife`.
public struct AccountPoolState: Sendable {
    public enum Choice: Sendable, Equatable {
        case lease(accountID: String)
        case nothing(Shortage)
    }

    public internal(set) var rules: Rules
    /// The provider's name, for what is told.
    let name: String
    let dailyReset: DailyReset
    let random: any RandomSource

    var entries: [Account] = []
    var positions: [String: Int] = [:]
    var rota = Rota(weights: [])
    var loads = LoadScale(weights: [], maxInFlight: 1)
    var cursor = 0
    /// The classes as a whole, in the order of `QuotaClass.allCases`; behind them the models that rest somewhere.
    var lanes: [Lane] = []
    var modelLanes: [LaneKey: Int] = [:]
    var exits: [Exit] = []
    var exitIndexes: [Secret?: Int] = [:]
    var exitWakes = PositionHeap(capacity: 0)
    /// The whole pool rests: its upstream asked for it.
    var poolRest: AccountRest?
    var toldPoolRest = false
    var endpoint = Breaker()
    /// The pool as a whole is told as this.
    var toldEndpoint = AccountState.ready
    var watch = FaultWatch()
    /// How often each class of fault was forgiven, and whether accounts have counted some since.
    var forgiven = BreakerCounts.Tally.zero
    var counted = Array(repeating: false, count: FaultClass.allCases.count)
    /// Breakers that opened lately, and by what, should it turn out to be the endpoint's fault.
    var openings: [Opening] = []
    /// When by the wall clock something changes for an account next.
    var marks = PositionHeap(capacity: 0)
    /// Accounts whose day's quota is spent: their number, since it makes waiting a matter of the wall clock.
    var quotaHolders = 0
    /// Accounts with a probe in flight, by when that counts as failed.
    var probes = PositionHeap(capacity: 0)
    var counts = Array(repeating: 0, count: AccountBar.allCases.count)
    /// The latest time that was passed in: what has ended never begins again.
    var clock = Instant(microseconds: .min)
    /// How far the wall clock is ahead of the other one. It changes when the wall clock is set, either way.
    var wallOffset: Duration?
    /// The wall clock as it stands at `clock`.
    var wall: WallTime {
        guard let wallOffset else { return WallTime(microseconds: .min) }
        return WallTime(microseconds: clock.microseconds) + wallOffset
    }
    /// Tells leases apart; of the latest one.
    public internal(set) var lastGrant: UInt64 = 0
    /// What happened and was not told yet.
    var news: [AccountTransition] = []
    /// Accounts about which something has changed that outlives a restart.
    var changed: [String] = []
    /// What was remembered from before a restart about accounts that no source has named yet.
    var remembered: [String: JSON] = [:]
    /// How many accounts choices have looked at, for the test that bounds it.
    var looks = 0

    public init(
        _ rules: Rules, name: String = "", dailyReset: DailyReset = .builtIn, random: any RandomSource = FastRandom()
    ) {
        precondition(rules.maxInFlight > 0, "a pool that may lease nothing is a settings fault")
        (self.rules, self.name, self.dailyReset, self.random) = (rules, name, dailyReset, random)
        rebuild([])
    }

    /// Accounts that belong to the pool, those on their way out not counted.
    public var count: Int { counts.reduce(0, +) }

    /// With those on their way out, in file order.
    var accounts: [Account] { entries.filter { !$0.isGone } }

    var circumstances: AccountCircumstances {
        AccountCircumstances(rules: rules, dailyReset: dailyReset, random: random, now: clock, wall: wall)
    }

    /// Takes one account for one attempt.
    ///
    /// - Parameters:
    ///   - model: The model's name at the upstream, where limits of single models are to be heeded.
    ///   - tried: Accounts that this request has tried already.
    public mutating func lease(
        for quotaClass: QuotaClass, model: String = "", excluding tried: Set<String> = [], now: Instant,
        wallNow: WallTime
    ) -> Choice {
        settle(now, wallNow)
        let key = LaneKey(quotaClass: quotaClass, model: model)
        let lane = laneIndex(key)
        guard let position = pick(lane, tried) else {
            return .nothing(shortage(in: lane, excluding: tried))
        }
        hand(out: position, key)
        return .lease(accountID: entries[position].id)
    }

    /// Takes a certain account, if it is ready; round robin goes on as if it had not been.
    public mutating func lease(
        account: String, for quotaClass: QuotaClass, model: String = "", now: Instant, wallNow: WallTime
    ) -> Bool {
        settle(now, wallNow)
        let key = LaneKey(quotaClass: quotaClass, model: model)
        let lane = laneIndex(key)
        looks += 1
        guard gate == .open, let position = positions[account], lanes[lane].place(of: position) == .ready else {
            return false
        }
        hand(out: position, key)
        return true
    }

    private mutating func hand(out position: Int, _ key: LaneKey) {
        lastGrant &+= 1
        entries[position].inFlight += 1
        if rules.pace > .zero {
            entries[position].beforePace = (entries[position].pacedUntil, lastGrant)
            entries[position].pacedUntil = clock + rules.pace
        }
        let deadline = clock + rules.attemptTimeout
        if !endpoint.isClosed { endpoint.begin(lastGrant, deadline: deadline) }
        if !entries[position].life.strands[key.quotaClass.ordinal].breaker.isClosed {
            happen(
                .leased(AccountLife.Errand(work: key, number: lastGrant), deadline: deadline), to: position,
                Evidence(.attempt))
        }
        refresh(position)
    }

    /// Counts accounts by what keeps them from being leased.
    public mutating func shortage(
        for quotaClass: QuotaClass, model: String = "", excluding tried: Set<String> = [], now: Instant,
        wallNow: WallTime
    ) -> Shortage {
        settle(now, wallNow)
        return shortage(in: laneIndex(LaneKey(quotaClass: quotaClass, model: model)), excluding: tried)
    }

    /// Accounts that no waiting helps, and why.
    public func unusableAccounts(wallNow: WallTime) -> [(accountID: String, reason: String)] {
        entries.filter { !$0.isLeaving && !$0.isGone }.compactMap { account in
            switch account.life.bar(wallNow) {
            case .none: nil
            case .incomplete: (account.id, account.life.problem ?? "")
            case let bar: (account.id, bar.word)
            }
        }
    }

    /// When somebody who waits has to look again: the next rest ends, or what the wall clock decides may have changed
    /// with the clock.
    var nextWake: Instant? {
        var next = Self.earlier(exitWakes.first?.key, probes.first?.key)
        for lane in lanes { next = Self.earlier(next, lane.wakes.first?.key) }
        if let end = poolRest?.end, end > clock { next = Self.earlier(next, end.microseconds) }
        if let end = endpoint.openUntil { next = Self.earlier(next, end.microseconds) }
        if let end = endpoint.probeDeadline { next = Self.earlier(next, end.microseconds) }
        if quotaHolders > 0 || counts[AccountBar.expired.rawValue] > 0 {
            next = Self.earlier(next, (clock + Self.wallLook).microseconds)
        }
        return next.map { Instant(microseconds: $0) }
    }

    /// How soon a step of the wall clock is noticed by those who wait.
    static let wallLook = Duration.seconds(5)

    static func earlier(_ left: Int64?, _ right: Int64?) -> Int64? {
        guard let left, let right else { return left ?? right }
        return min(left, right)
    }
}

// MARK: - Choosing

extension AccountPoolState {
    func laneIndex(_ key: LaneKey) -> Int {
        if !modelLanes.isEmpty, let index = modelLanes[key] { return index }
        return key.quotaClass.ordinal
    }

    private mutating func pick(_ lane: Int, _ tried: Set<String>) -> Int? {
        guard gate == .open else { return nil }
        var looked = 0
        let found = lanes[lane].ready.pick(from: cursor, rota) { position in
            looked += 1
            return tried.isEmpty || !tried.contains(entries[position].id)
        }
        looks += looked
        guard let found else { return nil }
        cursor = found.nextCursor
        return found.position
    }
}

extension QuotaClass {
    /// Its place in `allCases`.
    var ordinal: Int {
        switch self {
        case .text: 0
        case .images: 1
        case .videos: 2
        }
    }
}
