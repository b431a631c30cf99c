import PolluxCore
import Testing

@Suite("Finish reasons of the Gemini family")
struct GeminiFinishReasonTests {
    @Test(
        "each name has its meaning, and the meaning leads back to it",
        arguments: [
            ("STOP", .stop), ("MAX_TOKENS", .length), ("SAFETY", .filtered("SAFETY")),
            ("RECITATION", .filtered("RECITATION")), ("BLOCKLIST", .filtered("BLOCKLIST")),
            ("PROHIBITED_CONTENT", .filtered("PROHIBITED_CONTENT")), ("SPII", .filtered("SPII")),
            ("IMAGE_SAFETY", .filtered("IMAGE_SAFETY")), ("IMAGE_OTHER", .filtered("IMAGE_OTHER")),
            ("IMAGE_RECITATION", .filtered("IMAGE_RECITATION")),
            ("IMAGE_PROHIBITED_CONTENT", .filtered("IMAGE_PROHIBITED_CONTENT")),
            ("MALFORMED_FUNCTION_CALL", .malformedToolCall), ("LANGUAGE", .other("LANGUAGE")),
            ("OTHER", .other("OTHER")), ("NO_IMAGE", .other("NO_IMAGE")),
            ("TOO_MANY_TOOL_CALLS", .other("TOO_MANY_TOOL_CALLS")), ("CONTINUATION", .other("CONTINUATION")),
            ("FINISH_REASON_UNSPECIFIED", .other("FINISH_REASON_UNSPECIFIED")),
        ] as [(String, FinishReason)])
    func table(name: String, reason: FinishReason) {
        #expect(FinishReason(gemini: name) == reason)
        #expect(reason.geminiName == name)
    }

    @Test("what other families say has the nearest name, and what nobody knows is OTHER")
    func others() {
        #expect(FinishReason.toolCalls.geminiName == "STOP")
        #expect(FinishReason.filtered("content_filter").geminiName == "SAFETY")
        #expect(FinishReason.other("whim").geminiName == "OTHER")
        #expect(FinishReason(gemini: "UNEXPECTED_TOOL_CALL") == .malformedToolCall)
        #expect(FinishReason(gemini: "SOMETHING_NEW") == .other("SOMETHING_NEW"))
    }
}
