import PolluxCore

/// Writes the events of a streamed answer (Gemini format notes, section 4).
///
/// Each candidate's latest character, call or image waits for what follows it: a signature belongs to the part before
/// it, a call must be whole, and the last event of an answer must hold some of it, since chat sessions of some SDKs
/// forget a turn whose last event is empty.
struct GeminiStreamEncoder: ResponseEncoder {
    private var framing: GeminiFraming
    private let showsThoughts: Bool
    private let isChoice: Bool
    private let isTextOnly: Bool
    private let tail: [UInt8]
    /// Behind the last event, where the conversation's name stands if the client gave it one.
    private let lastTail: [UInt8]
    private var candidates: [GeminiStreamCandidate] = []
    private var selected = 0
    private var usage = Usage()
    private var block: ModelResponse.PromptBlock?
    /// The last bytes were written: nothing may follow them.
    private var hasEnded = false

    init(for request: ModelRequest, _ reply: ReplyContext) {
        framing = GeminiFraming(isEventStream: request.extensions[GeminiForm.isEventStream] != nil)
        showsThoughts = request.reasoning.includeText == true
        isChoice = request.extensions[GeminiForm.isChoice] != nil
        isTextOnly = request.isTextOnly
        tail = Self.tail(request, reply, conversation: nil)
        lastTail = Self.tail(request, reply, conversation: request.conversation.id)
    }

    private static func tail(_ request: ModelRequest, _ reply: ReplyContext, conversation: String?) -> [UInt8] {
        var tail: [UInt8] = []
        JSONWriter.append(to: &tail) { writer in
            writer.beginObject()
            writer.member("modelVersion", request.model)
            writer.member("responseId", reply.responseID)
            if let conversation { writer.member(ConversationFields.geminiField, conversation) }
            writer.endObject()
        }
        // Follows other members, so its brace becomes a comma.
        tail[0] = UInt8(ascii: ",")
        return tail
    }

    var head: HTTPResponseHead {
        HTTPResponseHead(
            status: 200,
            fields: [
                "content-type": framing.contentType, "cache-control": "no-cache", "x-accel-buffering": "no",
            ])
    }

    var keepAlive: [UInt8] { framing.keepAlive }

    mutating func encode(_ event: ModelEvent, into bytes: inout [UInt8]) {
        guard !hasEnded else { return }
        switch event {
        case .candidateSelected(let index): selected = index
        case .textDelta(let text), .refusalDelta(let text): take(text, isThought: false, into: &bytes)
        case .reasoningDelta(let text): take(text, isThought: true, into: &bytes)
        case .signature(let signature): take(signature, into: &bytes)
        case .toolCallStarted(let index, let id, let name):
            guard makeCandidate() else { return }
            if !candidates[selected].holdsCalls { release(into: &bytes) }
            candidates[selected].open(ToolCall(id: id, name: name, rawArguments: ""), index)
        case .toolCallArgumentsDelta(let index, let text):
            guard makeCandidate() else { return }
            candidates[selected].extendCall(index, by: text)
        case .media(let media) where media.isInText: take(MediaText.text(of: media), isThought: false, into: &bytes)
        case .media(let media):
            guard makeCandidate() else { return }
            release(into: &bytes)
            candidates[selected].held = [.init(.media(media))]
        case .citation(let citation):
            guard makeCandidate() else { return }
            candidates[selected].addenda.citations.append(citation)
        case .extended(let name, let value):
            guard makeCandidate() else { return }
            candidates[selected].addenda.add(name, value)
        case .finished(let reason):
            guard makeCandidate() else { return }
            candidates[selected].finish = reason
        case .usage(let usage): self.usage = usage
        case .promptBlocked(let reason, let message): block = .init(reason: reason, message: message)
        case .started, .heartbeat, .ended: break
        }
    }

    mutating func releaseHeld(into bytes: inout [UInt8]) {
        guard !hasEnded else { return }
        for index in candidates.indices {
            selected = index
            // What may be half a call is none.
            if !candidates[index].holdsCalls { release(into: &bytes) }
        }
    }

    mutating func finish(after error: GatewayError?, into bytes: inout [UInt8]) -> StreamEnd {
        guard !hasEnded else { return .clean }
        hasEnded = true
        if let error {
            framing.append(error, to: &bytes)
            return .abort
        }
        var last: [UInt8] = []
        JSONWriter.append(to: &last) { writeLast(to: &$0) }
        last.removeLast()
        last += lastTail
        framing.append(to: &bytes) { $0 += last }
        framing.end(&bytes)
        return .clean
    }

    // MARK: - Pieces

