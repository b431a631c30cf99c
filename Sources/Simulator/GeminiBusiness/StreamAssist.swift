import PolluxCore
import PolluxCrypto

/// One question to the model: checked, steered by its directives, answered as a stream
/// (protocol notes, sections 5.2 and 6).
extension GeminiBusinessSimulator {
    func streamAssist(_ widget: WidgetCall) throws(GoogleError) -> BusinessReply {
        let session = try session(try widget.text("session"), widget)
        let question = try AssistQuestion(widget, session)
        let directives = question.directives
        widget.call.note { $0.directives = directives.names }
        if let code = directives.int("http"), (200...599).contains(code) {
            return httpError(code, directives)
        }
        if let code = directives.int("inband") {
            return .stream([GoogleError.usual(code).json], verdict: "directive: \(code) in band")
        }
        return answer(question, session, widget)
    }

    private func httpError(_ code: Int, _ directives: Directives) -> BusinessReply {
        let error = GoogleError.usual(code).json
        var answer = HTTPAnswer.google(directives.has("array") ? [error] : error, status: code)
        if let seconds = directives.headerValue("retry-after") { answer.head.fields.append("retry-after", seconds) }
        return .whole(answer, verdict: "directive: \(code)")
    }

    private func answer(
        _ question: AssistQuestion, _ asked: BusinessSession, _ widget: WidgetCall
    ) -> BusinessReply {
        let script = withState { state in
            let files = makeFiles(question, &state, at: widget.now)
            let current = state.session(named: asked.name, of: asked.csesidx) ?? asked
            let script = AnswerScript(question, current, turn: current.turns.count + 1, files: files)
            state.change(current) { session in
                session.files += files
                session.turns.append(
                    BusinessSession.Turn(query: question.text, answer: script.answerText, state: script.state))
            }
            return script
        }
        var body = BusinessBody(
            elements: script.elements, hasRawControls: question.directives.has("rawctrl"),
            breakAfter: script.breakAfter)
        body.delay = question.directives.milliseconds("slow")
        return .pieces(body, verdict: "ok")
    }

    private func makeFiles(
        _ question: AssistQuestion, _ state: inout BusinessState, at now: WallTime
    ) -> [BusinessFile] {
        guard let media = question.media else { return [] }
        let count = max(1, min(question.directives.int("images") ?? 1, 8))
        return (0..<count).map { index in
            let colour = Array(SHA256.hash(Array("\(index) \(question.text)".utf8)).prefix(3))
            let picture = PNGSample.square(colour: colour)
            return BusinessFile(
                id: state.random.digits(19), name: media == .image ? "image_\(index).png" : "video_\(index).mp4",
                mimeType: media.rawValue, bytes: media == .image ? picture : MP4Sample.oneFrame(png: picture),
                origin: .generated, time: now, refusals: max(0, question.directives.int("late") ?? 0),
                isSentAsBase64: question.directives.has("b64"))
        }
    }
}

/// What one `streamAssistRequest` asks for.
struct AssistQuestion: Sendable {
    enum Media: String, Sendable {
        case image = "image/png"
        case video = "video/mp4"
    }

    /// The text of all parts.
    let text: String
    let fileCount: Int
    /// nil for automatic choice.
    let model: String?
    /// What is drawn; nil for a text answer.
    let media: Media?
    let directives: Directives

    init(_ widget: WidgetCall, _ session: BusinessSession) throws(GoogleError) {
        let arguments = widget.arguments
        let files = try Self.files(arguments["fileIds"], session)
        text = try Self.text(arguments["query"]?["parts"], mayBeEmpty: !files.isEmpty)
        fileCount = files.count
        model = try Self.model(arguments["assistGenerationConfig"])
        media = try Self.media(arguments["toolsSpec"], text)
        directives = Directives(in: text).joined(with: widget.directives)
    }

    private static func files(_ list: JSON?, _ session: BusinessSession) throws(GoogleError) -> [String] {
        guard let list, !list.isNull else { return [] }
        guard let ids = list.array else { throw .invalidArgument("fileIds must be a list of strings") }
        return try ids.map { (json) throws(GoogleError) in
            guard let id = json.string, session.file(id) != nil else {
                throw .invalidArgument("fileIds names a file that this session does not have: \(json.text)")
            }
            return id
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
    private static func media(_ tools: JSON?, _ text: String) throws(GoogleError) -> Media? {
        guard let tools, !tools.isNull else { return nil }
        guard let members = tools.object else { throw .invalidArgument("toolsSpec must be an object") }
        for member in members where member.key.hasSuffix("Spec") && member.value.object == nil {
            throw .invalidArgument("toolsSpec.\(member.key) must be an object")
        }
        if let registry = members["toolRegistry"], registry.string == nil {
            throw .invalidArgument("toolsSpec.toolRegistry must be a string")
        }
        guard members["toolRegistry"] == nil || text.lowercased().contains("draw") else { return nil }
        if members["imageGenerationSpec"] != nil { return .image }
        return members["videoGenerationSpec"] != nil ? .video : nil
    }
}
