import Glibc
import Synchronization

/// Runs one test on a thread of its own, so that its blocking sockets keep nobody else waiting.
///
/// Unchecked: the queue is guarded by its mutex; the semaphore is a thread-safe system object.
final class BlockingThread: TaskExecutor, @unchecked Sendable {
    private struct Queue: ~Copyable {
        var jobs: [UnownedJob] = []
        var isOver = false
    }

    private let queue = Mutex(Queue())
    private let available: UnsafeMutablePointer<sem_t>

    /// Runs the body there; the thread ends with it.
    static func run<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> Result {
        let thread = try BlockingThread()
        defer { thread.stop() }
        return try await Task(executorPreference: thread) { try await body() }.value
    }

    private init() throws {
        available = .allocate(capacity: 1)
        sem_init(available, 0, 0)
        var thread = pthread_t()
        let code = pthread_create(&thread, nil, runBlockingThread, Unmanaged.passRetained(self).toOpaque())
        guard code == 0 else { throw TestFailure("no thread: \(String(cString: strerror(code)))") }
        pthread_detach(thread)
    }

    deinit { available.deallocate() }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.withLock { $0.jobs.append(job) }
        sem_post(available)
    }

    private func stop() {
        queue.withLock { $0.isOver = true }
        sem_post(available)
    }

    fileprivate func runJobs() {
        while true {
            while sem_wait(available) != 0 {}
            let job = queue.withLock { $0.jobs.isEmpty ? nil : $0.jobs.removeFirst() }
            if let job {
                job.runSynchronously(on: asUnownedTaskExecutor())
            } else if queue.withLock({ $0.isOver }) {
                return
            }
        }
    }
}

/// A free function: a closure could inherit an isolation that another thread breaks.
private func runBlockingThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    Unmanaged<BlockingThread>.fromOpaque(argument).takeRetainedValue().runJobs()
    return nil
}
