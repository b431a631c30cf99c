/// Finish reasons by the names that the Gemini family gives them: the one table for its frontend and its providers.
extension FinishReason {
    /// - Parameter name: As the upstream wrote it.
    public init(gemini name: String) {
        self =
            switch name {
            case "STOP": .stop
            case "MAX_TOKENS": .length
            case "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL": .malformedToolCall
            case let name where Self.geminiFilters.contains(name): .filtered(name)
            default: .other(name)
            }
    }

    /// The name for clients of the Gemini format.
    public var geminiName: String {
        switch self {
        // Calls end a turn like anything else here.
        case .stop, .toolCalls: "STOP"
        case .length: "MAX_TOKENS"
        case .filtered(let detail): Self.geminiFilters.contains(detail) ? detail : "SAFETY"
        case .malformedToolCall: "MALFORMED_FUNCTION_CALL"
        case .other(let detail): Self.geminiOthers.contains(detail) ? detail : "OTHER"
        }
    }

    private static let geminiFilters: Set<String> = [
        "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION", "IMAGE_OTHER",
    ]
    private static let geminiOthers: Set<String> = [
        "LANGUAGE", "NO_IMAGE", "TOO_MANY_TOOL_CALLS", "CONTINUATION", "FINISH_REASON_UNSPECIFIED",
    ]
}
