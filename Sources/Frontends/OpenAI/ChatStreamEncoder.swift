import PolluxCore

/// Writes the chunks of a streamed answer (OpenAI format notes, section 4).
///
/// What all chunks of a choice begin with is made once and copied: most events are one short piece of text, so that a
/// chunk costs its bytes and little more. The finish chunk waits for the upstream's proper end, so that a truncated
/// answer never looks complete.
struct ChatStreamEncoder: ResponseEncoder {
    private let chunks: ChatChunkWriter
    private let settings: OpenAIFrontendSettings
    private let reply: ReplyContext
    private let showsReasoning: Bool
    private let usesFunctions: Bool
    private let includesUsage: Bool
    private var choices: [ChatStreamChoice] = []
    private var selected = 0
    private var usage = Usage()
    /// The error event or `[DONE]` was written: nothing may follow.
    private var hasEnded = false

    init(for request: ModelRequest, _ reply: ReplyContext, _ settings: OpenAIFrontendSettings) {
        (self.reply, self.settings) = (reply, settings)
        showsReasoning = request.reasoning.includeText != false && settings.reasoningField != .none
        usesFunctions = request.extensions[ChatForm.functions] != nil
        includesUsage = request.extensions[ChatForm.includeUsage] != nil
        chunks = ChatChunkWriter(request, reply, announcesUsage: includesUsage)
    }

    var head: HTTPResponseHead {
        HTTPResponseHead(
            status: 200,
            fields: [
                "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache",
                "x-accel-buffering": "no",
            ])
    }

    var keepAlive: [UInt8] { Array(": keep-alive\n\n".utf8) }

    mutating func encode(_ event: ModelEvent, into bytes: inout [UInt8]) {
        guard !hasEnded else { return }
        switch event {
        case .textDelta(let text): writeText(text, into: &bytes)
        case .reasoningDelta(let text): writeReasoning(text, into: &bytes)
        case .refusalDelta(let text):
            guard begin(.text, into: &bytes) else { return }
            writeDelta(into: &bytes) { $0.member("refusal", text) }
        case .candidateSelected(let index): selected = index
        case .toolCallStarted(let index, let id, let name): startCall(index, id, name, into: &bytes)
        case .toolCallArgumentsDelta(let index, let text): extendCall(index, by: text, into: &bytes)
        case .signature(let signature): write(signature: signature, into: &bytes)
        case .media(let media): write(media, into: &bytes)
        case .citation(let citation): write(citation, into: &bytes)
        case .extended(let name, let value):
            guard name == "openai.logprobs", isKnownChoice else { return }
            makeChoice()
            choices[selected].logprobs.append(value)
        case .usage(let usage): self.usage = usage
        case .finished(let reason):
            guard isKnownChoice else { return }
            makeChoice()
            choices[selected].finish = reason
        case .promptBlocked(let reason, let message):
            let block = ModelResponse.PromptBlock(reason: reason, message: message)
            writeError(block.gatewayError, into: &bytes)
        case .started, .heartbeat, .ended: break
        }
    }

    /// A refused prompt is a 400, as in the whole answer.
    func error(insteadOf event: ModelEvent) -> GatewayError? {
        guard case .promptBlocked(let reason, let message) = event else { return nil }
        return ModelResponse.PromptBlock(reason: reason, message: message).gatewayError
    }

    mutating func finish(after error: GatewayError?, into bytes: inout [UInt8]) -> StreamEnd {
        guard !hasEnded else { return .clean }
        if let error {
            writeError(error, into: &bytes)
            return .clean
        }
        hasEnded = true
        for index in choices.indices {
            selected = index
            begin(.text, into: &bytes)
            closeThoughts(into: &bytes)
            closeCall(into: &bytes)
            let choice = choices[index]
            let reason = ChatParts.finishReason(
                choice.finish, hasCalls: choice.callCount > 0, usesFunctions: usesFunctions)
            chunks.writeFinish(of: index, reason, logprobs: choice.logprobs, into: &bytes)
        }
        if includesUsage { chunks.write(usage, into: &bytes) }
        bytes += "data: [DONE]\n\n".utf8
        return .clean
    }

