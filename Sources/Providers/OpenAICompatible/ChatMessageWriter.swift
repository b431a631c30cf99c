import PolluxCore

/// Writes the conversation of a request in the OpenAI format.
struct ChatMessageWriter {
    let signatures: ClientSignatures

    func write(_ request: ModelRequest, to writer: inout JSONWriter) {
        writer.beginArray()
        writeSystem(request.system, to: &writer)
        for turn in request.turns {
            switch turn.role {
            case .user: writeUser(turn, to: &writer)
            case .model: writeModel(turn, to: &writer)
            }
        }
        writer.endArray()
    }

    /// - Returns: An error for media that this format has no place for.
    static func refusal(of part: Part) -> GatewayError? {
        guard case .media(let media) = part.content else { return nil }
        switch (media.kind, media.source) {
        case (.image, .inline), (.image, .url), (.audio, .inline), (.document, .inline), (.document, .file): return nil
        default:
            return GatewayError(
                .unsupported, .request,
                "this model's upstream cannot take \(media.kind.rawValue) input in this form; "
                    + "send it inline, or as an image",
                param: "messages")
        }
    }

    /// One message: the templates of many local models know only one, at the beginning.
    private func writeSystem(_ parts: [Part], to writer: inout JSONWriter) {
        let text = parts.compactMap { if case .text(let text) = $0.content { text } else { nil } }
        guard !text.isEmpty else { return }
        writer.beginObject()
        writer.member("role", "system")
        writer.member("content", text.joined(separator: "\n\n"))
        writer.endObject()
    }

    // MARK: - The user's turns

    /// Results of calls are messages of their own and come first: they answer the turn before.
    private func writeUser(_ turn: Turn, to writer: inout JSONWriter) {
        var others: [Part] = []
        for part in turn.parts {
            if case .toolResult(let result) = part.content {
                writer.beginObject()
                writer.member("role", "tool")
                writer.member("tool_call_id", result.callID)
                writer.key("content")
                writeContent(result.parts, to: &writer)
                writer.endObject()
            } else {
                others.append(part)
            }
        }
        guard !others.isEmpty else { return }
        writer.beginObject()
        writer.member("role", "user")
        if let name = turn.name { writer.member("name", name) }
        writer.key("content")
        writeContent(others, to: &writer)
        writer.endObject()
    }

    private func writeContent(_ parts: [Part], to writer: inout JSONWriter) {
        if parts.isEmpty { return writer.value("") }
        if parts.count == 1, case .text(let text) = parts[0].content { return writer.value(text) }
        writer.beginArray()
        for part in parts {
            switch part.content {
            case .text(let text), .refusal(let text):
                writer.beginObject()
                writer.member("type", "text")
                writer.member("text", text)
                writer.endObject()
            case .media(let media): write(media, to: &writer)
            // Thoughts are the model's, and calls and results never stand inside content.
            case .reasoning, .toolCall, .toolResult: break
            }
        }
        writer.endArray()
    }

    // MARK: - The model's turns

    /// Thoughts are left out: some upstreams refuse a request that holds them.
    private func writeModel(_ turn: Turn, to writer: inout JSONWriter) {
        let text = turn.parts.compactMap { part in
            switch part.content {
            case .text(let text), .refusal(let text): text
            case .reasoning, .media, .toolCall, .toolResult: nil
            }
        }.joined()
        let calls = turn.parts.compactMap { part -> (ToolCall, [UInt8]?)? in
            if case .toolCall(let call) = part.content { (call, part.signature) } else { nil }
        }
        let images = turn.parts.filter { if case .media = $0.content { true } else { false } }
        writer.beginObject()
        writer.member("role", "assistant")
        writer.key("content")
        if text.isEmpty, !calls.isEmpty { writer.null() } else { writer.value(text) }
        if !images.isEmpty {
            writer.key("images")
            writeContent(images, to: &writer)
        }
        if !calls.isEmpty {
            writer.key("tool_calls")
            writer.beginArray()
            for (call, signature) in calls { write(call, signature, to: &writer) }
            writer.endArray()
        }
        if let signature = turn.parts.last(where: \.isSignedText)?.signature { write(signature, to: &writer) }
        writer.endObject()
    }

    private func write(_ call: ToolCall, _ signature: [UInt8]?, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("id", call.id)
        writer.member("type", "function")
        writer.key("function")
        writer.beginObject()
        writer.member("name", call.name)
        writer.member("arguments", call.rawArguments.isEmpty ? "{}" : call.rawArguments)
        writer.endObject()
        // Most clients drop the signature on the way.
        if let signature = signature ?? signatures.signature(ofCall: call.id) { write(signature, to: &writer) }
        writer.endObject()
    }

    private func write(_ signature: [UInt8], to writer: inout JSONWriter) {
        writer.member("extra_content", ["google": ["thought_signature": .string(Base64.encode(signature))]])
    }

    // MARK: - Media

    private func write(_ media: Media, to writer: inout JSONWriter) {
        writer.beginObject()
        switch media.kind {
        case .image, .video:
            writer.member("type", "image_url")
            writer.key("image_url")
            writer.beginObject()
            writer.key("url")
            writeURL(of: media, to: &writer)
            if let detail = media.detail { writer.member("detail", detail) }
            writer.endObject()
        case .audio:
            writer.member("type", "input_audio")
            writer.key("input_audio")
            writer.beginObject()
            writer.key("data")
            if case .inline(let bytes) = media.source { writer.base64(bytes) } else { writer.value("") }
            writer.member("format", Self.audioFormat(media.mimeType))
            writer.endObject()
        case .document:
            writer.member("type", "file")
            writer.key("file")
            writer.beginObject()
            if case .file(let id) = media.source {
                writer.member("file_id", id)
            } else {
                writer.member("filename", media.displayName ?? "document")
                writer.key("file_data")
                writeURL(of: media, to: &writer)
            }
            writer.endObject()
        }
        writer.endObject()
    }

    private func writeURL(of media: Media, to writer: inout JSONWriter) {
        switch media.source {
        case .url(let url): writer.value(url)
        case .file(let id): writer.value("file:\(id)")
        case .stored(let file): writer.value("file:\(file.name)")
        case .inline(let bytes):
            let type = media.mimeType.isEmpty ? Self.usualType(media.kind) : media.mimeType
            writer.base64(bytes, prefix: "data:\(Self.unescaped(type));base64,")
        }
    }

    /// A MIME type needs no escapes in JSON once its quotes and backslashes are gone.
    private static func unescaped(_ type: String) -> String {
        let bytes = type.utf8.filter {
            $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func usualType(_ kind: Media.Kind) -> String {
        switch kind {
        case .image: "image/png"
        case .audio: "audio/wav"
        case .video: "video/mp4"
        case .document: "application/pdf"
        }
    }

    private static func audioFormat(_ mimeType: String) -> String {
        if mimeType.isEmpty { return "wav" }
        return MediaTypes.fileExtension(of: mimeType) ?? String(mimeType.drop { $0 != "/" }.dropFirst())
    }
}

extension Part {
    /// A signature that belongs to text or thoughts, and so to the message as a whole.
    fileprivate var isSignedText: Bool {
        guard signature != nil else { return false }
        return switch content {
        case .text, .reasoning: true
        case .media, .toolCall, .toolResult, .refusal: false
        }
    }
}
