import PolluxCore

/// The pieces that whole answers and streams write in the same way (Gemini format notes, section 3.2).
enum GeminiParts {
    static func write(
        text: String, isThought: Bool = false, _ signature: [UInt8]? = nil, to writer: inout JSONWriter
    ) {
        writer.beginObject()
        writer.member("text", text)
        if isThought { writer.member("thought", true) }
        if let signature { writer.member("thoughtSignature", Base64.encode(signature)) }
        writer.endObject()
    }

    /// - Parameter arguments: From `arguments(of:)`.
    static func write(
        _ call: ToolCall, arguments: JSON, _ signature: [UInt8]?, to writer: inout JSONWriter
    ) {
        writer.beginObject()
        writer.key("functionCall")
        writer.beginObject()
        if !call.id.isEmpty { writer.member("id", call.id) }
        writer.member("name", call.name)
        writer.member("args", arguments)
        writer.endObject()
        if let signature { writer.member("thoughtSignature", Base64.encode(signature)) }
        writer.endObject()
    }

    /// The object that this format needs; `nil` for arguments that are none.
    static func arguments(of call: ToolCall) -> JSON? {
        if call.rawArguments.utf8.allSatisfy({ $0 == 0x20 || $0 == 0x0A || $0 == 0x0D || $0 == 0x09 }) { return [:] }
        guard let value = try? JSON.parse(Array(call.rawArguments.utf8), .upstream), case .object = value else {
            return nil
        }
        return value
    }

    static func malformed(_ call: ToolCall) -> String {
        "the model called '\(call.name.prefix(100))' with arguments that are no JSON object"
    }

    static func write(_ media: Media, _ signature: [UInt8]?, to writer: inout JSONWriter) {
        writer.beginObject()
        let type = media.mimeType.isEmpty ? usualType(media.kind) : media.mimeType
        switch media.source {
        case .inline(let bytes):
            writer.key("inlineData")
            writer.beginObject()
            writer.member("mimeType", type)
            writer.key("data")
            writer.base64(bytes)
        case .url(let uri), .file(id: let uri):
            writer.key("fileData")
            writer.beginObject()
            if !media.mimeType.isEmpty { writer.member("mimeType", type) }
            writer.member("fileUri", uri)
        case .stored(let file):
            writer.key("fileData")
            writer.beginObject()
            writer.member("mimeType", file.mimeType)
            writer.member("fileUri", file.name)
        }
        if let name = media.displayName { writer.member("displayName", name) }
        writer.endObject()
        if let signature { writer.member("thoughtSignature", Base64.encode(signature)) }
        writer.endObject()
    }

    private static func usualType(_ kind: Media.Kind) -> String {
        switch kind {
        case .image: "image/png"
        case .audio: "audio/wav"
        case .video: "video/mp4"
        case .document: "application/octet-stream"
        }
    }

    // MARK: - Around the candidates

    /// Output leaves thoughts out here, and the total has them.
    ///
    /// - Parameter isTextOnly: The prompt held no media, so that its count is known to be text.
    static func write(_ usage: Usage, isTextOnly: Bool, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("promptTokenCount", usage.inputTokens)
        if usage.cachedInputTokens > 0 { writer.member("cachedContentTokenCount", usage.cachedInputTokens) }
        writer.member("candidatesTokenCount", usage.outputTokens)
        if usage.reasoningTokens > 0 { writer.member("thoughtsTokenCount", usage.reasoningTokens) }
        writer.member("totalTokenCount", usage.totalTokens)
        if isTextOnly, usage.inputTokens > 0 {
            writer.key("promptTokensDetails")
            writer.beginArray()
            writeModality("TEXT", usage.inputTokens, to: &writer)
            writer.endArray()
        }
        writer.endObject()
    }

    static func writeModality(_ name: String, _ count: Int, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("modality", name)
        writer.member("tokenCount", count)
        writer.endObject()
    }

    static func write(_ block: ModelResponse.PromptBlock, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("blockReason", blockReasons.contains(block.reason) ? block.reason : "OTHER")
        if let message = block.message { writer.member("blockReasonMessage", message) }
        writer.endObject()
    }

    private static let blockReasons: Set<String> = [
        "SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "IMAGE_SAFETY", "MODEL_ARMOR", "JAILBREAK",
    ]
}

extension ModelRequest {
    /// No image, sound or document in the prompt.
    var isTextOnly: Bool { !turns.contains { $0.parts.contains(where: \.isMedia) } }
}
