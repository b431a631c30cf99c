import Synchronization

/// A queue between parts that do not wait for each other. Bounded: when it is full, the oldest goes.
final class BoundedInbox<Element: Sendable>: Sendable {
    private struct State {
        var elements: [Element] = []
        var dropped = 0
        var reader: CheckedContinuation<Element?, Never>?
    }

    private let state = Mutex(State())
    private let limit: Int

    init(limit: Int) {
        precondition(limit > 0, "a queue that holds nothing is a mistake")
        self.limit = limit
    }

    /// How many were thrown away.
    var dropped: Int { state.withLock { $0.dropped } }
    var count: Int { state.withLock { $0.elements.count } }

    func put(_ element: Element) {
        let reader = state.withLock { state -> CheckedContinuation<Element?, Never>? in
            if let reader = state.reader.take() { return reader }
            if state.elements.count >= limit {
                state.elements.removeFirst()
                state.dropped += 1
            }
            state.elements.append(element)
            return nil
        }
        reader?.resume(returning: element)
    }

    /// Puts back what was taken and could not be dealt with; it is the next again. In a full queue it is what goes.
    func putBack(_ element: Element) {
        let isDropped = state.withLock { state in
            guard state.elements.count < limit else {
                state.dropped += 1
                return true
            }
            guard state.reader == nil else { return false }
            state.elements.insert(element, at: 0)
            return true
        }
        if !isDropped { put(element) }
    }

    /// The oldest; waits for one. For one reader at a time: another one that comes meanwhile sends the first away.
    ///
    /// - Returns: `nil` when the task is cancelled.
    func next() async -> Element? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // Under the lock: a cancellation before it is seen here, one after it finds the continuation.
                let (answer, former) = state.withLock { state -> (Element??, CheckedContinuation<Element?, Never>?) in
                    if Task.isCancelled { return (.some(nil), nil) }
                    guard state.elements.isEmpty else { return (.some(state.elements.removeFirst()), nil) }
                    defer { state.reader = continuation }
                    return (.none, state.reader)
                }
                former?.resume(returning: nil)
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            state.withLock { $0.reader.take() }?.resume(returning: nil)
        }
    }
}
