public import PolluxCore
internal import Synchronization

/// A clock that stands still until a test moves it. Event loops that are given it keep their timers by it.
public final class ManualTime: SteppedTime {
    private let state: Mutex<State>

    /// - Parameter wall: The civil time at the start; 2026-01-01 00:00:00 UTC unless said otherwise.
    public init(now: Instant = Instant(microseconds: 0), wall: WallTime = WallTime(seconds: 1_767_225_600)) {
        state = Mutex(State(now: now, wall: wall))
    }

    public var now: Instant { state.withLock { $0.now } }
    public var wallNow: WallTime { state.withLock { $0.wall } }

    /// Moves both clocks, and resumes whoever slept until a moment on the way, in the order of their deadlines.
    ///
    /// Loops that follow stop at each moment that a timer of theirs waits for, so that a timer which sets the next one
    /// is met twice, as it would be in real time. All of it has run when this returns; what depends on a socket may be
    /// still to come.
    public func advance(by duration: Duration) {
        let target = now + duration
        let followers = state.withLock { $0.followers }.compactMap(\.follower)
        while let next = nextMoment(upTo: target, followers) {
            state.withLock { $0.move(to: next) }
            while let sleeper = state.withLock({ $0.removeNextSleeper(upTo: next) }) {
                sleeper.continuation.resume(returning: .success(()))
            }
            for follower in followers { follower.catchUp() }
        }
        state.withLock { $0.move(to: target) }
        for follower in followers { follower.catchUp() }
    }

    private func nextMoment(upTo target: Instant, _ followers: [any TimeFollower]) -> Instant? {
        let sleeping = state.withLock { $0.sleepers.map(\.deadline).min() }
        let next = ([sleeping] + followers.map(\.nextMoment)).compactMap(\.self).min()
        return next.flatMap { $0 <= target ? $0 : nil }
    }

    /// Moves the civil clock alone, as a correction of the system's clock would.
    public func stepWallClock(by duration: Duration) {
        state.withLock { $0.wall = $0.wall + duration }
    }

    public func sleep(until deadline: Instant) async throws(GatewayError) {
        let id = state.withLock { $0.makeID() }
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let observers = state.withLock { state -> [CheckedContinuation<Void, Never>]? in
                    guard deadline > state.now, !Task.isCancelled else { return nil }
                    state.sleepers.append(Sleeper(id: id, deadline: deadline, continuation: continuation))
                    return state.removeSatisfiedObservers() + state.removeObservers(of: deadline)
                }
                guard let observers else {
                    return continuation.resume(returning: Task.isCancelled ? .failure(.cancelled) : .success(()))
                }
                for observer in observers { observer.resume() }
            }
        } onCancel: {
            let sleeper = state.withLock { $0.removeSleeper(id) }
            sleeper?.continuation.resume(returning: .failure(.cancelled))
        }
        try outcome.get()
    }

    /// When the first sleeper is to wake; `nil` when nobody sleeps.
    public var nextDeadline: Instant? { state.withLock { $0.sleepers.lazy.map(\.deadline).min() } }

    /// How many sleep now.
    public var sleeperCount: Int { state.withLock { $0.sleepers.count } }

    /// Suspends until at least this many sleep, so that a test advances the clock only when everyone waits for it.
    public func untilSleeping(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isSatisfied = state.withLock { state in
                if state.sleepers.count >= count { return true }
                state.observers.append((count, continuation))
                return false
            }
            if isSatisfied { continuation.resume() }
        }
    }

    /// Suspends until somebody sleeps until, or a loop has a timer for, exactly this moment; `now + limit` is the
    /// moment of a deadline that begins now. The clock stands still, so moments are exact.
    public func untilSomeoneWaits(until moment: Instant) async {
        await withCheckedContinuation { continuation in
            let followers = state.withLock { state in
                state.momentObservers.append((moment, continuation))
                return state.followers.compactMap(\.follower)
            }
            let isKnown =
                state.withLock { $0.sleepers.contains { $0.deadline == moment } }
                || followers.contains { $0.hasTimer(at: moment) }
            if isKnown { willWake(at: moment) }
        }
    }

    // MARK: Loops

    public func add(_ follower: any TimeFollower) {
        state.withLock { $0.followers.append(WeakFollower(follower: follower)) }
    }

    public func remove(_ follower: any TimeFollower) {
        state.withLock { state in
            state.followers.removeAll { $0.follower == nil || $0.follower === follower }
        }
    }

    public func willWake(at moment: Instant) {
        for observer in state.withLock({ $0.removeObservers(of: moment) }) { observer.resume() }
    }

    private struct WeakFollower { weak var follower: (any TimeFollower)? }

    private struct Sleeper {
        let id: Int
        let deadline: Instant
        let continuation: CheckedContinuation<Result<Void, GatewayError>, Never>
    }

    private struct State {
        var now: Instant
        var wall: WallTime
        var sleepers: [Sleeper] = []
        var observers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
        var momentObservers: [(moment: Instant, continuation: CheckedContinuation<Void, Never>)] = []
        var followers: [WeakFollower] = []
        var nextID = 0

        init(now: Instant, wall: WallTime) { (self.now, self.wall) = (now, wall) }

        mutating func makeID() -> Int {
            nextID += 1
            return nextID
        }

        mutating func move(to target: Instant) {
            guard target > now else { return }
            wall = wall + (target - now)
            now = target
        }

        /// Those with one deadline go in the order they came.
        mutating func removeNextSleeper(upTo target: Instant) -> Sleeper? {
            let next = sleepers.filter { $0.deadline <= target }.min { ($0.deadline, $0.id) < ($1.deadline, $1.id) }
            guard let next else { return nil }
            move(to: next.deadline)
            return removeSleeper(next.id)
        }

        mutating func removeSleeper(_ id: Int) -> Sleeper? {
            guard let index = sleepers.firstIndex(where: { $0.id == id }) else { return nil }
            return sleepers.remove(at: index)
        }

        mutating func removeObservers(of moment: Instant) -> [CheckedContinuation<Void, Never>] {
            defer { momentObservers.removeAll { $0.moment == moment } }
            return momentObservers.filter { $0.moment == moment }.map(\.continuation)
        }

        mutating func removeSatisfiedObservers() -> [CheckedContinuation<Void, Never>] {
            let satisfied = observers.filter { $0.count <= sleepers.count }
            observers.removeAll { $0.count <= sleepers.count }
            return satisfied.map(\.continuation)
        }
    }
}
