internal import PolluxCore
internal import Synchronization

/// Decides when a conversation goes on in a chat that the upstream has already: it is the same word for word, exactly
/// one chat is known for it, the account is the one that owns the chat, and no other request is using it.
///
/// Where the upstream's chats are `branching`, the key of an earlier point stays valid, so a client may go back and
/// take another turn from there. A `linear` chat is taken out of the book for each request and put back at its new end.
final class SessionBook: Sendable {
    /// What a chat of the upstream can do.
    enum ChatNature: Sendable {
        /// It can be gone on with from each of its earlier answers.
        case branching
        /// It stands where its latest answer left it. Two chats with the same history are as good as each other.
        case linear
    }

    private let table: any SessionTable
    private let nature: ChatNature
    private let held = Mutex<Set<ChatID>>([])

    init(_ table: any SessionTable, chats nature: ChatNature = .branching) {
        (self.table, self.nature) = (table, nature)
    }

    /// The account that could go on with this conversation, for the pool's affinity.
    func preferredAccount(_ keys: ConversationKeys, now: Instant) -> String? {
        find(keys, account: nil, now: now)?.session.account
    }

    /// Takes the chat for one request; `nil` means a new chat. It is given back when the hold is gone.
    func reuse(_ keys: ConversationKeys, account: String, now: Instant) -> ReusedChat? {
        guard let found = find(keys, account: account, now: now), found.session.account == account else { return nil }
        guard held.withLock({ $0.insert(found.session.id).inserted }) else { return nil }
        var keys = [found.key]
        if nature == .linear {
            keys = table.remove(found.session.id)
            // Somebody else may have taken it, and gone on with it, since it was found.
            guard !keys.isEmpty else {
                release(found.session.id)
                return nil
            }
        }
        return ReusedChat(found.session, turnCount: found.turnCount, keys: keys, book: self)
    }

    /// Remembers where a chat stands after an answer. Not for temporary chats: they cannot be gone on with.
    ///
    /// - Parameters:
    ///   - name: Of a named conversation, which is in one chat at a time: one that it has left behind does not know
    ///     what was said since.
    ///   - reused: The chat that was gone on with; its earlier point stays as fresh, if it is still one.
    func store(
        _ session: ChatSession, under keys: [SessionKey], name: SessionKey? = nil, after reused: ReusedChat? = nil,
        now: Instant
    ) {
        if nature == .branching, let reused, reused.session.id == session.id {
            for key in reused.keys { table.store(reused.session, under: key, now: now) }
        }
        for key in keys + [name].compactMap(\.self) { table.store(session, under: key, now: now) }
        if let name { table.keep(session.id, aloneUnder: name) }
    }

    /// Puts a chat back that was taken and not spoken in.
    func giveBack(_ reused: ReusedChat, now: Instant) {
        guard nature == .linear else { return }
        for key in reused.keys { table.store(reused.session, under: key, now: now) }
    }

    /// Forgets a chat that the upstream has lost or refuses to go on with.
    func invalidate(_ chat: ChatID) { table.remove(chat) }

    fileprivate func release(_ chat: ChatID) {
        held.withLock { _ = $0.remove(chat) }
    }

    /// The longest known beginning decides, also when it is of no use: a shorter one would be the same chat's past, or
    /// a guess. The last turn is never among them: something must be left to say. A client that sends what is new alone
    /// is found by its own name for the conversation.
    private func find(
        _ keys: ConversationKeys, account: String?, now: Instant
    ) -> (session: ChatSession, turnCount: Int, key: SessionKey)? {
        let prefixes = Array(keys.prefixes.dropLast())
        if !prefixes.isEmpty {
            let known = table.sessions(under: prefixes, now: now)
            if let longest = known.lastIndex(where: { !$0.isEmpty }) {
                return choose(known[longest], account).map { ($0, longest + 1, prefixes[longest]) }
            }
        }
        guard let latest = keys.latest else { return nil }
        return choose(table.sessions(under: [latest], now: now).first ?? [], account).map { ($0, 0, latest) }
    }

    private func choose(_ alike: [ChatSession], _ account: String?) -> ChatSession? {
        switch nature {
        case .branching: alike.count == 1 ? alike.first : nil
        case .linear: alike.last { $0.account == account } ?? alike.last
        }
    }
}

/// A chat in the hands of one request. Another one that would use it meanwhile begins a new chat.
final class ReusedChat: Sendable {
    let session: ChatSession
    /// Turns of the request that the chat knows.
    let turnCount: Int
    fileprivate let keys: [SessionKey]
    private let book: SessionBook

    fileprivate init(_ session: ChatSession, turnCount: Int, keys: [SessionKey], book: SessionBook) {
        (self.session, self.turnCount, self.keys, self.book) = (session, turnCount, keys, book)
    }

    deinit { book.release(session.id) }
}
