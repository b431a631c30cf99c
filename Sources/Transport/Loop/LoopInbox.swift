import CSystem
import Glibc
import Synchronization

/// What a loop runs between its socket events.
enum LoopJob: Sendable {
    case task(UnownedJob)
    case work(@Sendable () -> Void)
}

/// The way into a loop for other threads: an array behind a lock, and an eventfd written once per batch.
final class LoopInbox: Sendable {
    let descriptor: Int32

    private struct State {
        var jobs: [LoopJob] = []
        /// The eventfd was written and the loop has not come for the batch yet.
        var isAnnounced = false
    }

    private let state = Mutex(State())

    init?() {
        descriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard descriptor >= 0 else { return nil }
    }

    deinit { close(descriptor) }

    func post(_ job: LoopJob) {
        let mustAnnounce = state.withLock { state in
            state.jobs.append(job)
            defer { state.isAnnounced = true }
            return !state.isAnnounced
        }
        guard mustAnnounce else { return }
        var one: UInt64 = 1
        write(descriptor, &one, 8)
    }

    /// Moves the batch behind what `jobs` holds. On the loop's thread.
    func drain(into jobs: inout [LoopJob]) {
        var count: UInt64 = 0
        read(descriptor, &count, 8)
        state.withLock { state in
            jobs.append(contentsOf: state.jobs)
            state.jobs.removeAll(keepingCapacity: true)
            state.isAnnounced = false
        }
    }
}
