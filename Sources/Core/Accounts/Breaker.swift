/// A circuit breaker: closed while things go well, open for a while after repeated failures, then half-open, when one
/// request at a time tries whether they go well again (reliability requirements, section 12).
///
/// A value without clock or lock. The same type serves an endpoint and an account's class of work under other rules.
public struct Breaker: Sendable, Equatable {
    public struct Rules: Sendable, Equatable {
        /// Opens after so many failures in a row …
        public var failuresInARow: Int
        /// … that lie so far apart at least.
        public var runSpan: Duration
        /// Opens as well when so many outcomes of the window …
        public var minOutcomes: Int
        /// … failed to this share.
        public var failureRatio: Double
        /// Seconds that the window is long.
        public var window: Int
        /// How long it stays open the first time; doubled with each opening in a row.
        public var baseOpen: Duration
        public var maxOpen: Duration

        public init(
            failuresInARow: Int = 5, runSpan: Duration = .zero, minOutcomes: Int = 10, failureRatio: Double = 0.5,
            window: Int = 60, baseOpen: Duration = .seconds(60), maxOpen: Duration = .seconds(3600)
        ) {
            (self.failuresInARow, self.runSpan) = (failuresInARow, runSpan)
            (self.minOutcomes, self.failureRatio, self.window) = (minOutcomes, failureRatio, window)
            (self.baseOpen, self.maxOpen) = (baseOpen, maxOpen)
        }

        /// Of a provider's endpoint. Fixed: independent failures of a fifth of all requests must never open it.
        public static let endpoint = Rules(
            failuresInARow: 5, runSpan: .seconds(3), minOutcomes: 20, failureRatio: 0.5, window: 10,
            baseOpen: .seconds(10), maxOpen: .seconds(300))
    }

    public enum Phase: Sendable, Equatable {
        case closed
        case open(until: Instant)
        case halfOpen
    }

    /// What a change of phase was.
    public enum Change: Sendable, Equatable { case opened(until: Instant), halfOpened, closed }

    private struct Probe: Sendable, Equatable {
        let number: UInt64
        /// Older than this it counts as failed.
        let deadline: Instant
    }

    public private(set) var phase = Phase.closed
    /// How often it has opened in a row.
    private var count = 0
    private var closedSince: Instant?
    private var counts = BreakerCounts()
    private var probe: Probe?
    private var goodProbes = 0

    /// So many successes of probes in a row close it.
    static let probesToClose = 2
    /// Closed for so long, it has opened for the first time when it opens next.
    static let forgetsAfter = Duration.seconds(600)

    public init() {}

    public var isClosed: Bool { phase == .closed }
    public var isProbing: Bool { probe != nil }
    /// When the probe in flight counts as failed.
    var probeDeadline: Instant? { probe?.deadline }
    /// Failures in a row.
    public var failures: Int { counts.runLength }

    /// When it has been open for long enough; `nil` unless it is open.
    public var openUntil: Instant? {
        if case .open(let until) = phase { until } else { nil }
    }

    /// How often it has opened in a row, as far as that still counts.
    public func openings(_ now: Instant) -> Int {
        guard isClosed, let closedSince, now - closedSince >= Self.forgetsAfter else { return count }
        return 0
    }

    /// Whether a request may go now, its own limits aside.
    public func letsPass(_ now: Instant) -> Bool {
        switch phase {
        case .closed: true
        case .open(let until): until <= now
        case .halfOpen: probe == nil
        }
    }

    // MARK: Events

    /// Time passes: an open breaker becomes half-open, a probe that is too old has failed.
    public mutating func settle(_ rules: Rules, _ now: Instant, _ random: any RandomSource) -> Change? {
        if case .open(let until) = phase, until <= now {
            (phase, goodProbes, probe) = (.halfOpen, 0, nil)
            return .halfOpened
        }
        if let probe, probe.deadline <= now { return open(rules, now, random) }
        return nil
    }

    /// A request goes. While half-open it is the probe.
    ///
    /// - Parameter number: Tells it from other requests when it is back.
    public mutating func begin(_ number: UInt64, deadline: Instant) {
        if phase == .halfOpen, probe == nil { probe = Probe(number: number, deadline: deadline) }
    }

    /// A request's answer has begun. That is a good outcome now and not at the end: failures come at once, answers take
    /// a while, and of those that ended within a few seconds far more may have failed than of those that went.
    /// Only the probe of a half-open breaker has to come to its end.
    public mutating func answer(_ rules: Rules, _ now: Instant) {
        if isClosed { counts.note(nil, window: rules.window, now) }
    }

