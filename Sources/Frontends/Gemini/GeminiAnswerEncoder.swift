import PolluxCore

/// Writes a whole answer (Gemini format notes, section 3.2).
struct GeminiAnswerEncoder {
    let request: ModelRequest
    let reply: ReplyContext

    func encode(_ response: ModelResponse) -> HTTPAnswer {
        var answer = HTTPAnswer.geminiJSON()
        JSONWriter.append(to: &answer.body) { writer in
            writer.beginObject()
            if let block = response.promptBlock {
                writer.key("promptFeedback")
                GeminiParts.write(block, to: &writer)
            } else {
                writer.key("candidates")
                writer.beginArray()
                for (index, candidate) in response.candidates.enumerated() { write(candidate, index, to: &writer) }
                writer.endArray()
            }
            writer.key("usageMetadata")
            GeminiParts.write(response.usage ?? Usage(), isTextOnly: request.isTextOnly, to: &writer)
            writer.member("modelVersion", request.model)
            writer.member("responseId", reply.responseID)
            if let id = request.conversation.id { writer.member(ConversationFields.geminiField, id) }
            writer.endObject()
        }
        return answer
    }

    private func write(_ candidate: ModelResponse.Candidate, _ index: Int, to writer: inout JSONWriter) {
        let (parts, malformedCall) = visibleParts(of: candidate)
        writer.beginObject()
        writer.key("content")
        writer.beginObject()
        writer.key("parts")
        writer.beginArray()
        for part in parts { write(part, to: &writer) }
        writer.endArray()
        writer.member("role", "model")
        writer.endObject()
        if let malformedCall {
            writer.member("finishReason", FinishReason.malformedToolCall.geminiName)
            writer.member("finishMessage", GeminiParts.malformed(malformedCall))
        } else if let reason = candidate.finish {
            writer.member("finishReason", reason.geminiName)
        }
        writer.member("index", index)
        let texts = parts.enumerated().compactMap { place, part -> (part: Int, text: String)? in
            if case .text(let text) = part.content { (place, text) } else { nil }
        }
        GeminiAddenda(citations: candidate.citations, extensions: candidate.extensions).write(texts: texts, to: &writer)
        writer.endObject()
    }

    /// What the client sees: thoughts only if it asked for them, calls only with arguments that this format can carry.
    private func visibleParts(of candidate: ModelResponse.Candidate) -> (parts: [Part], malformedCall: ToolCall?) {
        let showsThoughts = request.reasoning.includeText == true
        let isChoice = request.extensions[GeminiForm.isChoice] != nil
        var malformedCall: ToolCall?
        var parts: [Part] = []
        for part in candidate.parts {
            switch part.content {
            case .reasoning where !showsThoughts:
                // The thought is hidden; the proof of it must come back all the same.
                if let signature = part.signature { parts.append(Part(.text(""), signature: signature)) }
            case .toolCall(let call):
                if GeminiParts.arguments(of: call) == nil { malformedCall = call } else { parts.append(part) }
            case .media(let media) where media.isInText:
                parts.append(Part(.text(MediaText.text(of: media)), signature: part.signature))
            case .text(let text) where isChoice:
                parts.append(Part(.text(GeminiChoice.plain(text)), signature: part.signature))
            case .toolResult: break
            default: parts.append(part)
            }
        }
        return (parts, malformedCall)
    }

    private func write(_ part: Part, to writer: inout JSONWriter) {
        switch part.content {
        case .text(let text), .refusal(let text): GeminiParts.write(text: text, part.signature, to: &writer)
        case .reasoning(let text): GeminiParts.write(text: text, isThought: true, part.signature, to: &writer)
        case .media(let media): GeminiParts.write(media, part.signature, to: &writer)
        case .toolCall(let call):
            GeminiParts.write(call, arguments: GeminiParts.arguments(of: call) ?? [:], part.signature, to: &writer)
        case .toolResult: break
        }
    }
}

/// An answer of the form `text/x.enum`: upstreams are asked for a JSON string, clients want its text.
enum GeminiChoice {
    static func plain(_ text: String) -> String {
        guard let value = try? JSON.parse(Array(text.utf8), .upstream), case .string(let plain) = value else {
            return text
        }
        return plain
    }
}
