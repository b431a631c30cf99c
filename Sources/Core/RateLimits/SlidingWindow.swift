/// An amount per trailing period, from two counters: what the window that is running has, and the one before it, which
/// counts for the share of it that the trailing period still covers.
///
/// Assumes that the previous window was spent evenly; times are whole milliseconds.
public struct SlidingWindow: Sendable, Hashable {
    public let limit: Int64
    /// Milliseconds.
    public let width: Int64

    /// What a limiter keeps. Two counters of one entry: on Redis as well, so that one key holds all of it.
    public struct State: Sendable, Equatable {
        /// Which window is running: time ÷ width.
        public var index: Int64
        public var current: Int64
        public var previous: Int64

        public init(index: Int64, current: Int64 = 0, previous: Int64 = 0) {
            (self.index, self.current, self.previous) = (index, current, previous)
        }
    }

    /// A counter goes no higher: settling may charge beyond the limit, and a Redis script counts in doubles.
    static let maxCount: Int64 = 1 << 32 - 1
    /// 34 years, far beyond what a setting may say.
    private static let maxWidth: Int64 = 1 << 40

    public init(limit: Int64, width: Int64) {
        (self.limit, self.width) = (min(max(1, limit), 1 << 31), min(max(1, width), Self.maxWidth))
    }

    public init(limit: Int, period: Duration) {
        self.init(limit: Int64(limit), width: period.microseconds / 1000)
    }

    /// - Parameters:
    ///   - stored: `nil` for a limiter that was never charged.
    ///   - now: In milliseconds.
    /// - Returns: The outcome, and what to store when everything that decides with it allows the request.
    public func decide(_ stored: State?, cost: Int64, now: Int64) -> (outcome: LimitOutcome, state: State) {
        let cost = max(1, cost)
        let (state, elapsed) = rolled(stored, now)
        let spent = LimitMath.sum(weighted(state, elapsed), state.current)
        if LimitMath.sum(spent, cost) <= limit {
            var charged = state
            charged.current = min(LimitMath.sum(state.current, cost), Self.maxCount)
            return (.allowed(remaining: limit - spent - cost, resetAfter: reset(charged, elapsed)), charged)
        }
        let outcome = LimitOutcome.limited(
            remaining: max(0, LimitMath.difference(limit, spent)), resetAfter: reset(state, elapsed),
            retryAfter: wait(for: cost, state, elapsed))
        return (outcome, state)
    }

    /// Corrects a charge once the true cost is known. Less goes back to the window that was charged, as long as it
    /// counts; more is charged to the one that runs, and may push it above the limit.
    ///
    /// - Parameter index: The window that was charged.
    public func correct(_ stored: State?, by difference: Int64, chargedTo index: Int64, now: Int64) -> State {
        var (state, _) = rolled(stored, now)
        if difference > 0 || state.index <= index {
            state.current = Self.counter(state.current, difference)
        } else if LimitMath.difference(state.index, 1) == index {
            state.previous = Self.counter(state.previous, difference)
        }
        return state
    }

    /// When the state is that of a limiter which was never charged, in milliseconds of the same clock.
    func end(of state: State) -> Int64 {
        let windows: Int64 = state.current > 0 ? 2 : state.previous > 0 ? 1 : 0
        return LimitMath.product(LimitMath.sum(state.index, windows), width)
    }

    /// The state at this moment, and how far its window is. A clock that has stepped back stands at the window's start,
    /// where the most of the previous window counts.
    private func rolled(_ stored: State?, _ now: Int64) -> (state: State, elapsed: Int64) {
        let index = LimitMath.floor(now, width)
        let rest = now % width
        let elapsed = rest < 0 ? rest + width : rest
        guard var stored else { return (State(index: index), elapsed) }
        stored.current = Self.counter(stored.current, 0)
        stored.previous = Self.counter(stored.previous, 0)
        if index < stored.index { return (stored, 0) }
        if index == stored.index { return (stored, elapsed) }
        let isNext = stored.index == index - 1
        return (State(index: index, current: 0, previous: isNext ? stored.current : 0), elapsed)
    }

    private func weighted(_ state: State, _ elapsed: Int64) -> Int64 {
        LimitMath.scaled(state.previous, width - elapsed, width)
    }

    private func reset(_ state: State, _ elapsed: Int64) -> Int64 {
        let left = state.current > 0 ? 2 * width - elapsed : state.previous > 0 ? width - elapsed : 0
        return LimitMath.product(left, 1000)
    }

    /// To the millisecond: first whether the previous window fades enough before this one ends, else within the next.
    private func wait(for cost: Int64, _ state: State, _ elapsed: Int64) -> Int64 {
        guard cost <= limit else { return LimitOutcome.never }
        let room = limit - cost - state.current
        let milliseconds: Int64
        if room >= 0 {
            let faded = LimitMath.scaled(room + 1, width, max(1, state.previous), roundedUp: true)
            milliseconds = width - faded + 1 - elapsed
        } else {
            let faded = LimitMath.scaled(limit - cost + 1, width, max(1, state.current), roundedUp: true)
            milliseconds = width - elapsed + max(0, width - faded + 1)
        }
        return LimitMath.product(milliseconds, 1000)
    }

    private static func counter(_ value: Int64, _ difference: Int64) -> Int64 {
        min(max(0, LimitMath.sum(value, difference)), maxCount)
    }
}
