/// How clients get images that a model made.
public enum MediaOutput: String, Sendable, CaseIterable {
    /// By a link to the gateway's store.
    case url
    /// Within the answer.
    case base64
    /// By a link, as a Markdown image in the text.
    case markdown
}

/// How a client format takes what models make.
public struct MediaPreference: Sendable, Equatable {
    /// Of images and sounds, when the client does not say; `nil` leaves it to the operator.
    public var output: MediaOutput?
    /// Larger ones go by link, whatever was asked for.
    public var mostInlineBytes: Int
    /// Films and sounds have a field of their own; without one they stand in the text as `media.video_output` says.
    public var hasMediaParts: Bool
    /// Films up to so many bytes go within the answer when the client asks for that.
    public var mostInlineFilmBytes: Int

    public init(
        output: MediaOutput? = nil, mostInlineBytes: Int = 32 << 20, hasMediaParts: Bool = false,
        mostInlineFilmBytes: Int = 0
    ) {
        (self.output, self.mostInlineBytes) = (output, mostInlineBytes)
        (self.hasMediaParts, self.mostInlineFilmBytes) = (hasMediaParts, mostInlineFilmBytes)
    }
}

/// How clients get films that a model made; never within the answer, they are too large.
public enum VideoOutput: String, Sendable, CaseIterable {
    /// The bare link.
    case url
    /// A `<video>` element.
    case html
    /// A Markdown link.
    case markdown
}
