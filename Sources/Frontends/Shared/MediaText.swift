import PolluxCore

/// Media that stand in an answer's text.
enum MediaText {
    /// A paragraph of its own, so that it does not run into the model's words.
    static func text(of media: Media) -> String { "\n\n\(line(media))\n\n" }

    private static func line(_ media: Media) -> String {
        let url = url(of: media)
        switch media.presentation {
        case .link: return url
        case .html: return element(media.kind, url)
        case .part, .markdown:
            let name = media.displayName ?? media.kind.rawValue
            let mark = media.kind == .image ? "!" : ""
            return "\(mark)[\(name.filter { !"[]()\n\r".contains($0) })](\(url))"
        }
    }

    private static func element(_ kind: Media.Kind, _ url: String) -> String {
        let source = escaped(url)
        switch kind {
        case .video: return "<video controls src=\"\(source)\"></video>"
        case .audio: return "<audio controls src=\"\(source)\"></audio>"
        case .image: return "<img src=\"\(source)\">"
        case .document: return "<a href=\"\(source)\">\(source)</a>"
        }
    }

    /// Nothing in the address may end the attribute; `&` stays, since clients that look for the address take it as it
    /// stands.
    private static func escaped(_ url: String) -> String {
        var text = ""
        for character in url {
            switch character {
            case "\"": text += "%22"
            case "<": text += "%3C"
            case ">": text += "%3E"
            default: text.append(character)
            }
        }
        return text
    }

    static func url(of media: Media) -> String {
        switch media.source {
        case .url(let url): return url
        case .file(let id): return "file:\(id)"
        case .stored(let file): return "file:\(file.name)"
        case .inline(let bytes):
            let type = media.mimeType.isEmpty ? "application/octet-stream" : media.mimeType
            return "data:\(type);base64,\(Base64.encode(bytes))"
        }
    }
}
