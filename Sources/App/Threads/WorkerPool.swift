import Glibc
import PolluxCore
import Synchronization

/// Threads for what may block or takes long: files, large bodies. Tasks move here with `withTaskExecutorPreference`.
///
/// Unchecked: the queue is guarded by its mutex, the semaphore counts its jobs and is a thread-safe system object.
final class WorkerPool: TaskExecutor, @unchecked Sendable {
    private struct Queue: ~Copyable {
        var jobs: [UnownedJob] = []
        var head = 0
    }

    private let queue = Mutex(Queue())
    private let available: UnsafeMutablePointer<sem_t>

    /// The threads live as long as the process.
    ///
    /// - Throws: `internalError` when the system gives no thread.
    init(threads: Int) throws(GatewayError) {
        available = .allocate(capacity: 1)
        sem_init(available, 0, 0)
        for _ in 0..<threads { try start() }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.withLock { $0.jobs.append(job) }
        sem_post(available)
    }

    private func start() throws(GatewayError) {
        var thread = pthread_t()
        let me = Unmanaged.passRetained(self).toOpaque()
        let code = pthread_create(&thread, nil, runWorker, me)
        guard code == 0 else {
            throw GatewayError(.internalError, .request, "cannot start a thread: \(String(cString: strerror(code)))")
        }
        pthread_detach(thread)
    }

    fileprivate func run() {
        while true {
            while sem_wait(available) != 0 {}
            guard let job = next() else { continue }
            job.runSynchronously(on: asUnownedTaskExecutor())
        }
    }

    private func next() -> UnownedJob? {
        queue.withLock { queue in
            guard queue.head < queue.jobs.count else { return nil }
            let job = queue.jobs[queue.head]
            queue.head += 1
            if queue.head == queue.jobs.count {
                queue.jobs.removeAll(keepingCapacity: true)
                queue.head = 0
            }
            return job
        }
    }
}

/// A free function: a closure made on the main actor would trap when another thread calls it.
private func runWorker(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    Unmanaged<WorkerPool>.fromOpaque(argument).takeUnretainedValue().run()
    return nil
}
