import PolluxCore
import PolluxCrypto

/// What one `streamAssistRequest` asks for.
struct AssistQuestion: Sendable {
    enum Media: String, Sendable {
        case image = "image/png"
        case video = "video/mp4"
    }

    /// The text of all parts.
    let text: String
    /// The session's files that the question names, in its order.
    let files: [BusinessFile]
    /// nil for automatic choice.
    let model: String?
    /// What is drawn; nil for a text answer.
    let media: Media?
    let directives: Directives

    /// What is made as a file of the session; nil when nothing is, or when its bytes stand in the answer itself.
    var madeFiles: Media? {
        if directives.has("onlytext") || directives.has("inline") || directives.has("older") { return nil }
        return media ?? (directives.has("file") ? .image : nil)
    }

    /// How many pictures or films are made.
    var mediaCount: Int { max(1, min(directives.int("images") ?? 1, 8)) }

    /// Another content for each prompt and each index.
    func mediaBytes(_ media: Media, _ index: Int) -> [UInt8] {
        let picture = PNGSample.square(colour: Array(SHA256.hash(Array("\(index) \(text)".utf8)).prefix(3)))
        return media == .image ? picture : MP4Sample.oneFrame(png: picture)
    }

    init(_ widget: WidgetCall, _ session: BusinessSession) throws(GoogleError) {
        let arguments = widget.arguments
        files = try Self.files(arguments["fileIds"], session)
        text = try Self.text(arguments["query"]?["parts"], mayBeEmpty: !files.isEmpty)
        model = try Self.model(arguments["assistGenerationConfig"])
        directives = Directives(in: text).joined(with: widget.directives)
        media = try Self.media(arguments["toolsSpec"], text, prefersVideo: directives.has("video"))
    }

    private static func files(_ list: JSON?, _ session: BusinessSession) throws(GoogleError) -> [BusinessFile] {
        guard let list, !list.isNull else { return [] }
        guard let ids = list.array else { throw .invalidArgument("fileIds must be a list of strings") }
        return try ids.map { (json) throws(GoogleError) in
            guard let id = json.string, let file = session.file(id) else {
                throw .invalidArgument("fileIds names a file that this session does not have: \(json.text)")
            }
            return file
        }
    }

    private static func text(_ parts: JSON?, mayBeEmpty: Bool) throws(GoogleError) -> String {
        guard let parts = parts?.array else { throw .invalidArgument("query.parts must be a list") }
        var text = ""
        for part in parts {
            guard part.object != nil else { throw .invalidArgument("a part of the query must be an object") }
            if let value = part["text"] {
                guard let piece = value.string else { throw .invalidArgument("the text of a part must be a string") }
                text += piece
            } else if part["inlineData"] == nil {
                throw .invalidArgument("a part of the query needs text")
            }
        }
        guard !text.isEmpty || mayBeEmpty else { throw .invalidArgument("the query is empty and names no files") }
        return text
    }

    private static func model(_ config: JSON?) throws(GoogleError) -> String? {
        guard let config, !config.isNull else { return nil }
        guard config.object != nil else { throw .invalidArgument("assistGenerationConfig must be an object") }
        guard let id = config["modelId"], !id.isNull else { return nil }
        guard let model = id.string, !model.isEmpty else { throw .invalidArgument("modelId must be a model's name") }
        return model
    }

    /// Pictures and videos are made when their tool is on and the prompt says so, or when no other tool could answer.
    private static func media(
        _ tools: JSON?, _ text: String, prefersVideo: Bool
    ) throws(GoogleError) -> Media? {
        guard let tools, !tools.isNull else { return nil }
        guard let members = tools.object else { throw .invalidArgument("toolsSpec must be an object") }
        for member in members where member.key.hasSuffix("Spec") && member.value.object == nil {
            throw .invalidArgument("toolsSpec.\(member.key) must be an object")
        }
        if let registry = members["toolRegistry"], registry.string == nil {
            throw .invalidArgument("toolsSpec.toolRegistry must be a string")
        }
        guard members["toolRegistry"] == nil || text.lowercased().contains("draw") else { return nil }
        let hasVideo = members["videoGenerationSpec"] != nil
        if members["imageGenerationSpec"] != nil { return hasVideo && prefersVideo ? .video : .image }
        return hasVideo ? .video : nil
    }
}
