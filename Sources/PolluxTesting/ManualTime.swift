public import PolluxCore
internal import Synchronization

/// A clock that stands still until a test moves it.
public final class ManualTime: TimeSource {
    private let state: Mutex<State>

    /// - Parameter wall: The civil time at the start; 2026-01-01 00:00:00 UTC unless said otherwise.
    public init(now: Instant = Instant(microseconds: 0), wall: WallTime = WallTime(seconds: 1_767_225_600)) {
        state = Mutex(State(now: now, wall: wall))
    }

    public var now: Instant { state.withLock { $0.now } }
    public var wallNow: WallTime { state.withLock { $0.wall } }

    /// Moves both clocks, and resumes whoever slept until a moment on the way, in the order of their deadlines.
    public func advance(by duration: Duration) {
        let target = now + duration
        while let sleeper = state.withLock({ $0.removeNextSleeper(upTo: target) }) {
            sleeper.continuation.resume(returning: .success(()))
        }
        state.withLock { $0.move(to: target) }
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
                    return state.removeSatisfiedObservers()
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

        mutating func removeSatisfiedObservers() -> [CheckedContinuation<Void, Never>] {
            let satisfied = observers.filter { $0.count <= sleepers.count }
            observers.removeAll { $0.count <= sleepers.count }
            return satisfied.map(\.continuation)
        }
    }
}
