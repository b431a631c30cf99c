import PolluxCore

/// How one request gets what a model makes for it: what the client asks for, else what its format takes, else what the
/// operator chose. A rule as a value.
struct MediaForm: Sendable, Equatable {
    enum Way: Equatable {
        /// The bytes themselves.
        case inline
        case link(Media.Presentation)
    }

    /// What the request says; `nil` says nothing.
    var asked: MediaOutput?
    var preference: MediaPreference
    var output: MediaOutput
    var videoOutput: VideoOutput

    /// - Parameter byteCount: `nil` where nobody knows.
    func way(_ kind: Media.Kind, byteCount: Int?) -> Way {
        switch kind {
        case .image: return imageWay(byteCount)
        case .video where preference.hasMediaParts: return filmWay(byteCount)
        case .audio where preference.hasMediaParts, .document where preference.hasMediaParts:
            return imageWay(byteCount)
        case .video, .audio, .document: return .link(textPresentation)
        }
    }

    private func imageWay(_ byteCount: Int?) -> Way {
        switch asked ?? preference.output ?? output {
        case .url: .link(.part)
        case .markdown: .link(.markdown)
        case .base64: byteCount ?? 0 <= preference.mostInlineBytes ? .inline : .link(.part)
        }
    }

    private func filmWay(_ byteCount: Int?) -> Way {
        switch asked {
        case .base64 where byteCount.map { $0 <= preference.mostInlineFilmBytes } ?? false: .inline
        case .markdown: .link(.markdown)
        case .base64, .url, nil: .link(.part)
        }
    }

    private var textPresentation: Media.Presentation {
        switch asked {
        case .url: return .link
        case .markdown: return .markdown
        case .base64, nil: break
        }
        return switch videoOutput {
        case .url: .link
        case .html: .html
        case .markdown: .markdown
        }
    }
}
