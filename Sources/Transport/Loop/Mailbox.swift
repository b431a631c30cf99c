import Glibc
import PolluxCore
import Synchronization

/// Brings one value to a thread that waits for it.
//
// Unchecked: the semaphore is a thread-safe system object, and the pointer to it never changes.
final class Mailbox<Value: Sendable>: @unchecked Sendable {
    private let value = Mutex<Value?>(nil)
    private let arrived = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() { sem_init(arrived, 0, 0) }

    deinit {
        sem_destroy(arrived)
        arrived.deallocate()
    }

    func put(_ new: Value) {
        value.withLock { $0 = new }
        sem_post(arrived)
    }

    /// - Returns: `nil` when nothing has come in time.
    func take(within limit: Duration) -> Value? {
        let end = WallTime.systemNow + limit
        var deadline = timespec(
            tv_sec: Int(end.microseconds / 1_000_000), tv_nsec: Int(end.microseconds % 1_000_000) * 1000)
        while sem_timedwait(arrived, &deadline) != 0 {
            guard errno == EINTR else { break }
        }
        return value.withLock { $0.take() }
    }
}
