/// The pool's rules as a value: no clock, lock or network. Time comes in, a decision goes out.
///
/// Nothing here walks over all accounts for a request. For each kind of work there is a `Lane` with the ready accounts
/// in the order of the strategy, a heap of those that rest, and counts; a change of one account moves it in the lanes.
public struct AccountPoolState: Sendable {
    /// What a pool may do, from the provider's `pool:` settings.
    public struct Rules: Sendable, Equatable {
        public var strategy: Strategy
        /// Leases of one account at a time.
        public var maxInFlight: Int
        /// How long an account rests after a limit that names no time of its own; doubled while it repeats.
        public var cooldown: Duration
        public var maxCooldown: Duration

        public init(
            strategy: Strategy = .roundRobin, maxInFlight: Int = 1, cooldown: Duration = .seconds(600),
            maxCooldown: Duration = .seconds(7200)
        ) {
            (self.strategy, self.maxInFlight) = (strategy, maxInFlight)
            (self.cooldown, self.maxCooldown) = (cooldown, maxCooldown)
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

    public enum Choice: Sendable, Equatable {
        case lease(accountID: String)
        case nothing(Shortage)
    }

    public internal(set) var rules: Rules
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
    var poolRest: Rest?
    /// Accounts that expire, by when; and those that have, by the same in reverse, should the wall clock step back.
    var expiring = PositionHeap(capacity: 0)
    var expired = PositionHeap(capacity: 0)
    var counts = Array(repeating: 0, count: Condition.Tag.allCases.count)
    /// The latest time that was passed in: what has ended never begins again.
    var clock = Instant(microseconds: .min)
    /// How many accounts choices have looked at, for the test that bounds it.
    var looks = 0

    public init(_ rules: Rules) {
        precondition(rules.maxInFlight > 0, "a pool that may lease nothing is a settings fault")
        self.rules = rules
        rebuild([])
    }

    /// Accounts that belong to the pool, those on their way out not counted.
    public var count: Int { counts.reduce(0, +) }

    /// With those on their way out, in file order.
    var accounts: [Account] { entries.filter { !$0.isGone } }

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
        let lane = laneIndex(LaneKey(quotaClass: quotaClass, model: model))
        guard let position = pick(lane, tried) else {
            return .nothing(shortage(in: lane, excluding: tried))
        }
        entries[position].inFlight += 1
        refresh(position)
        return .lease(accountID: entries[position].id)
    }

    /// Takes a certain account, if it is ready; round robin goes on as if it had not been.
    public mutating func lease(
        account: String, for quotaClass: QuotaClass, model: String = "", now: Instant, wallNow: WallTime
    ) -> Bool {
        settle(now, wallNow)
        let lane = laneIndex(LaneKey(quotaClass: quotaClass, model: model))
        looks += 1
        guard !isPoolResting, let position = positions[account], lanes[lane].place(of: position) == .ready else {
            return false
        }
        entries[position].inFlight += 1
        refresh(position)
        return true
    }

    /// Returns a lease. What the error says about the account takes effect now.
    ///
    /// - Parameter proxy: By which the attempt left; not given, the account's own. A source may have changed that
    ///   meanwhile, and the new one must not rest for the old.
    public mutating func release(
        _ accountID: String, for quotaClass: QuotaClass, model: String = "", by proxy: Secret?? = .none,
        after error: GatewayError?, now: Instant
    ) {
        guard let position = positions[accountID] else { return }
        precondition(entries[position].inFlight > 0, "account \(accountID) was released twice")
        clock = max(clock, now)
        entries[position].inFlight -= 1
        let key = LaneKey(quotaClass: quotaClass, model: model)
        let exit = exit(of: position, by: proxy)
        if let error { apply(error, to: position, key, exit) } else { forgetLimits(of: position, key, exit) }
        if entries[position].isLeaving, entries[position].inFlight == 0 {
            entries[position].isGone = true
            positions[accountID] = nil
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
            switch account.currentCondition(wallNow) {
            case .usable: nil
            case .incomplete(let problem): (account.id, problem)
            case let condition: (account.id, condition.word)
            }
        }
    }

    /// When the next rest of any account ends, if one rests.
    var nextWake: Instant? {
        var next = exitWakes.first?.key
        for lane in lanes { next = Self.earlier(next, lane.wakes.first?.key) }
        if let end = poolRest?.end, end > clock { next = Self.earlier(next, end.microseconds) }
        return next.map { Instant(microseconds: $0) }
    }

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

    private var isPoolResting: Bool { poolRest.map { $0.end > clock } ?? false }

    private mutating func pick(_ lane: Int, _ tried: Set<String>) -> Int? {
        guard !isPoolResting else { return nil }
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

    private func shortage(in lane: Int, excluding tried: Set<String>) -> Shortage {
        var shortage = Shortage(maxInFlight: rules.maxInFlight)
        shortage.accounts = count
        let lane = lanes[lane]
        var (cooling, shut) = (lane.count(.cooling), lane.count(.shut))
        (shortage.busy, shortage.ready) = (lane.count(.busy), lane.count(.ready))
        var unusable = counts
        unusable[Condition.Tag.usable.rawValue] = 0
        var triedBehindExit: [Int: Int] = [:]
        for position in tried.compactMap({ positions[$0] }) {
            switch lane.place(of: position) {
            case .absent: continue
            case .unusable: if let tag = entries[position].countedAs { unusable[tag.rawValue] -= 1 }
            case .shut:
                shut -= 1
                triedBehindExit[entries[position].exit, default: 0] += 1
            case .cooling: cooling -= 1
            case .busy: shortage.busy -= 1
            case .ready: shortage.ready -= 1
            }
            shortage.tried += 1
        }
        for tag in Condition.Tag.allCases where unusable[tag.rawValue] > 0 {
            shortage.unusable[tag.word] = unusable[tag.rawValue]
        }
        if isPoolResting {
            shortage.cooling = cooling + shut + shortage.busy + shortage.ready
            (shortage.busy, shortage.ready) = (0, 0)
            if shortage.cooling > 0, let end = poolRest?.end { shortage.firstBack = end - clock }
            return shortage
        }
        shortage.cooling = cooling + shut
        let own = lane.wakes.firstKey { !tried.contains(entries[$0].id) }
        let exit = exitWakes.firstKey { exits[$0].usable > triedBehindExit[$0] ?? 0 }
        shortage.firstBack = Self.earlier(own, exit).map { Instant(microseconds: $0) - clock }
        return shortage
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
