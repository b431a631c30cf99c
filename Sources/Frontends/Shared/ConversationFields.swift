import PolluxCore

/// Where clients say which conversation a request belongs to; the same in every format.
///
/// The header wins over the body, a field of our own over `metadata`, which some programs fill by themselves.
enum ConversationFields {
    static let header = "x-pollux-conversation"
    /// The body's own field; echoed in the answer.
    static let field = "conversation_id"
    /// The same in the spelling of the Gemini format.
    static let geminiField = "conversationId"
    private static let spellings = [field, geminiField]

    /// - Throws: The fault of `conversation_id` or of the header. What stands in `metadata` is never refused: it is the
    ///   client's own note, and a conversation only if it looks like one.
    static func read(_ body: JSONObject, _ head: HTTPRequestHead) throws(FieldFault) -> ConversationHints {
        var hints = ConversationHints()
        hints.id = try inHeader(head)
        for spelling in spellings where hints.id == nil { hints.id = try body.optional(spelling, JSON.asName) }
        if hints.id == nil { hints.id = inMetadata(body) }
        hints.previousResponseID = body.given("previous_response_id")?.string.map(bareID)
        hints.promptCacheKey = body.given("prompt_cache_key")?.string
        return hints
    }

    private static func inHeader(_ head: HTTPRequestHead) throws(FieldFault) -> String? {
        guard let value = head.fields[header] else { return nil }
        do { return try JSON.string(value).asName() } catch { throw error.inside(header) }
    }

    private static func inMetadata(_ body: JSONObject) -> String? {
        guard let value = body.given("metadata")?.object?[field] else { return nil }
        do throws(FieldFault) { return try value.asName() } catch { return nil }
    }

    /// An answer's id without its format's prefix: the same answer is `chatcmpl-…` in one and `resp_…` in another.
    private static func bareID(_ id: String) -> String {
        let bytes = id.utf8
        guard let mark = bytes.lastIndex(where: { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }) else {
            return id
        }
        return String(decoding: bytes[bytes.index(after: mark)...], as: UTF8.self)
    }
}
