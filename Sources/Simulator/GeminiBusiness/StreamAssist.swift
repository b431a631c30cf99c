import PolluxCore

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
            return .stream([GoogleError.usual(code, directives).json], verdict: "directive: \(code) in band")
        }
        return answer(question, session, widget)
    }

    private func httpError(_ code: Int, _ directives: Directives) -> BusinessReply {
        let error = GoogleError.usual(code, directives).json
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
        guard let media = question.madeFiles else { return [] }
        return (0..<question.mediaCount).map { index in
            BusinessFile(
                id: state.random.digits(19), name: media == .image ? "image_\(index).png" : "video_\(index).mp4",
                mimeType: media.rawValue, bytes: question.mediaBytes(media, index), origin: .generated, time: now,
                refusals: max(0, question.directives.int("late") ?? 0),
                omissions: max(0, question.directives.int("unlisted") ?? 0),
                isSentAsBase64: question.directives.has("b64"))
        }
    }
}
