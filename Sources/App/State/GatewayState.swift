import PolluxAdmin
import PolluxCore
import Synchronization

/// What outlives the process, as a gateway uses it. Shared by the gateways before and after a reload.
final class GatewayState: Sendable {
    let store: any StateStoring
    let book: AccountBook
    let usage: UsageRecorder
    /// Tells the operator's listeners what happens.
    let events = EventHub()
    /// Under which names of conversations are hashed.
    let hashKey: (UInt64, UInt64)
    /// Those of the last process.
    let conversations: [StoredConversation]

    private init(
        _ store: any StateStoring, _ book: AccountBook, _ hashKey: (UInt64, UInt64),
        _ conversations: [StoredConversation]
    ) {
        (self.store, self.book, self.hashKey, self.conversations) = (store, book, hashKey, conversations)
        usage = UsageRecorder(store: store, events: events)
    }

    /// More conversations than this are not read back, whatever the settings allow.
    private static let maxConversations = 1_000_000

    /// Reads back what the last process left.
    static func load(_ store: any StateStoring) async throws(GatewayError) -> GatewayState {
        let book = try await AccountBook.open(store)
        return GatewayState(
            store, book, try await store.hashKey(), try await store.conversations(limit: maxConversations))
    }
}

/// Writes down what happens to accounts. What a pool remembers after a restart is written already, with what led to it.
struct TransitionRecorder: TransitionObserver {
    let store: any UsageStore
    let events: EventHub

    func happened(_ transitions: [AccountTransition]) {
        store.note(transitions.filter { $0.evidence.cause != .restart })
        for transition in transitions { events.publish(.transition(transition)) }
    }
}

/// Collects the requests that have ended, until the store takes them. One lock and one append for each.
final class UsageRecorder: Sendable {
    private let pending = Mutex(RequestBatch())
    private let store: any UsageStore
    private let events: EventHub

    /// With more than these the store is not kept waiting until the second is over. It bounds what it cannot write.
    static let mostPending = 1024

    init(store: any UsageStore, events: EventHub) { (self.store, self.events) = (store, events) }

    /// - Parameter isKept: False where the settings want no record of requests; who listens hears of it all the same.
    func note(_ request: borrowing RequestRecord, isKept: Bool) {
        if isKept, let full = append(request) { store.note(full) }
        events.publish(.ended(request))
    }

    private func append(_ request: borrowing RequestRecord) -> RequestBatch? {
        pending.withLock { pending in
            pending.append(request)
            return pending.count < Self.mostPending ? nil : pending.take()
        }
    }

    func take() -> RequestBatch { pending.withLock { $0.take() } }
}
