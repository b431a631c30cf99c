internal import PolluxCore
internal import Synchronization

/// Decides when a conversation goes on in a chat that the upstream has already: it is the same word for word, exactly
/// one chat is known for it, the account is the one that owns the chat, and no other request is using it.
///
/// The key of an earlier point stays valid, so a client may go back and take another turn from there.
final class SessionBook: Sendable {
    private let table: any SessionTable
    private let held = Mutex<Set<ChatID>>([])

    init(_ table: any SessionTable) { self.table = table }

    /// The account that could go on with this conversation, for the pool's affinity.
    func preferredAccount(_ keys: ConversationKeys, now: Instant) -> String? {
        find(keys, now: now)?.session.account
    }

    /// Takes the chat for one request; `nil` means a new chat. It is given back when the hold is gone.
    func reuse(_ keys: ConversationKeys, account: String, now: Instant) -> ReusedChat? {
        guard let (session, turnCount) = find(keys, now: now), session.account == account else { return nil }
        guard held.withLock({ $0.insert(session.id).inserted }) else { return nil }
        return ReusedChat(session, turnCount: turnCount, key: keys.prefixes[turnCount - 1], book: self)
    }

    /// Remembers where a chat stands after an answer. Not for temporary chats: they cannot be gone on with.
    ///
    /// - Parameter reused: The chat that was gone on with; its earlier point stays as fresh.
    func store(_ session: ChatSession, under key: SessionKey, after reused: ReusedChat? = nil, now: Instant) {
        if let reused, reused.session.id == session.id { table.store(reused.session, under: reused.key, now: now) }
        table.store(session, under: key, now: now)
    }

    /// Forgets a chat that the upstream has lost or refuses to go on with.
    func invalidate(_ chat: ChatID) { table.remove(chat) }

    fileprivate func release(_ chat: ChatID) {
        held.withLock { _ = $0.remove(chat) }
    }

    /// The longest known beginning decides, also when it is of no use: a shorter one would be the same chat's past, or
    /// a guess. The last turn is never among them: something must be left to say.
    private func find(_ keys: ConversationKeys, now: Instant) -> (session: ChatSession, turnCount: Int)? {
        let prefixes = keys.prefixes.dropLast()
        guard !prefixes.isEmpty else { return nil }
        let known = table.sessions(under: Array(prefixes), now: now)
        guard let longest = known.lastIndex(where: { !$0.isEmpty }), known[longest].count == 1,
            let session = known[longest].first
        else { return nil }
        return (session, longest + 1)
    }
}

/// A chat in the hands of one request. Another one that would use it meanwhile begins a new chat.
final class ReusedChat: Sendable {
    let session: ChatSession
    /// Turns of the request that the chat knows.
    let turnCount: Int
    fileprivate let key: SessionKey
    private let book: SessionBook

    fileprivate init(_ session: ChatSession, turnCount: Int, key: SessionKey, book: SessionBook) {
        (self.session, self.turnCount, self.key, self.book) = (session, turnCount, key, book)
    }

    deinit { book.release(session.id) }
}