    /// A request is back and went well.
    ///
    /// - Parameter hasAnswered: `answer` has counted it already.
    public mutating func succeed(
        _ number: UInt64, hasAnswered: Bool = false, _ rules: Rules, _ now: Instant
    ) -> Change? {
        switch phase {
        case .closed: if !hasAnswered { counts.note(nil, window: rules.window, now) }
        case .open: break
        case .halfOpen where probe?.number == number:
            (probe, goodProbes) = (nil, goodProbes + 1)
            guard goodProbes >= Self.probesToClose else { return nil }
            close(now)
            return .closed
        case .halfOpen: break
        }
        return nil
    }

    /// A request is back and failed with what counts, also when its answer had begun: that is one more outcome.
    public mutating func fail(
        _ number: UInt64, _ fault: FaultClass, _ rules: Rules, _ now: Instant, _ random: any RandomSource
    ) -> Change? {
        switch phase {
        case .closed:
            counts.note(fault, window: rules.window, now)
            return isTooMuch(rules, now) ? open(rules, now, random) : nil
        case .halfOpen where probe?.number == number: return open(rules, now, random)
        case .open, .halfOpen: return nil
        }
    }

    /// A request is back with what says nothing: its client left, a limit refused it.
    public mutating func forgo(_ number: UInt64) {
        if probe?.number == number { probe = nil }
    }

    /// The failures of these classes were somebody else's fault.
    mutating func forget(_ mask: SIMDMask<BreakerCounts.Tally.MaskStorage>) { counts.forget(mask) }

    /// Its last opening was somebody else's fault.
    mutating func release() {
        guard !isClosed else { return }
        (phase, probe, goodProbes) = (.closed, nil, 0)
        count = max(count - 1, 0)
        counts.clear()
    }

    /// The operator's word: as if nothing had happened.
    public mutating func reset() { self = Breaker() }

    private func isTooMuch(_ rules: Rules, _ now: Instant) -> Bool {
        if counts.runLength >= rules.failuresInARow, let start = counts.runStart, now - start >= rules.runSpan {
            return true
        }
        let (outcomes, failures) = counts.sum(now)
        return outcomes >= rules.minOutcomes && Double(failures) >= rules.failureRatio * Double(outcomes)
    }

    private mutating func open(_ rules: Rules, _ now: Instant, _ random: any RandomSource) -> Change {
        count = openings(now) + 1
        let until = now + Self.pause(count, rules, random)
        (phase, probe, goodProbes, closedSince) = (.open(until: until), nil, 0, nil)
        counts.clear()
        return .opened(until: until)
    }

    private mutating func close(_ now: Instant) {
        (phase, probe, goodProbes, closedSince) = (.closed, nil, 0, now)
        counts.clear()
    }

    /// Doubled with each opening, up to the longest, and up to a tenth more or less: many breakers that opened at once
    /// are not half-open at once.
    private static func pause(_ opening: Int, _ rules: Rules, _ random: any RandomSource) -> Duration {
        var length = rules.baseOpen.microseconds
        for _ in 1..<max(opening, 1) where length < rules.maxOpen.microseconds {
            length = length.multipliedReportingOverflow(by: 2).overflow ? .max : length * 2
        }
        length = max(min(length, rules.maxOpen.microseconds), 0)
        let permille = 900 + Int64(random.below(201))
        let (product, isTooMuch) = (length / 1000).multipliedReportingOverflow(by: permille)
        return .microseconds(isTooMuch ? length : product + length % 1000)
    }

    // MARK: Over a restart

    /// - Parameter until: When it would have been open for long enough; cut to the longest pause, since the clock may
    ///   have been wrong. What is past makes it half-open.
    mutating func restore(openUntil until: Instant, openings: Int, _ rules: Rules, _ now: Instant) {
        count = min(max(openings, 1), 1000)
        (probe, goodProbes, closedSince) = (nil, 0, nil)
        phase = until <= now ? .halfOpen : .open(until: min(until, now + rules.maxOpen))
    }

    /// It was closed, with these failures in a row.
    mutating func restore(failures: Int, openings: Int, closedSince moment: Instant, _ now: Instant) {
        phase = .closed
        count = min(max(openings, 0), 1000)
        closedSince = count > 0 ? min(moment, now) : nil
        counts.restore(run: failures, now)
    }

    /// How long it has been closed since it was open last.
    func closedFor(_ now: Instant) -> Duration? { closedSince.map { max(now - $0, .zero) } }
}
