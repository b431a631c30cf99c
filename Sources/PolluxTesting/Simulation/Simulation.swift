internal import PolluxCore
internal import Synchronization

/// Tasks over virtual time whose every step follows from a seed: which runnable job runs next, and that the clock moves
/// only when none is runnable, straight to the next moment that somebody sleeps for.
///
/// Two runs of one seed are the same run, as long as the code asks `time` for the time, a seeded source for randomness,
/// and depends on nothing else that differs, such as the order of a dictionary. Used from one thread only.
public final class Simulation: Sendable {
    /// How a run came to its end.
    public enum Ending: Sendable, Equatable {
        case finished
        /// A check asked for it.
        case stopped
        /// These tasks wait for something that never comes.
        case stalled(tasks: Int)
        /// So many jobs ran without the clock moving that they would run for ever.
        case spinning
        /// Work left the executor, so that the run cannot be repeated.
        case strayed
    }

    /// Far more than any honest moment needs.
    private static let mostJobsAtOnce = 100_000

    public let time: ManualTime
    private let executor: SeededExecutor
    private let counts = Mutex((steps: 0, running: 0))

    public init(seed: UInt64) {
        executor = SeededExecutor(seed: seed)
        time = ManualTime()
    }

    /// How many jobs have run; a finer clock than the time.
    public var steps: Int { counts.withLock { $0.steps } }

    /// Starts a task of the simulated world; a run lasts until the last one has ended.
    @discardableResult
    public func start(_ body: @escaping @Sendable () async -> Void) -> Task<Void, Never> {
        counts.withLock { $0.running += 1 }
        return Task(executorPreference: executor) {
            await body()
            self.counts.withLock { $0.running -= 1 }
        }
    }

    /// Runs until every task has ended.
    ///
    /// - Parameters:
    ///   - afterStep: Called after each job; false stops the run.
    ///   - whenQuiet: Called when nothing is runnable, before the clock moves; false stops the run.
    public func run(afterStep: () -> Bool = { true }, whenQuiet: () -> Bool = { true }) -> Ending {
        while true {
            var jobsAtOnce = 0
            while executor.runOne() {
                jobsAtOnce += 1
                guard jobsAtOnce <= Self.mostJobsAtOnce else { return .spinning }
                counts.withLock { $0.steps += 1 }
                guard executor.strayJobs == 0 else { return .strayed }
                guard afterStep() else { return .stopped }
            }
            guard whenQuiet() else { return .stopped }
            // A check may have started something.
            guard executor.isIdle else { continue }
            let running = counts.withLock { $0.running }
            guard running > 0 else { return .finished }
            guard let next = time.nextDeadline else { return .stalled(tasks: running) }
            time.advance(by: next - time.now)
        }
    }
}
