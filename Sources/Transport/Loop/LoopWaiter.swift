/// The place where a task on a loop waits for an event of that loop. Resumes exactly once: by the event, by closing, or
/// by the task's cancellation.
//
// Unchecked: touched on the loop's thread only; a cancellation from elsewhere is brought there.
final class LoopWaiter: @unchecked Sendable {
    private let loop: EventLoop
    private var continuation: CheckedContinuation<Bool, Never>?
    private var ticket = 0

    init(_ loop: EventLoop) { self.loop = loop }

    /// Suspends while `mustWait` holds. It is asked at the very moment of waiting: reaching it may have taken the task
    /// through the executor's queue, and what it waits for may have happened meanwhile.
    ///
    /// - Returns: What `resume` was given; true when there was nothing to wait for; false when the task is cancelled.
    ///   A second task finds no room and gets false at once.
    func wait(while mustWait: () -> Bool) async -> Bool {
        guard continuation == nil else { return false }
        ticket += 1
        let mine = ticket
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                loop.checkIsolated()
                if mustWait() { self.continuation = continuation } else { continuation.resume(returning: true) }
            }
        } onCancel: {
            loop.execute { self.cancel(mine) }
        }
    }

    /// Does nothing when nobody waits.
    func resume(_ result: Bool) {
        continuation.take()?.resume(returning: result)
    }

    private func cancel(_ ticket: Int) {
        if ticket == self.ticket { resume(false) }
    }
}
