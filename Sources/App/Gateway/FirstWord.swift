import PolluxCore
import Synchronization

/// Whether a credential source has spoken yet, that is published or failed, and those who wait until it does.
///
/// Asking for an answer, or for a list of models, before the accounts are there would find none.
final class FirstWord: Sendable {
    private struct State {
        var isSpoken = false
        var waiting: [UInt64: CheckedContinuation<Void, Never>] = [:]
        var lastID: UInt64 = 0
    }

    private let state = Mutex(State())

    func speak() {
        let waiting = state.withLock { state in
            state.isSpoken = true
            defer { state.waiting = [:] }
            return state.waiting
        }
        for continuation in waiting.values { continuation.resume() }
    }

    var isSpoken: Bool { state.withLock { $0.isSpoken } }

    /// Returns once the source has spoken, or when the task is cancelled.
    func wait() async {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // Under the lock: a cancellation before it is seen here, one after it finds the continuation.
                let waits = state.withLock { state in
                    guard !state.isSpoken, !Task.isCancelled else { return false }
                    state.waiting[id] = continuation
                    return true
                }
                if !waits { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: id) }?.resume()
        }
    }
}

extension [FirstWord] {
    /// Returns once all have spoken, and at `deadline` at the latest.
    func wait(until deadline: Instant, _ time: any TimeSource) async {
        guard !allSatisfy(\.isSpoken) else { return }
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for word in self { await word.wait() }
            }
            group.addTask {
                do { try await time.sleep(until: deadline) } catch { return }
            }
            await group.next()
            group.cancelAll()
        }
    }
}
