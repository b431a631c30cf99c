internal import PolluxCore
internal import Synchronization

/// The session that one request is asked in: one that knows the conversation already, or a new one; and where it stands
/// after the answer, so that the conversation can go on in it.
///
/// Source: Gemini Business protocol notes, section 7.
final class BusinessDesk: Sendable {
    private let state: Mutex<State>
    private let keys: ConversationKeys?
    private let parts: BusinessSessions
    private let writer: PromptWriter
    private let account: String
    /// While it lives, no other request speaks in the conversation.
    private let turn: ConversationTurn?

    private struct State {
        var reused: ReusedChat?
        /// A session that this request has opened.
        var opened: BusinessSession?
        var isKept = false
    }

    /// - Throws: `conversationLost` for a request that brings nothing but what is new, when the session that knows the
    ///   rest belongs to another account.
    init(
        _ request: ModelRequest, account: String, in sessions: BusinessSessions
    ) async throws(GatewayError) {
        (parts, self.account) = (sessions, account)
        writer = PromptWriter(request)
        let keys = sessions.keys(of: request)
        self.keys = keys
        var turn: ConversationTurn?
        if let name = keys?.name { turn = try await sessions.locks.turn(of: name) }
        self.turn = turn
        let now = sessions.time.now
        let reused = keys.flatMap { sessions.book.reuse($0, account: account, now: now) }
        if reused == nil, let keys, keys.latest != nil, sessions.book.preferredAccount(keys, now: now) != nil {
            throw .conversationLost(because: "the account that has the conversation is busy or rests")
        }
        state = Mutex(State(reused: reused))
    }

    deinit {
        let (opened, isKept) = state.withLock {
            ($0.opened ?? $0.reused.map { BusinessSession($0.session) }, $0.isKept)
        }
        if let opened, !isKept { parts.leave(opened, of: account) }
    }

    /// What to say: the whole conversation to a new session, else what it does not know yet.
    func prompt() throws(GatewayError) -> Prompt {
        let known = state.withLock { $0.opened == nil ? $0.reused?.turnCount : nil }
        return if let known { try writer.continuation(after: known) } else { try writer.newChat() }
    }

    /// `nil` until one is opened.
    var session: BusinessSession? {
        state.withLock { state in state.opened ?? state.reused.map { BusinessSession($0.session) } }
    }

    func note(_ session: BusinessSession) { state.withLock { $0.opened = session } }

    /// The upstream has lost the session: the conversation begins again in a new one.
    ///
    /// - Throws: `conversationLost` when this request does not bring the conversation with it.
    func loseSession() throws(GatewayError) {
        let known = state.withLock { state -> Int? in
            defer { state = State() }
            return state.opened == nil ? state.reused?.turnCount : nil
        }
        if known == 0 { throw .conversationLost(because: "the upstream has lost the conversation's session") }
    }

    /// The upstream refused the question before it took it: the session stands where it stood.
    func giveBack() {
        let reused = state.withLock { state -> ReusedChat? in
            guard state.opened == nil, let reused = state.reused else { return nil }
            state.isKept = true
            return reused
        }
        if let reused { parts.book.giveBack(reused, now: parts.time.now) }
    }

    /// Remembers the session under the conversation as the client has it.
    ///
    /// - Parameter answer: What the client got.
    func keep(_ answer: [Part]) {
        guard let keys, let session else { return }
        state.withLock { $0.isKept = true }
        let chat = ChatSession(account: account, chatID: session.name, turnID: "", answerID: "")
        parts.book.store(chat, under: [keys.key(afterAnswer: answer)], name: keys.name, now: parts.time.now)
    }
}

extension BusinessSession {
    fileprivate init(_ chat: ChatSession) { self.init(name: chat.chatID) }
}
