internal import PolluxCore

/// The conversation as the one text that a new upstream session is given, since the upstream knows no roles.
///
/// A lone user message is sent as it is, anything else in the layout of `PromptWriter`. Thoughts are not sent back.
/// Source: Gemini Business protocol notes, section 7; its web app only ever sends the text of one message.
struct BusinessPrompt: Sendable, Equatable {
    let text: String

    /// - Throws: `invalidRequest` when there is no text at all.
    init(_ request: ModelRequest) throws(GatewayError) {
        text = try PromptWriter(request).newChat().text
    }
}
