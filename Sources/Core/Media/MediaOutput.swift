/// How clients get images that a model made.
public enum MediaOutput: String, Sendable, CaseIterable {
    /// By a link to the gateway's store.
    case url
    /// Within the answer.
    case base64
    /// By a link, as a Markdown image in the text.
    case markdown
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
