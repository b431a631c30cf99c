internal import PolluxCore

/// Writes a request as the one text that an upstream without roles, functions or output formats is given.
///
/// A provider for such an upstream uses the parts of this folder so:
/// ```swift
/// if let refusal = PromptWriter.refusal(of: request) { throw refusal }    // before an account is used
/// let keys = ConversationKeys(request)
/// let reused = book.reuse(keys, account: lease.accountID, now: time.now)  // kept until the answer has ended
/// let writer = PromptWriter(request)
/// let prompt = try reused == nil ? writer.newChat() : writer.continuation(after: reused?.turnCount ?? 0)
/// let sent = try prompt.fitted(maxPromptBytes: 120_000, maxFileBytes: 900_000)
/// // … upload `sent.conversation` and `prompt.media`, send `sent.text`, decode what comes into events …
/// return PromptedAnswer.stream(                                           // calls, JSON, stop sequences, limit
///     decoded, to: request, inputTokens: tokens,
///     repair: { prompt throws(GatewayError) in try await sameChat(prompt) },
///     keep: { parts in
///         let key = keys.key(afterAnswer: parts)
///         book.store(chat, under: [key], name: keys.name, after: reused, now: time.now)
///     })
/// ```
/// On a chat that the upstream lost: `book.invalidate(chat.id)`. Nothing here does I/O.
///
/// Why the text looks as it does: docs/decisions/0010-tools-in-text.md.
struct PromptWriter: Sendable {
    let request: ModelRequest
    let offer: FunctionOffer

    init(_ request: ModelRequest) {
        self.request = request
        offer = FunctionOffer(request)
    }

    /// What cannot be said in text: a function whose name would break its line.
    static func refusal(of request: ModelRequest) -> GatewayError? {
        for (index, tool) in request.tools.enumerated() {
            let isPlain = tool.name.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "`") }
            guard isPlain, !tool.name.isEmpty else {
                return GatewayError(
                    .unsupported, .request,
                    "a function's name must be visible ASCII without blanks and backquotes here; rename it",
                    param: "tools[\(index)].function.name")
            }
        }
        return nil
    }

    /// The whole conversation, for a chat that knows nothing yet. A lone user message is sent as it is.
    ///
    /// - Throws: `invalidRequest` when there is nothing to say.
    func newChat() throws(GatewayError) -> Prompt {
        var system = MessageText()
        let texts = request.system.map { system.text(of: [$0]) }.filter { !$0.isEmpty }
        let sections = [
            texts.isEmpty ? "" : "# INSTRUCTIONS\n" + texts.joined(separator: "\n\n"), offer.section,
            OutputSection.text(for: request.output, withCalls: !offer.isEmpty),
        ].filter { !$0.isEmpty }
        if sections.isEmpty, let lone = try lone(request.turns[...]) { return lone }
        return try prompt(
            head: [Self.preamble] + sections, turns: request.turns[...], media: system.media)
    }

    /// The turns that a chat does not know yet, with a reminder of what was agreed at its beginning: models forget it.
    ///
    /// - Parameter turnCount: Turns of the request that the chat knows.
    func continuation(after turnCount: Int) throws(GatewayError) -> Prompt {
        let turns = request.turns.dropFirst(turnCount)
        let reminders = [offer.reminder, OutputSection.reminder(for: request.output)].filter { !$0.isEmpty }
        if reminders.isEmpty, let lone = try lone(turns) { return lone }
        return try prompt(head: reminders.isEmpty ? [] : [reminders.joined(separator: "\n")], turns: turns, media: [])
    }

    private static let preamble = """
        You are answering through a text-only relay. Follow the INSTRUCTIONS, read the
        CONVERSATION, and write only the next assistant reply. Do not repeat role headings.
        """

    /// A single user message as it is, if that is all there is.
    private func lone(_ turns: ArraySlice<Turn>) throws(GatewayError) -> Prompt? {
        guard turns.count == 1, let turn = turns.first, turn.role == .user else { return nil }
        var message = MessageText(isVerbatim: true)
        for part in turn.parts {
            switch part.content {
            case .text, .media, .reasoning, .refusal: continue
            case .toolCall, .toolResult: return nil
            }
        }
        let text = message.text(of: turn.parts)
        try check(hasContent: !text.isEmpty || !message.media.isEmpty)
        return Prompt(bare: text, media: message.media)
    }

    private func prompt(head: [String], turns: ArraySlice<Turn>, media: [PromptMedia]) throws(GatewayError) -> Prompt {
        var writer = TurnWriter(callNames: CallNames(request.turns), media: media)
        var blocks: [[String]] = []
        for turn in turns { blocks.append(writer.blocks(of: turn)) }
        blocks.removeAll { $0.isEmpty }
        try check(hasContent: !blocks.isEmpty)
        return Prompt(
            head: head.joined(separator: "\n\n"), earlier: blocks.dropLast().flatMap { $0 },
            latest: (blocks.last ?? []).joined(separator: "\n"), media: writer.message.media)
    }

    private func check(hasContent: Bool) throws(GatewayError) {
        guard hasContent else {
            throw .invalid(nil, "the conversation holds no text; send at least one message with text")
        }
    }
}
