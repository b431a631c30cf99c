public import PolluxCore
internal import Synchronization

/// Holds whoever comes until a test opens it; open, it lets everyone through.
public final class Gate: Sendable {
    private let state = Mutex(State())

    public init() {}

    /// How many are held now.
    public var waitingCount: Int { state.withLock { $0.waiting.count } }

    public func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [:] }
            return state.waiting.values.map { $0 }
        }
        for continuation in waiting { continuation.resume(returning: true) }
    }

    /// - Throws: `cancelled` when the task is cancelled while it is held.
    public func pass() async throws(GatewayError) {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        let isOpen = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let outcome = state.withLock { state -> Bool? in
                    if state.isOpen { return true }
                    if Task.isCancelled { return false }
                    state.waiting[id] = continuation
                    return nil
                }
                if let outcome { continuation.resume(returning: outcome) }
            }
        } onCancel: {
            let continuation = state.withLock { $0.waiting.removeValue(forKey: id) }
            continuation?.resume(returning: false)
        }
        if !isOpen { throw .cancelled }
    }

    private struct State {
        var isOpen = false
        var waiting: [Int: CheckedContinuation<Bool, Never>] = [:]
        var nextID = 0
    }
}
