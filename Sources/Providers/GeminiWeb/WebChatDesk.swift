import PolluxCore
import Synchronization

/// The chat that one request is asked in: one that the upstream knows already, or a new one; and where it stands after
/// an answer, so that the conversation can go on in it.
///
/// Source: Gemini web protocol notes, sections 5.5, 14.4 and 14.5.
final class WebChatDesk: Sendable {
    private let state: Mutex<State>
    private let book: SessionBook?
    private let keys: ConversationKeys?
    private let writer: PromptWriter
    private let account: String
    private let maxPromptBytes: Int
    private let time: any TimeSource
    /// While it lives, no other request speaks in the conversation.
    private let turn: ConversationTurn?

    private struct State {
        var reused: ReusedChat?
        /// After an answer that is complete.
        var answered: WebChat?
    }

    /// - Parameters:
    ///   - book: `nil` for accounts whose chats cannot be gone on with.
    ///   - locks: Let the requests of a conversation that its client has named in one after the other.
    /// - Throws: `conversationLost` for a request that brings nothing but what is new, when the chat that knows the
    ///   rest belongs to another account.
    init(
        _ request: ModelRequest, account: String, book: SessionBook?, locks: ConversationLocks, maxPromptBytes: Int,
        time: any TimeSource
    ) async throws(GatewayError) {
        (self.book, self.account, self.maxPromptBytes, self.time) = (book, account, maxPromptBytes, time)
        writer = PromptWriter(request)
        let keys = book == nil ? nil : ConversationKeys(request, heedsName: true)
        self.keys = keys
        var turn: ConversationTurn?
        if let name = keys?.name { turn = try await locks.turn(of: name) }
        self.turn = turn
        let reused = keys.flatMap { book?.reuse($0, account: account, now: time.now) }
        if reused == nil, let keys, keys.latest != nil, book?.preferredAccount(keys, now: time.now) != nil {
            throw .conversationLost(because: "the account that has the conversation is busy or rests")
        }
        state = Mutex(State(reused: reused))
    }

    /// What to say: the whole conversation to a new chat, else what the chat does not know yet.
    func prompt() throws(GatewayError) -> String {
        let known = state.withLock { $0.reused?.turnCount }
        let prompt = if let known { try writer.continuation(after: known) } else { try writer.newChat() }
        return try prompt.fitted(maxPromptBytes: maxPromptBytes, maxFileBytes: nil).text
    }

    var chat: WebChat {
        state.withLock { state in
            state.answered ?? state.reused.map { WebChat($0.session) } ?? .new
        }
    }

    func note(_ chat: WebChat) { state.withLock { $0.answered = chat } }

    /// The upstream does not go on with the chat: the conversation begins again in a new one.
    ///
    /// - Throws: `conversationLost` when this request does not bring the conversation with it.
    func loseChat() throws(GatewayError) {
        let (lost, known) = state.withLock { state -> (ChatID?, Int?) in
            defer { state = State() }
            let answered = state.answered.map { ChatID(account: account, chatID: $0.conversation) }
            return (state.reused?.session.id ?? answered, state.reused?.turnCount)
        }
        if let lost { book?.invalidate(lost) }
        if known == 0 { throw .conversationLost(because: "the upstream has lost the conversation's chat") }
    }

    /// Remembers the chat under the conversation as the client has it.
    ///
    /// - Parameter parts: The answer.
    func keep(_ parts: [Part]) {
        let (reused, answered) = state.withLock { ($0.reused, $0.answered) }
        guard let book, let keys, let answered, !answered.isNew else { return }
        book.store(
            answered.session(of: account), under: [keys.key(afterAnswer: parts)], name: keys.name, after: reused,
            now: time.now)
    }
}

extension WebChat {
    fileprivate init(_ session: ChatSession) {
        self.init(
            conversation: session.chatID, reply: session.turnID, candidate: session.answerID, context: session.context)
    }

    fileprivate func session(of account: String) -> ChatSession {
        ChatSession(
            account: account, chatID: conversation, turnID: reply, answerID: candidate, context: context)
    }
}
