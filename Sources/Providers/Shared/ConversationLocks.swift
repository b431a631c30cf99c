import PolluxCore
import Synchronization

/// Lets the requests of one conversation in one after the other. At most so many conversations at a time; beyond that,
/// nobody waits.
final class ConversationLocks: Sendable {
    private let locks = Mutex<[SessionKey: Entry]>([:])
    private let limit: Int

    private struct Entry {
        let lock: AsyncLock
        var users: Int
    }

    init(limit: Int = 2000) { self.limit = limit }

    /// Waits for the conversation's turn, which lasts as long as what is returned.
    ///
    /// - Returns: `nil` when too many conversations are under way to keep this one in line.
    /// - Throws: `cancelled` when the task is cancelled while it waits.
    func turn(of conversation: SessionKey) async throws(GatewayError) -> ConversationTurn? {
        let lock = locks.withLock { locks -> AsyncLock? in
            guard locks[conversation] != nil || locks.count < limit else { return nil }
            locks[conversation, default: Entry(lock: AsyncLock(), users: 0)].users += 1
            return locks[conversation]?.lock
        }
        guard let lock else { return nil }
        guard await lock.acquire() else {
            leave(conversation)
            throw .cancelled
        }
        return ConversationTurn { [self] in
            lock.release()
            leave(conversation)
        }
    }

    /// Conversations that somebody is in.
    var count: Int { locks.withLock { $0.count } }

    private func leave(_ conversation: SessionKey) {
        locks.withLock { locks in
            locks[conversation]?.users -= 1
            if locks[conversation]?.users == 0 { locks[conversation] = nil }
        }
    }
}

/// A request's turn in its conversation; over when it is released.
final class ConversationTurn: Sendable {
    private let end: @Sendable () -> Void
    fileprivate init(end: @escaping @Sendable () -> Void) { self.end = end }
    deinit { end() }
}

extension GatewayError {
    /// A request with nothing but what is new cannot be answered, because what was said before is out of reach.
    static func conversationLost(because why: String) -> GatewayError {
        GatewayError(
            .conversationLost, .request, "\(why); send the whole conversation again, under the same name or another",
            param: "conversation_id")
    }
}
