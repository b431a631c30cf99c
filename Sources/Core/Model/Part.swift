/// A piece of a turn. The order of parts is kept across text, media and calls.
public struct Part: Sendable, Equatable {
    public enum Content: Sendable, Equatable {
        case text(String)
        case reasoning(String)
        case media(Media)
        case toolCall(ToolCall)
        case toolResult(ToolResult)
        case refusal(String)
    }

    public var content: Content
    /// Opaque proof of the model's thinking; goes back to the provider that made it, byte for byte, at the same part.
    public var signature: [UInt8]?
    /// What this part says beside its content, named `gemini.*`, for a provider of the same family.
    public var metadata: [String: JSON]

    public init(_ content: Content, signature: [UInt8]? = nil, metadata: [String: JSON] = [:]) {
        (self.content, self.signature, self.metadata) = (content, signature, metadata)
    }

    public static func text(_ text: String) -> Part { Part(.text(text)) }
}

/// An image, a sound, a video or a document.
public struct Media: Sendable, Equatable {
    public enum Kind: String, Sendable { case image, audio, video, document }
    public enum Source: Sendable, Equatable {
        /// The bytes themselves; base64 is the frontends' matter.
        case inline([UInt8])
        /// Still to be fetched.
        case url(String)
        /// A file that the client uploaded earlier.
        case file(id: String)
        /// In the gateway's own store, put there by the provider that made it.
        case stored(StoredMedia)
    }

    /// Where it stands in an answer.
    public enum Presentation: String, Sendable {
        /// In the format's own field for media.
        case part
        /// In the text, as a Markdown image or link.
        case markdown
        /// In the text, as the bare address on a line of its own.
        case link
        /// In the text, as an element of a page.
        case html
    }

    public var kind: Kind
    /// Empty when nobody said; judged by the bytes then.
    public var mimeType: String
    public var source: Source
    public var displayName: String?
    /// OpenAI's `auto`, `low`, `high`.
    public var detail: String?
    /// Decided by the gateway on the answer's way out.
    public var presentation = Presentation.part

    public init(_ kind: Kind, mimeType: String, _ source: Source, displayName: String? = nil, detail: String? = nil) {
        (self.kind, self.mimeType, self.source) = (kind, mimeType, source)
        (self.displayName, self.detail) = (displayName, detail)
    }

    /// In the text, unlike a `part`: for formats without a field for it, and clients that show nothing else.
    public var isInText: Bool { presentation != .part }

    /// The kind that a MIME type belongs to.
    public static func kind(of mimeType: String) -> Kind {
        if mimeType.hasPrefix("image/") { return .image }
        if mimeType.hasPrefix("audio/") { return .audio }
        if mimeType.hasPrefix("video/") { return .video }
        return .document
    }
}
