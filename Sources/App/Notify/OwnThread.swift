import Glibc
import Synchronization

/// Runs what blocks for long on a thread of its own, which ends with it: the few workers have other things to do.
enum OwnThread {
    /// - Returns: What the body returns. Where the system gives no thread, it runs on the caller's.
    static func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            let job = ThreadJob { continuation.resume(returning: body()) }
            var thread = pthread_t()
            let argument = Unmanaged.passRetained(job).toOpaque()
            guard pthread_create(&thread, nil, runThreadJob, argument) == 0 else {
                Unmanaged<ThreadJob>.fromOpaque(argument).release()
                return job.body()
            }
            pthread_detach(thread)
        }
    }
}

private final class ThreadJob: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}

/// A free function: a closure made on the main actor would trap when another thread calls it.
private func runThreadJob(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    Unmanaged<ThreadJob>.fromOpaque(argument).takeRetainedValue().body()
    return nil
}