    // MARK: - Text

    private mutating func writeText(_ text: String, into bytes: inout [UInt8]) {
        guard begin(.text, into: &bytes) else { return }
        if choices[selected].isThinking { closeThoughts(into: &bytes) }
        choices[selected].offsets.append(text)
        writeContent(text, into: &bytes)
    }

    private mutating func writeReasoning(_ text: String, into bytes: inout [UInt8]) {
        guard showsReasoning, !text.isEmpty, begin(.text, into: &bytes) else { return }
        switch settings.reasoningField {
        case .reasoningContent: writeDelta(into: &bytes) { $0.member("reasoning_content", text) }
        case .reasoning: writeDelta(into: &bytes) { $0.member("reasoning", text) }
        case .both:
            writeDelta(into: &bytes) { writer in
                writer.member("reasoning_content", text)
                writer.member("reasoning", text)
            }
        case .thinkTags:
            insert(choices[selected].isThinking ? text : ChatParts.thinkStart + text, into: &bytes)
            choices[selected].isThinking = true
        case .none: break
        }
    }

    private mutating func closeThoughts(into bytes: inout [UInt8]) {
        guard choices[selected].isThinking else { return }
        choices[selected].isThinking = false
        insert(ChatParts.thinkEnd, into: &bytes)
    }

    /// Content that is not the model's text.
    private mutating func insert(_ text: String, into bytes: inout [UInt8]) {
        choices[selected].offsets.insert(text)
        writeContent(text, into: &bytes)
    }

    /// The hot path: no writer, no tree, two copies and one escaped string.
    private mutating func writeContent(_ text: String, into bytes: inout [UInt8]) {
        bytes += choices[selected].contentStart
        JSONWriter.appendString(text, to: &bytes)
        endDelta(into: &bytes)
    }

    // MARK: - Calls

    private mutating func startCall(_ index: Int, _ id: String, _ name: String, into bytes: inout [UInt8]) {
        guard begin(.call, into: &bytes) else { return }
        closeThoughts(into: &bytes)
        closeCall(into: &bytes)
        choices[selected].openCall(index)
        if usesFunctions {
            // The old form has room for one call.
            guard index == 0 else { return }
            writeDelta(into: &bytes) { writer in
                writer.key("function_call")
                Self.writeFunction(name: name, arguments: "", to: &writer)
            }
            return
        }
        let id = ChatParts.callID(id, candidate: selected, index: index, reply)
        writeCall(index, into: &bytes) { writer in
            writer.member("id", id)
            writer.member("type", "function")
            writer.key("function")
            Self.writeFunction(name: name, arguments: "", to: &writer)
        }
    }

    private mutating func extendCall(_ index: Int, by text: String, into bytes: inout [UInt8]) {
        guard isKnownChoice, selected < choices.count, !text.isEmpty else { return }
        choices[selected].noteArguments(index)
        if usesFunctions {
            guard index == 0 else { return }
            writeDelta(into: &bytes) { writer in
                writer.key("function_call")
                Self.writeFunction(name: nil, arguments: text, to: &writer)
            }
            return
        }
        writeCall(index, into: &bytes) { writer in
            writer.key("function")
            Self.writeFunction(name: nil, arguments: text, to: &writer)
        }
    }

    /// A call that got no arguments at all has none: `{}`, which a JSON parser can read.
    private mutating func closeCall(into bytes: inout [UInt8]) {
        guard let index = choices[selected].callWithoutArguments else { return }
        extendCall(index, by: ChatParts.noArguments, into: &bytes)
    }

    /// Writes a delta with one entry of `tool_calls`.
    private mutating func writeCall(
        _ index: Int, into bytes: inout [UInt8], _ write: (inout JSONWriter) -> Void
    ) {
        writeDelta(into: &bytes) { writer in
            writer.key("tool_calls")
            writer.beginArray()
            writer.beginObject()
            writer.member("index", index)
            write(&writer)
            writer.endObject()
            writer.endArray()
        }
    }

