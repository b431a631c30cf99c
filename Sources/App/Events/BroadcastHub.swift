import Synchronization

/// Tells everybody who listens. Nobody is waited for: whoever is too slow loses the oldest, and can see how many.
final class BroadcastHub<Element: Sendable>: Sendable {
    private struct State {
        var inboxes: [UInt64: BoundedInbox<Element>] = [:]
        var lastID: UInt64 = 0
    }

    private let state = Mutex(State())

    func publish(_ element: Element) {
        for inbox in state.withLock({ Array($0.inboxes.values) }) { inbox.put(element) }
    }

    /// From now on.
    ///
    /// - Parameter limit: How many may wait for this listener.
    func subscribe(limit: Int = 1000) -> Subscription {
        let inbox = BoundedInbox<Element>(limit: limit)
        let id = state.withLock { state in
            state.lastID += 1
            state.inboxes[state.lastID] = inbox
            return state.lastID
        }
        return Subscription(inbox, id: id, hub: self)
    }

    var listenerCount: Int { state.withLock { $0.inboxes.count } }

    private func forget(_ id: UInt64) { state.withLock { $0.inboxes[id] = nil } }

    /// One listener's place; it is given up when nobody holds it any more.
    final class Subscription: Sendable {
        private let inbox: BoundedInbox<Element>
        private let id: UInt64
        private let hub: BroadcastHub

        fileprivate init(_ inbox: BoundedInbox<Element>, id: UInt64, hub: BroadcastHub) {
            (self.inbox, self.id, self.hub) = (inbox, id, hub)
        }

        deinit { hub.forget(id) }

        /// The next element; `nil` when the task is cancelled.
        func next() async -> Element? { await inbox.next() }
        /// How many this listener has lost by being too slow.
        var dropped: Int { inbox.dropped }
    }
}