    private mutating func take(_ text: String, isThought: Bool, into bytes: inout [UInt8]) {
        guard !text.isEmpty, makeCandidate() else { return }
        if isThought, !showsThoughts { return release(into: &bytes) }
        var text = text
        if isChoice, !isThought {
            guard let all = candidates[selected].takeChoice(text) else { return }
            text = all
        }
        let held = candidates[selected].take(text, isThought: isThought)
        if held == nil { release(into: &bytes) }
        let whole = (held ?? "") + text
        let end = whole.unicodeScalars.index(before: whole.endIndex)
        let last = String(whole[end...])
        candidates[selected].held = [.init(isThought ? .reasoning(last) : .text(last))]
        if end > whole.startIndex { write(String(whole[..<end]), isThought: isThought, into: &bytes) }
    }

    /// The hot path: no writer, no tree.
    private mutating func write(_ text: String, isThought: Bool, into bytes: inout [UInt8]) {
        let (start, end) = (candidates[selected].textStart, candidates[selected].textEnd)
        framing.append(to: &bytes) { bytes in
            bytes += start
            JSONWriter.appendString(text, to: &bytes)
            if isThought { bytes += ",\"thought\":true".utf8 }
            bytes += end
            bytes += tail
        }
    }

    private mutating func take(_ signature: [UInt8], into bytes: inout [UInt8]) {
        guard makeCandidate() else { return }
        if candidates[selected].sign(signature) { return }
        candidates[selected].held = [.init(.text(""), signature: signature)]
        release(into: &bytes)
    }

    /// Sends what the selected candidate holds back, in an event of its own.
    private mutating func release(into bytes: inout [UInt8]) {
        let parts = candidates[selected].releaseParts()
        guard !parts.isEmpty else { return }
        let index = selected
        framing.append(to: &bytes) { bytes in
            JSONWriter.append(to: &bytes) { writer in
                writer.beginObject()
                writer.key("candidates")
                writer.beginArray()
                writer.beginObject()
                Self.writeContent(parts, to: &writer)
                writer.member("index", index)
                writer.endObject()
                writer.endArray()
                writer.endObject()
            }
            bytes.removeLast()
            bytes += tail
        }
    }

    private static func writeContent(_ parts: [Part], to writer: inout JSONWriter) {
        writer.key("content")
        writer.beginObject()
        writer.key("parts")
        writer.beginArray()
        for part in parts {
            switch part.content {
            case .reasoning(let text): GeminiParts.write(text: text, isThought: true, part.signature, to: &writer)
            case .text(let text), .refusal(let text): GeminiParts.write(text: text, part.signature, to: &writer)
            case .media(let media): GeminiParts.write(media, part.signature, to: &writer)
            case .toolCall(let call):
                GeminiParts.write(call, arguments: GeminiParts.arguments(of: call) ?? [:], part.signature, to: &writer)
            case .toolResult: break
            }
        }
        writer.endArray()
        writer.member("role", "model")
        writer.endObject()
    }

    // MARK: - The end

    /// The last event: the rest of every candidate, its reason to end, and usage.
    private mutating func writeLast(to writer: inout JSONWriter) {
        writer.beginObject()
        if let block {
            writer.key("promptFeedback")
            GeminiParts.write(block, to: &writer)
        } else {
            writer.key("candidates")
            writer.beginArray()
            for index in candidates.indices { writeLast(of: index, to: &writer) }
            writer.endArray()
        }
        writer.key("usageMetadata")
        GeminiParts.write(usage, isTextOnly: isTextOnly, to: &writer)
        writer.endObject()
    }

    private mutating func writeLast(of index: Int, to writer: inout JSONWriter) {
        if isChoice, !candidates[index].choice.isEmpty {
            candidates[index].held.append(.init(.text(GeminiChoice.plain(candidates[index].choice))))
        }
        let parts = candidates[index].releaseParts()
        let candidate = candidates[index]
        writer.beginObject()
        Self.writeContent(parts.isEmpty ? [.text("")] : parts, to: &writer)
        if let call = candidate.malformedCall {
            writer.member("finishReason", FinishReason.malformedToolCall.geminiName)
            writer.member("finishMessage", GeminiParts.malformed(call))
        } else if let reason = candidate.finish {
            writer.member("finishReason", reason.geminiName)
        }
        writer.member("index", index)
        candidate.addenda.write(texts: [], to: &writer)
        writer.endObject()
    }

    /// - Returns: False for a candidate beyond the number that anyone may ask for.
    private mutating func makeCandidate() -> Bool {
        guard (0..<128).contains(selected) else { return false }
        while candidates.count <= selected { candidates.append(GeminiStreamCandidate(index: candidates.count)) }
        return true
    }
}
