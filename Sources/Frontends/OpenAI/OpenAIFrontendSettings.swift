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

    /// Where images stand in an answer.
    public enum ImageOutput: String, Sendable, CaseIterable {
        /// `message.images[]`.
        case images
        /// A Markdown image in the content, which plain chat programs show.
        case markdown
    }

    public var reasoningField: ReasoningField
    public var imageOutput: ImageOutput

    public init(reasoningField: ReasoningField = .reasoningContent, imageOutput: ImageOutput = .images) {
        (self.reasoningField, self.imageOutput) = (reasoningField, imageOutput)
    }

    public init(reading map: inout SettingsMap) {
        reasoningField = map.choice(
            "reasoning_field", default: .reasoningContent, help: "where the model's thoughts stand in an answer")
        imageOutput = map.choice(
            "image_output", default: .images, help: "images in a field of their own, or as Markdown in the text")
    }
}
