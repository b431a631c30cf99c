internal import Glibc
internal import PolluxCore
internal import Synchronization

/// Runs tasks on the thread that made it, one job at a time, in an order that a seed decides.
///
/// A task that prefers this executor keeps to it: children of its groups inherit the preference, and nonisolated async
/// functions stay with their caller. What runs elsewhere all the same shows in `strayJobs`.
public final class SeededExecutor: TaskExecutor {
    private let random: SeededRandom
    private let jobs = Mutex<[UnownedJob]>([])
    private let strays = Atomic(0)
    private let thread = pthread_self()

    public init(seed: UInt64) { random = SeededRandom(seed: seed) }

    public func enqueue(_ job: consuming ExecutorJob) {
        if pthread_equal(pthread_self(), thread) == 0 { strays.wrappingAdd(1, ordering: .relaxed) }
        let job = UnownedJob(job)
        jobs.withLock { $0.append(job) }
    }

    /// Jobs that another thread handed in: code under test left this executor, so a run cannot be repeated.
    public var strayJobs: Int { strays.load(ordering: .relaxed) }

    public var isIdle: Bool { jobs.withLock { $0.isEmpty } }

    /// Runs one of the runnable jobs until it ends or waits.
    ///
    /// - Returns: False when none was runnable.
    public func runOne() -> Bool {
        let job = jobs.withLock { jobs -> UnownedJob? in
            guard !jobs.isEmpty else { return nil }
            let index = Int(random.below(UInt64(jobs.count)))
            jobs.swapAt(index, jobs.count - 1)
            return jobs.popLast()
        }
        job?.runSynchronously(on: asUnownedTaskExecutor())
        return job != nil
    }
}
