import PolluxCore

/// The pieces that whole answers and streams write in the same way (OpenAI format notes, sections 3.4 to 3.6).
enum ChatParts {
    static func write(_ usage: Usage, to writer: inout JSONWriter) {
        // Saturates like the total: figures come from outside.
        let (sum, overflow) = usage.outputTokens.addingReportingOverflow(usage.reasoningTokens)
        writer.beginObject()
        writer.member("prompt_tokens", usage.inputTokens)
        writer.member("completion_tokens", overflow ? Int.max : sum)
        writer.member("total_tokens", usage.totalTokens)
        writer.key("prompt_tokens_details")
        writer.beginObject()
        writer.member("cached_tokens", usage.cachedInputTokens)
        writer.member("audio_tokens", 0)
        writer.endObject()
        writer.key("completion_tokens_details")
        writer.beginObject()
        writer.member("reasoning_tokens", usage.reasoningTokens)
        writer.member("audio_tokens", 0)
        writer.member("accepted_prediction_tokens", 0)
        writer.member("rejected_prediction_tokens", 0)
        writer.endObject()
        writer.endObject()
    }

    /// `{type, index, image_url: {url}}`.
    static func write(image: Media, index: Int, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("type", "image_url")
        writer.member("index", index)
        writer.key("image_url")
        writer.beginObject()
        writer.member("url", MediaText.url(of: image))
        writer.endObject()
        writer.endObject()
    }

    /// `{type: url_citation, …}` with offsets in characters.
    static func write(_ citation: Citation, in content: ContentOffsets, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("type", "url_citation")
        writer.key("url_citation")
        writer.beginObject()
        writer.member("url", citation.url)
        writer.member("title", citation.title)
        writer.member("start_index", content.characters(beforeByte: citation.range.lowerBound))
        writer.member("end_index", content.characters(beforeByte: citation.range.upperBound))
        writer.endObject()
        writer.endObject()
    }

    /// With calls in the answer the reason must be theirs, whatever the provider said: agents look at nothing else.
    static func finishReason(_ reason: FinishReason?, hasCalls: Bool, usesFunctions: Bool) -> String {
        switch reason {
        case .length: "length"
        case .filtered: "content_filter"
        case .stop, .toolCalls, .malformedToolCall, .other, nil:
            hasCalls ? (usesFunctions ? "function_call" : "tool_calls") : "stop"
        }
    }

    /// The call's own id, or one made from the answer's when the provider gave none.
    static func callID(_ id: String, candidate: Int, index: Int, _ reply: ReplyContext) -> String {
        if !id.isEmpty { return id }
        return candidate + index == 0
            ? "call_\(reply.responseID)" : "call_\(reply.responseID)\(candidate)_\(index)"
    }

    /// Clients feed arguments to a JSON parser; a call without any has an empty object.
    static let noArguments = "{}"

    static let thinkStart = "<think>\n"
    static let thinkEnd = "\n</think>\n\n"
}

/// Places in the `content` that a client sees, which may hold more than the model's text: thoughts, Markdown images.
struct ContentOffsets {
    private var text = TextOffsets()
    /// Characters put in, by the place in the text, in rising order.
    private var insertions: [(byte: Int, characters: Int)] = []

    mutating func append(_ piece: String) { text.append(piece) }

    mutating func insert(_ piece: String) {
        let count = piece.unicodeScalars.count
        if let last = insertions.last, last.byte == text.byteCount {
            insertions[insertions.count - 1].characters += count
        } else {
            insertions.append((text.byteCount, count))
        }
    }

    func characters(beforeByte offset: Int) -> Int {
        insertions.reduce(text.scalars(beforeByte: offset)) { count, insertion in
            insertion.byte <= offset ? count + insertion.characters : count
        }
    }
}

extension ModelResponse.PromptBlock {
    /// A refused prompt is a 400, streamed or not.
    var gatewayError: GatewayError {
        GatewayError(
            .blocked, .request, "the upstream refused this prompt (\(reason.prefix(60))); change it and try again",
            detail: message ?? "")
    }
}
