import PolluxCore

/// The model's proof of its thinking, under the name that Google's own compatible endpoint gives it:
/// `extra_content.google.thought_signature`, Base64 (OpenAI format notes, section 3.5).
enum ThoughtSignature {
    /// - Parameter object: A tool call, or an assistant message.
    /// - Returns: `nil` too for text that is no Base64: it was made by something else, and providers know what to send
    ///   in the place of a signature that is gone.
    static func read(from object: JSONObject) -> [UInt8]? {
        decode(object["extra_content"]?["google"]?["thought_signature"])
    }

    /// Another gateway's place for it.
    static func read(fromFunction function: JSONObject) -> [UInt8]? { decode(function["thought_signature"]) }

    /// Writes the member `extra_content`.
    static func write(_ signature: [UInt8], to writer: inout JSONWriter) {
        writer.key("extra_content")
        writer.beginObject()
        writer.key("google")
        writer.beginObject()
        writer.member("thought_signature", Base64.encode(signature))
        writer.endObject()
        writer.endObject()
    }

    private static func decode(_ value: JSON?) -> [UInt8]? {
        guard case .string(let text)? = value, !text.isEmpty else { return nil }
        return try? Base64.decode(text, [.standardAlphabet, .missingPadding])
    }
}
