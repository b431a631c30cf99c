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

    private struct State {
        var reused: ReusedChat?
        /// After an answer that is complete.
        var answered: WebChat?
    }

    /// - Parameter book: `nil` for accounts whose chats cannot be gone on with.
    init(
        _ request: ModelRequest, account: String, book: SessionBook?, maxPromptBytes: Int, time: any TimeSource
    ) {
        (self.book, self.account, self.maxPromptBytes, self.time) = (book, account, maxPromptBytes, time)
        writer = PromptWriter(request)
        let keys = book == nil ? nil : ConversationKeys(request)
        self.keys = keys
        let reused = keys.flatMap { book?.reuse($0, account: account, now: time.now) }
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
    func loseChat() {
        let lost = state.withLock { state in
            defer { state = State() }
            return state.reused?.session.id ?? state.answered.map { ChatID(account: account, chatID: $0.conversation) }
        }
        if let lost { book?.invalidate(lost) }
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
