/// Runs each job at once, on the thread that asks: what is handed to "another thread" is done when the call returns.
public final class InlineExecutor: TaskExecutor {
    public init() {}

    public func enqueue(_ job: consuming ExecutorJob) {
        UnownedJob(job).runSynchronously(on: asUnownedTaskExecutor())
    }
}
