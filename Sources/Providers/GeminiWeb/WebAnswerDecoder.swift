import PolluxCore

/// Turns the parts of an answer into events. Pure: what arrives when, and from where, is not its business.
///
/// Every payload repeats the answer so far. A client that wants the answer whole is given the last version of it only,
/// so that what the upstream took back on the way never shows.
/// Source: Gemini web protocol notes, sections 7 and 8.
struct WebAnswerDecoder: Sendable {
    private let model: String
    private let inputTokens: Int
    /// Text goes out as it grows.
    private let isStreamed: Bool
    private var text = WebTextStream()
    private var thoughts = WebTextStream()
    private var lastText = ""
    private var lastThoughts = ""
    private var textEstimate = TokenEstimate()
    private var thoughtEstimate = TokenEstimate()
    private var citations: [WebCitation] = []
    private var imageCount = 0

    private(set) var chat: WebChat
    /// The upstream has the turn in its history.
    private(set) var isStored = false
    /// Something of the answer has come: a chat, or the answer itself.
    private(set) var hasBegun = false
    /// Text or thoughts were handed out.
    private(set) var hasShown = false
    /// Nothing follows any more.
    private(set) var isFinished = false
    /// The model that answered, in the upstream's words.
    private(set) var modelLabel: String?

    /// - Parameters:
    ///   - model: The name in errors.
    ///   - inputTokens: What the prompt is estimated to cost.
    init(chat: WebChat, model: String, inputTokens: Int, isStreamed: Bool) {
        (self.chat, self.model) = (chat, model)
        (self.inputTokens, self.isStreamed) = (inputTokens, isStreamed)
    }

    /// How often the upstream changed text that was handed out already.
    var realignments: Int { text.realignments + thoughts.realignments }
    /// Some text of the answer is there, handed out or not.
    var hasText: Bool { !lastText.isEmpty }

    /// - Throws: A code in the answer's place, as `WebErrors` says.
    mutating func decode(_ part: WebPart, into events: inout [ModelEvent]) throws(WebFailure) {
        guard !isFinished else { return }
        switch part {
        case .payload(nil, let body): try take(body, into: &events)
        case .status(nil, _, let code?): try take(code: code, into: &events)
        case .status(nil, let rpc?, nil):
            if let failure = WebErrors.failure(rpcStatus: rpc) { throw failure }
        case .failed(let status, let code):
            if let code { throw WebErrors.failure(code: code, model: model) }
            throw WebErrors.failure(status: status ?? 500, detail: "answer")
        case .payload, .status, .token, .end, .other: break
        }
    }

    /// A candidate from the chat's history, in place of a stream that broke off.
    ///
    /// - Returns: False when it is not complete yet.
    mutating func take(recovered candidate: JSON, into events: inout [ModelEvent]) throws(WebFailure) -> Bool {
        guard !isFinished else { return true }
        let isComplete = candidate[8]?[0]?.int == 2
        let isWorking = candidate[12]?.field(6)?[0].map { !$0.isNull } ?? false
        guard isComplete || (!Self.text(of: candidate).isEmpty && !isWorking) else { return false }
        take(candidate: candidate)
        try finish(.stop, into: &events)
        return true
    }

    // MARK: Payloads

    private mutating func take(_ body: JSON, into events: inout [ModelEvent]) throws(WebFailure) {
        if let ids = body[1]?.array {
            chat.conversation = ids.first?.someText ?? chat.conversation
            chat.reply = ids.dropFirst().first?.someText ?? chat.reply
            hasBegun = true
        }
        if let context = body[25]?.someText {
            chat.context = context
            isStored = true
        }
        if modelLabel == nil {
            modelLabel = (36...44).lazy.compactMap { body[$0]?.someText }.first { $0.utf8.count <= 40 }
        }
        guard let candidate = candidate(in: body) else { return }
        hasBegun = true
        take(candidate: candidate)
        if candidate[8]?[0]?.int == 2 {
            try finish(.stop, into: &events)
        } else if isStreamed {
            show(isGrowing: candidate[8]?[0]?.int == 1, into: &events)
        }
    }

    /// The candidate that the answer began with, whatever its name is by now.
    private func candidate(in body: JSON) -> JSON? {
        let named = (body[4]?.array ?? []).filter { $0[0]?.someText != nil }
        return named.first { $0[0]?.string == chat.candidate } ?? named.first
    }

    private mutating func take(candidate: JSON) {
        chat.candidate = candidate[0]?.someText ?? chat.candidate
        let text = Self.text(of: candidate)
        if !text.isEmpty { lastText = text }
        lastThoughts = candidate[37]?[0]?[0]?.someText ?? lastThoughts
        imageCount = max(imageCount, candidate[12]?.field(7)?[0]?.array?.count ?? 0)
        if let groups = candidate[12]?.field(43)?.array { citations = WebCitation.read(groups) }
    }

    private static func text(of candidate: JSON) -> String {
        let text = candidate[1]?[0]?.string ?? ""
        if WebText.isCardLink(text), let card = candidate[22]?[0]?.someText { return card }
        return text
    }

    // MARK: Codes

    /// An answer that is there in part is worth more than its code.
    private mutating func take(code: Int, into events: inout [ModelEvent]) throws(WebFailure) {
        if code == 1155, hasText { return try finish(.length, into: &events) }
        throw WebErrors.failure(code: code, model: model)
    }

    // MARK: Deliveries

    private mutating func show(isGrowing: Bool, into events: inout [ModelEvent]) {
        let thought = thoughts.update(WebText.cleanThoughts(lastThoughts, isGrowing: isGrowing))
        if !thought.isEmpty {
            thoughtEstimate.add(thought)
            hasShown = true
            events.append(.reasoningDelta(thought))
        }
        let delta = text.update(WebText.clean(lastText, isGrowing: isGrowing))
        if !delta.isEmpty {
            textEstimate.add(delta)
            hasShown = true
            events.append(.textDelta(delta))
        }
    }

    private mutating func finish(_ reason: FinishReason, into events: inout [ModelEvent]) throws(WebFailure) {
        show(isGrowing: false, into: &events)
        isFinished = true
        guard !text.isEmpty else { throw WebFailure(noText) }
        if !citations.isEmpty {
            events += WebCitation.place(citations, in: WebText.clean(lastText, isGrowing: false)).map { .citation($0) }
        }
        var usage = Usage(inputTokens: inputTokens, outputTokens: textEstimate.tokens)
        usage.reasoningTokens = thoughtEstimate.tokens
        usage.isEstimated = true
        events += [.finished(reason), .usage(usage), .ended]
    }

    private var noText: GatewayError {
        guard imageCount > 0 else {
            return WebErrors.badResponse(
                "the upstream ended its answer without text; send the request again",
                detail: "answer: complete, \(thoughtEstimate.tokens) tokens of thoughts and no text")
        }
        return GatewayError(
            .unsupported, .request,
            "the model answered with a picture and no text, and pictures of this provider are not delivered here;"
                + " ask for text", detail: "answer: \(imageCount) pictures")
    }
}
