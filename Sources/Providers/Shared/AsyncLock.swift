import PolluxCore
import Synchronization

/// One task at a time, first come, first served, over awaits. For work on one account that must not run twice at once:
/// signing in, renewing.
///
/// Bounded by who calls: each waiter is a request that was let in.
final class AsyncLock: Sendable {
    private let state = Mutex(State())

    /// Waits for its turn, then runs `body`.
    ///
    /// - Throws: `cancelled` when the task is cancelled while it waits; what `body` throws.
    func withLock<Result>(
        _ body: () async throws(GatewayError) -> Result
    ) async throws(GatewayError) -> Result {
        guard await acquire() else { throw .cancelled }
        defer { release() }
        return try await body()
    }

    /// How many wait now.
    var waiterCount: Int { state.withLock { $0.waiters.count } }

    private struct State {
        var isHeld = false
        var waiters: [(id: Int, continuation: CheckedContinuation<Bool, Never>)] = []
        var nextID = 0
    }

    /// Waits for its turn, to be given back by `release()`.
    ///
    /// - Returns: False when the task was cancelled while it waited.
    func acquire() async -> Bool {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let outcome = state.withLock { state -> Bool? in
                    // Asked under the lock: a cancellation after this finds the waiter in the list.
                    if Task.isCancelled { return false }
                    guard state.isHeld else {
                        state.isHeld = true
                        return true
                    }
                    state.waiters.append((id, continuation))
                    return nil
                }
                if let outcome { continuation.resume(returning: outcome) }
            }
        } onCancel: {
            let continuation = state.withLock { state in
                state.waiters.firstIndex { $0.id == id }.map { state.waiters.remove(at: $0).continuation }
            }
            continuation?.resume(returning: false)
        }
    }

    func release() {
        let next = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            guard !state.waiters.isEmpty else {
                state.isHeld = false
                return nil
            }
            return state.waiters.removeFirst().continuation
        }
        next?.resume(returning: true)
    }
}
