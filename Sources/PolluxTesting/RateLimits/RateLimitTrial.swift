public import PolluxCore

/// Random requests against a store and against the naive model: every number must be the same.
public struct RateLimitTrial {
    private let random: SeededRandom
    private let owner: String
    private var naive = NaiveLimits()
    private var now: Instant
    private var open: [LimitReceipt] = []
    private var limiters: [(id: LimiterID, rule: LimitRule)] = []
    /// Leases on Redis end by themselves, so that runs with them are short.
    private let hasLeases: Bool

    /// - Parameter owner: Part of the limiters' names; a store that is not empty needs another one for each run.
    public init(seed: Int, owner: String) {
        random = SeededRandom(seed: seed)
        self.owner = owner
        now = Instant(microseconds: 1_700_000_000_000_000 + Int64(random.below(1_000_000)))
        hasLeases = seed % 2 == 0
        limiters = (0..<4).map { number in
            (LimiterID(.key, owner: owner, subject: "l\(number)", kind: "random"), rule(number))
        }
    }

    /// - Returns: The first step whose numbers differ; `nil` when there is none.
    public mutating func difference(of store: any RateLimitStore, steps: Int) async throws -> String? {
        for step in 0..<steps {
            move()
            if pick(3) == 0, !open.isEmpty { settle(store) }
            let claims = claims()
            let ruling = try await store.decide(claims, now: now)
            let expected = naive.decide(claims, now: now)
            if ruling.outcomes != expected {
                return "step \(step) at \(now.microseconds), \(claims.map(\.rule)): \(ruling.outcomes), not \(expected)"
            }
            if ruling.isAllowed, !ruling.receipt.isEmpty { open.append(ruling.receipt) }
        }
        while !open.isEmpty { settle(store) }
        return nil
    }

    private func pick(_ count: Int) -> Int { Int(random.below(UInt64(count))) }

    private func rule(_ number: Int) -> LimitRule {
        switch number {
        case 0: .gcra(GCRA(interval: Int64(1 + pick(400_000)), burst: Int64(1 + pick(6))))
        case 1: .window(SlidingWindow(limit: Int64(1 + pick(40)), width: Int64(1 + pick(400))))
        case 2: .daily(DailyCounter(limit: Int64(1 + pick(20)), endsIn: 40_000_000_000))
        case 3 where hasLeases: .leases(ConcurrencyLeases(limit: Int64(1 + pick(4))))
        default: .gcra(GCRA(limit: 1 + pick(20), period: .seconds(1), burst: 1 + pick(9)))
        }
    }

    /// Mostly a little ahead; now and then far ahead, or back.
    private mutating func move() {
        let step: Int64 =
            switch pick(12) {
            case 0: 0
            case 1: hasLeases ? 300_000 : Int64(pick(3_600_000_000))
            case 2: -Int64(pick(hasLeases ? 50_000 : 2_000_000))
            default: Int64(pick(120_000))
            }
        now = now + .microseconds(step)
    }

    private func claims() -> [LimitClaim] {
        limiters.filter { _ in pick(3) > 0 }.map { limiter in
            switch limiter.rule {
            case .leases: LimitClaim(limiter.id, limiter.rule)
            case .window: LimitClaim(limiter.id, limiter.rule, cost: Int64(1 + pick(12)), isReservation: pick(2) == 0)
            case .gcra, .daily: LimitClaim(limiter.id, limiter.rule, cost: Int64(1 + pick(3)))
            }
        }
    }

    private mutating func settle(_ store: any RateLimitStore) {
        let receipt = open.remove(at: pick(open.count))
        let spent = Int64(pick(30))
        store.settle(receipt, spent: spent, now: now)
        naive.settle(receipt, spent: spent, now: now)
    }
}
