@testable import PolluxCore

/// A breaker written as slowly and plainly as possible: every outcome is kept, and every figure counted anew.
struct NaiveBreaker {
    enum Phase: Equatable { case closed, open(until: Instant), halfOpen }

    let rules: Breaker.Rules
    private(set) var phase = Phase.closed
    private var outcomes: [(at: Instant, fault: FaultClass?)] = []
    private(set) var openings = 0
    private var closedAt: Instant?
    private(set) var probe: (number: UInt64, deadline: Instant)?
    private var goodProbes = 0

    init(_ rules: Breaker.Rules) { self.rules = rules }

    /// A second is a second of the clock: "the last ten seconds" are this one and the nine before it.
    static func second(_ moment: Instant) -> Int64 {
        Int64((Double(moment.microseconds) / 1_000_000).rounded(.down))
    }

    var run: [(at: Instant, fault: FaultClass?)] {
        Array(outcomes.reversed().prefix { $0.fault != nil }.reversed())
    }

    var letsPass: Bool { phase == .closed || (phase == .halfOpen && probe == nil) }

    mutating func settle(_ now: Instant) {
        if case .open(let until) = phase, now >= until { (phase, probe, goodProbes) = (.halfOpen, nil, 0) }
        if let probe, now >= probe.deadline { open(now) }
    }

    mutating func begin(_ number: UInt64, deadline: Instant) {
        if phase == .halfOpen, probe == nil { probe = (number, deadline) }
    }

    mutating func forgo(_ number: UInt64) { if probe?.number == number { probe = nil } }

    mutating func answer(_ now: Instant) { if phase == .closed { outcomes.append((now, nil)) } }

    /// - Returns: Whether it opened.
    @discardableResult
    mutating func end(_ number: UInt64, _ fault: FaultClass?, hasAnswered: Bool = false, _ now: Instant) -> Bool {
        switch phase {
        case .open: return false
        case .halfOpen:
            guard probe?.number == number else { return false }
            probe = nil
            if fault != nil { open(now) }
            if fault == nil { goodProbes += 1 }
            if goodProbes == 2 { (phase, outcomes, closedAt, goodProbes) = (.closed, [], now, 0) }
            return fault != nil
        case .closed:
            if fault != nil || !hasAnswered { outcomes.append((now, fault)) }
            guard fault != nil else { return false }
            let recent = outcomes.filter { Self.second($0.at) > Self.second(now) - Int64(rules.window) }
            let failed = recent.count { $0.fault != nil }
            let isRun = run.count >= rules.failuresInARow && now - run[0].at >= rules.runSpan
            let isShare =
                recent.count >= rules.minOutcomes && Double(failed) >= rules.failureRatio * Double(recent.count)
            if isRun || isShare { open(now) }
            return isRun || isShare
        }
    }

    /// Without jitter.
    private mutating func open(_ now: Instant) {
        if let closedAt, phase == .closed, now - closedAt >= .seconds(600) { openings = 0 }
        openings += 1
        var length = rules.baseOpen
        for _ in 1..<openings { length = min(length * 2, rules.maxOpen) }
        phase = .open(until: now + min(length, rules.maxOpen))
        (outcomes, probe, goodProbes, closedAt) = ([], nil, 0, nil)
    }

    mutating func forget(_ fault: FaultClass) { outcomes.removeAll { $0.fault == fault } }

    mutating func release() {
        guard phase != .closed else { return }
        (phase, outcomes, probe, goodProbes, openings) = (.closed, [], nil, 0, openings - 1)
    }
}

/// Whose fault it was, from a list of everything that happened.
struct NaiveWatch {
    private var uses: [(id: String, second: Int64, fault: FaultClass?)] = []

    mutating func note(_ id: String, _ fault: FaultClass?, _ now: Instant) {
        uses.append((id, NaiveBreaker.second(now), fault))
    }

    mutating func keep(_ ids: Set<String>) { uses.removeAll { !ids.contains($0.id) } }

    func blamesEndpoint(_ fault: FaultClass, _ now: Instant) -> Bool {
        let recent = uses.filter { $0.second > NaiveBreaker.second(now) - 10 }
        let used = Set(recent.map(\.id))
        let hit = Set(recent.filter { $0.fault == fault }.map(\.id))
        return used.count >= 4 && 2 * hit.count >= used.count
    }
}

/// Always the middle: no jitter.
struct NoJitter: RandomSource {
    func next() -> UInt64 { 1 << 63 }
}

extension Breaker.Rules {
    /// Never opens.
    static let never = Breaker.Rules(failuresInARow: .max, minOutcomes: .max)
}
