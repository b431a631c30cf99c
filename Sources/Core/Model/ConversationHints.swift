/// What a client says about the conversation that a request belongs to. Everything here is the client's word: it counts
/// only together with the client's key (`ClientInfo.keyID`), and never leads to another client's conversation.
public struct ConversationHints: Sendable, Equatable {
    /// The client's own name for the conversation, from the header `x-pollux-conversation`, the body's
    /// `conversation_id` or `metadata.conversation_id`. Never taken from `user`, which many programs send constant.
    public var id: String?
    /// The id of the answer that this request continues, without the format's prefix.
    public var previousResponseID: String?
    /// OpenAI's hint for requests that begin alike.
    public var promptCacheKey: String?
    /// The id under which the client may continue this request's own answer; `nil` where its format has no such.
    public var answerID: String?

    public init() {}
}
