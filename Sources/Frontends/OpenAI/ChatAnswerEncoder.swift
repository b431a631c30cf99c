import PolluxCore

/// Writes a whole answer (OpenAI format notes, section 3.4).
struct ChatAnswerEncoder {
    let request: ModelRequest
    let reply: ReplyContext
    let settings: OpenAIFrontendSettings

    func encode(_ response: ModelResponse) -> HTTPAnswer {
        var answer = HTTPAnswer.openAIJSON()
        JSONWriter.append(to: &answer.body) { writer in
            writer.beginObject()
            writer.member("id", "chatcmpl-\(reply.responseID)")
            writer.member("object", "chat.completion")
            writer.member("created", reply.created.seconds)
            writer.member("model", request.model)
            writer.key("system_fingerprint")
            writer.null()
            writer.member("service_tier", "default")
            if let id = request.conversation.id { writer.member(ConversationFields.field, id) }
            writer.key("choices")
            writer.beginArray()
            for (index, candidate) in response.candidates.enumerated() { write(candidate, index, to: &writer) }
            writer.endArray()
            writer.key("usage")
            ChatParts.write(response.usage ?? Usage(), to: &writer)
            writer.endObject()
        }
        return answer
    }

    private func write(_ candidate: ModelResponse.Candidate, _ index: Int, to writer: inout JSONWriter) {
        let message = ChatMessage(candidate, settings, showsReasoning: request.reasoning.includeText != false)
        writer.beginObject()
        writer.member("index", index)
        writer.key("logprobs")
        writer.value(candidate.extensions["openai.logprobs"] ?? .null)
        writer.member(
            "finish_reason",
            ChatParts.finishReason(
                candidate.finish, hasCalls: !message.calls.isEmpty, usesFunctions: usesFunctions))
        writer.key("message")
        write(message, candidate: index, citations: candidate.citations, to: &writer)
        writer.endObject()
    }

    private func write(
        _ message: ChatMessage, candidate: Int, citations: [Citation], to writer: inout JSONWriter
    ) {
        writer.beginObject()
        writer.member("role", "assistant")
        writer.key("content")
        if let content = message.content { writer.value(content) } else { writer.null() }
        writeReasoning(message.reasoning, to: &writer)
        writer.key("refusal")
        if message.refusal.isEmpty { writer.null() } else { writer.value(message.refusal) }
        writer.key("annotations")
        writer.beginArray()
        for citation in citations { ChatParts.write(citation, in: message.offsets, to: &writer) }
        writer.endArray()
        if !message.images.isEmpty {
            writer.key("images")
            writer.beginArray()
            for (index, image) in message.images.enumerated() {
                ChatParts.write(image: image, index: index, to: &writer)
            }
            writer.endArray()
        }
        writeCalls(message.calls, candidate: candidate, to: &writer)
        if let signature = message.signature { ThoughtSignature.write(signature, to: &writer) }
        writer.endObject()
    }

    private func writeReasoning(_ reasoning: String, to writer: inout JSONWriter) {
        guard !reasoning.isEmpty else { return }
        let field = settings.reasoningField
        if field == .reasoningContent || field == .both { writer.member("reasoning_content", reasoning) }
        if field == .reasoning || field == .both { writer.member("reasoning", reasoning) }
    }

    private func writeCalls(_ calls: [ChatMessage.Call], candidate: Int, to writer: inout JSONWriter) {
        guard let first = calls.first else { return }
        if usesFunctions {
            writer.key("function_call")
            writeFunction(first.call, to: &writer)
            return
        }
        writer.key("tool_calls")
        writer.beginArray()
        for (index, item) in calls.enumerated() {
            writer.beginObject()
            writer.member("id", ChatParts.callID(item.call.id, candidate: candidate, index: index, reply))
            writer.member("type", "function")
            writer.key("function")
            writeFunction(item.call, to: &writer)
            if let signature = item.signature { ThoughtSignature.write(signature, to: &writer) }
            writer.endObject()
        }
        writer.endArray()
    }

    private func writeFunction(_ call: ToolCall, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("name", call.name)
        writer.member("arguments", call.rawArguments.isEmpty ? ChatParts.noArguments : call.rawArguments)
        writer.endObject()
    }

    private var usesFunctions: Bool { request.extensions[ChatForm.functions] != nil }
}

/// A candidate's parts, sorted into the fields of a message.
private struct ChatMessage {
    typealias Call = (call: ToolCall, signature: [UInt8]?)

    private var text = ""
    private(set) var reasoning = ""
    private(set) var refusal = ""
    private(set) var images: [Media] = []
    private(set) var calls: [Call] = []
    /// Of the last part that is no call.
    private(set) var signature: [UInt8]?
    private(set) var offsets = ContentOffsets()
    private var isThinking = false

    /// `null` when a call or a refusal stands in its place.
    var content: String? { text.isEmpty && !(calls.isEmpty && refusal.isEmpty) ? nil : text }

    init(_ candidate: ModelResponse.Candidate, _ settings: OpenAIFrontendSettings, showsReasoning: Bool) {
        let needsOffsets = !candidate.citations.isEmpty
        for part in candidate.parts {
            if case .toolCall(let call) = part.content {
                calls.append((call, part.signature))
                continue
            }
            signature = part.signature ?? signature
            switch part.content {
            case .text(let piece):
                closeThoughts()
                text += piece
                if needsOffsets { offsets.append(piece) }
            case .reasoning(let piece) where !showsReasoning || piece.isEmpty: break
            case .reasoning(let piece):
                if settings.reasoningField == .thinkTags { think(piece) } else { reasoning += piece }
            case .refusal(let piece): refusal += piece
            case .media(let media):
                if media.kind == .image, !media.isInText {
                    images.append(media)
                } else {
                    closeThoughts()
                    insert(MediaText.text(of: media))
                }
            case .toolCall, .toolResult: break
            }
        }
        closeThoughts()
    }

    private mutating func think(_ piece: String) {
        if !isThinking { insert(ChatParts.thinkStart) }
        isThinking = true
        insert(piece)
    }

    private mutating func closeThoughts() {
        if isThinking { insert(ChatParts.thinkEnd) }
        isThinking = false
    }

    private mutating func insert(_ piece: String) {
        text += piece
        offsets.insert(piece)
    }
}
