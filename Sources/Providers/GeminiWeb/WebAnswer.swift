import PolluxCore

/// The events of one answer, read from the upstream's body as they are pulled, and from the chat's history where the
/// body broke off.
///
/// Source: Gemini web protocol notes, sections 6 to 9.
struct WebAnswer: EventSource {
    private var body: (any UpstreamBody)?
    private var reader = WebFrameReader()
    private var decoder: WebAnswerDecoder
    private var recovery: WebRecovery?
    private let time: any TimeSource
    private let log: Logger
    /// Called once, with where the chat stands after a complete answer.
    private let whenComplete: @Sendable (WebChat) -> Void
    /// Events to be handed out, last one first, and what is thrown after them.
    private var pending: [ModelEvent] = []
    private var failure: GatewayError?

    /// Nobody may wait longer for the first sign of an answer before the client is told that there is one coming.
    private static let longestBeginning = Duration.seconds(8)

    init(
        _ body: any UpstreamBody, decoder: WebAnswerDecoder, recovery: WebRecovery?, client: WebClient,
        whenComplete: @escaping @Sendable (WebChat) -> Void
    ) {
        (self.body, self.decoder, self.recovery) = (body, decoder, recovery)
        (time, log, self.whenComplete) = (client.time, client.log, whenComplete)
    }

    var isReady: Bool { !pending.isEmpty || failure != nil || (body?.isReady ?? (recovery == nil)) }

    /// Waits for the first sign of an answer, so that an error in its place counts as one of the question and can be
    /// helped.
    ///
    /// - Parameter model: The name the answer is given under.
    mutating func begin(model: String) async throws(WebFailure) {
        let deadline = time.now + Self.longestBeginning
        do {
            while !decoder.hasBegun, time.now < deadline { try await read() }
        } catch {
            guard decoder.hasShown else { throw error }
            failure = error.error
        }
        // Until the upstream has named this turn, the chat still names the one before.
        pending.append(.started(responseID: decoder.hasBegun ? decoder.chat.reply : "", model: model))
    }

    mutating func next() async throws(GatewayError) -> ModelEvent? {
        while true {
            if let event = pending.popLast() { return event }
            if let failure { throw failure }
            guard body != nil || recovery != nil else { return nil }
            do { try await read() } catch { failure = error.error }
        }
    }

    /// Takes one step: a piece of the body, or one look into the history. What it decoded is handed out even if it
    /// fails.
    private mutating func read() async throws(WebFailure) {
        var events: [ModelEvent] = []
        defer { pending = events.reversed() }
        do {
            if body != nil { try await readBody(into: &events) } else { try await look(into: &events) }
        } catch {
            (body, recovery) = (nil, nil)
            throw error
        }
        guard decoder.isFinished else { return }
        complete()
        // Titles, bookkeeping and a late error change nothing about a complete answer.
        await body?.release()
        body = nil
    }

    /// Takes one piece of the body and decodes every frame that it completes, so that what arrived together leaves
    /// together.
    private mutating func readBody(into events: inout [ModelEvent]) async throws(WebFailure) {
        let piece: [UInt8]?
        do {
            piece = try await body?.next()
        } catch {
            guard Self.isInterruption(error) else { throw WebFailure(error) }
            try decodeFrames(areLast: true, into: &events)
            return try interrupt(error)
        }
        if let piece {
            reader.append(piece)
            try decodeFrames(areLast: false, into: &events)
        } else {
            try decodeFrames(areLast: true, into: &events)
            try end()
        }
    }

    private mutating func decodeFrames(areLast: Bool, into events: inout [ModelEvent]) throws(WebFailure) {
        while !decoder.isFinished {
            let frame: JSON?
            do {
                frame = areLast ? try reader.finish() : try reader.next()
            } catch {
                throw WebFailure(
                    GatewayError(.upstreamTooLarge, .endpoint, "a part of the upstream's answer is too large"))
            }
            guard let frame else { return }
            let known = events.count
            for part in frame.array ?? [] { try decoder.decode(WebPart(part), into: &events) }
            if events.count == known { events.append(.heartbeat) }
        }
    }

    // MARK: An end before the answer is complete

    private static func isInterruption(_ error: GatewayError) -> Bool {
        switch error.kind {
        case .upstreamTruncated, .upstreamReset, .upstreamTimeout: true
        default: false
        }
    }

    /// The body ended as bodies do.
    private mutating func end() throws(WebFailure) {
        guard !decoder.isFinished else { return }
        if reader.frameCount == 0 {
            throw WebFailure(
                WebErrors.badResponse("the upstream's answer cannot be read", detail: "answer: no frames"))
        }
        guard decoder.hasBegun else { throw WebErrors.dropped("answer: \(reader.frameCount) frames of bookkeeping") }
        try interrupt(WebErrors.brokenOff("answer: no completion"))
    }

    /// Goes on with the history where that is possible: the upstream may have finished the answer all the same.
    private mutating func interrupt(_ error: GatewayError) throws(WebFailure) {
        guard !decoder.isFinished else { return }
        body = nil
        guard !decoder.chat.conversation.isEmpty, recovery != nil else { throw WebFailure(error) }
        recovery?.begin(after: error, isStored: decoder.isStored)
        log.info("gemini_web.answer_interrupted", [LogField("error", error.kind.rawValue)])
    }

    private mutating func look(into events: inout [ModelEvent]) async throws(WebFailure) {
        guard let candidate = try await recovery?.look(in: decoder.chat) else { return events.append(.heartbeat) }
        if try !decoder.take(recovered: candidate, into: &events) { events.append(.heartbeat) }
    }

    // MARK: The end

    private mutating func complete() {
        recovery = nil
        whenComplete(decoder.chat)
        log.debug(
            "gemini_web.answered",
            [
                LogField("served_by", decoder.modelLabel ?? ""), LogField("realignments", decoder.realignments),
                LogField("malformed_frames", reader.malformedCount), LogField("read_by_lines", reader.readsLines),
            ])
    }
}
