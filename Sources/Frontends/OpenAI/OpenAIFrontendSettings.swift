public import PolluxCore

/// What an operator may choose about the OpenAI format, where clients do not agree with each other.
public struct OpenAIFrontendSettings: SettingsReadable, Equatable {
    /// Where the model's thoughts stand in an answer.
    public enum ReasoningField: String, Sendable, CaseIterable {
        case reasoningContent = "reasoning_content"
        case reasoning
        case both
        case none
        /// `<think>…</think>` in front of the content, for user interfaces made for local models.
        case thinkTags = "think_tags"
    }

    public var reasoningField: ReasoningField

    public init(reasoningField: ReasoningField = .reasoningContent) { self.reasoningField = reasoningField }

    public init(reading map: inout SettingsMap) {
        reasoningField = map.choice(
            "reasoning_field", default: .reasoningContent, help: "where the model's thoughts stand in an answer")
    }
}