    private static func writeFunction(name: String?, arguments: String, to writer: inout JSONWriter) {
        writer.beginObject()
        if let name { writer.member("name", name) }
        writer.member("arguments", arguments)
        writer.endObject()
    }

    // MARK: - Everything else

    private mutating func write(signature: [UInt8], into bytes: inout [UInt8]) {
        guard isKnownChoice, selected < choices.count else { return }
        if let index = choices[selected].lastCall, !usesFunctions {
            writeCall(index, into: &bytes) { ThoughtSignature.write(signature, to: &$0) }
        } else {
            writeDelta(into: &bytes) { ThoughtSignature.write(signature, to: &$0) }
        }
    }

    private mutating func write(_ media: Media, into bytes: inout [UInt8]) {
        guard begin(.text, into: &bytes) else { return }
        closeThoughts(into: &bytes)
        guard media.kind == .image, !media.isInText else { return insert(MediaText.text(of: media), into: &bytes) }
        let index = choices[selected].imageCount
        choices[selected].imageCount += 1
        writeDelta(into: &bytes) { writer in
            writer.key("images")
            writer.beginArray()
            ChatParts.write(image: media, index: index, to: &writer)
            writer.endArray()
        }
    }

    private mutating func write(_ citation: Citation, into bytes: inout [UInt8]) {
        guard begin(.text, into: &bytes) else { return }
        let offsets = choices[selected].offsets
        writeDelta(into: &bytes) { writer in
            writer.key("annotations")
            writer.beginArray()
            ChatParts.write(citation, in: offsets, to: &writer)
            writer.endArray()
        }
    }

    /// The official clients raise on a top-level `error` object; after it comes nothing, since they take `[DONE]` and
    /// a finish reason for success.
    private mutating func writeError(_ error: GatewayError, into bytes: inout [UInt8]) {
        hasEnded = true
        bytes += "data: ".utf8
        OpenAIErrorBody(error).write(to: &bytes)
        bytes += "\n\n".utf8
    }

    // MARK: - Choices and deltas

    /// Makes sure that the selected choice has said its role, once (rule 1), and that choice 0 comes first (rule 3).
    ///
    /// - Returns: False for a candidate beyond the number that anyone may ask for.
    @discardableResult
    private mutating func begin(_ kind: ChatStreamChoice.Kind, into bytes: inout [UInt8]) -> Bool {
        guard isKnownChoice else { return false }
        makeChoice()
        if kind == .text { choices[selected].lastCall = nil }
        if !choices[selected].hasRole {
            if selected > 0 { writeRole(of: 0, content: "\"\"", into: &bytes) }
            writeRole(of: selected, content: kind == .call ? "null" : "\"\"", into: &bytes)
        }
        return true
    }

    private mutating func writeRole(of choice: Int, content: String, into bytes: inout [UInt8]) {
        guard !choices[choice].hasRole else { return }
        choices[choice].hasRole = true
        bytes += choices[choice].deltaStart
        bytes += "\"role\":\"assistant\",\"content\":\(content)".utf8
        bytes += chunks.deltaEnd
    }

    private var isKnownChoice: Bool { (0..<128).contains(selected) }

    private mutating func makeChoice() {
        while choices.count <= selected { choices.append(ChatStreamChoice(chunks.start(of: choices.count))) }
    }

    private mutating func writeDelta(into bytes: inout [UInt8], _ write: (inout JSONWriter) -> Void) {
        bytes += choices[selected].deltaStart
        JSONWriter.append(to: &bytes, write)
        endDelta(into: &bytes)
    }

    private mutating func endDelta(into bytes: inout [UInt8]) {
        guard choices[selected].logprobs.isEmpty else {
            chunks.endDelta(logprobs: choices[selected].logprobs, into: &bytes)
            choices[selected].logprobs = []
            return
        }
        bytes += chunks.deltaEnd
    }
}
