import PolluxCore

/// One turn: checked in the order that the notes give, then answered as a stream (protocol notes, section 15.3).
extension GeminiWebSimulator {
    func turnReply(to visit: WebVisit) throws(WebRefusal) -> WebReply {
        let form = try WebForm(visit)
        let selector = WebModelSelector(of: visit.request)
        var question = WebQuestion(form.request)
        visit.log(question?.logged ?? [("prompt", .null), ("directives", [:])])
        visit.log(selector.logged)
        let fault = visit.takeFault()
        if let fault { question?.directives.append(PromptDirectives(in: fault.directives)) }
        visit.call.note { $0.directives = question?.directives.all.map(\.name) ?? [] }
        if let status = fault?.status { return .page(status: status, verdict: "fault: \(status)") }

        if let status = question?.directives.int("http", or: 500) {
            return .page(status: (200...599).contains(status) ? status : 500, verdict: "directive: http")
        }
        if let question, question.directives.has("xsrf") { try changeToken(visit, for: question.prompt) }
        try form.checkToken(visit)
        try visit.checkHeaders()
        guard visit.request.queryValue("_reqid").flatMap({ Int($0) }) != nil else {
            throw visit.requestError("the query needs a number _reqid")
        }
        guard let question else { throw visit.requestError("f.req holds no message") }
        guard question.hasMatchingID(visit.request) else {
            throw visit.requestError("the header's request id is not the one in f.req")
        }
        return inBandReply(to: question, selector, visit)
    }

    /// The account's token changes once for a prompt that asks for it; the refusal tells the new one.
    private func changeToken(_ visit: WebVisit, for prompt: String) throws(WebRefusal) {
        guard let name = visit.caller.account else { return }
        let token = withState { state -> String? in
            state[name].changeToken(for: prompt) ? state[name].token : nil
        }
        guard let token else { return }
        throw visit.requestError("directive: xsrf", adding: WebPart.xsrf(token))
    }

    /// From here on the status is 200 and errors are parts.
    private func inBandReply(to question: WebQuestion, _ selector: WebModelSelector, _ visit: WebVisit) -> WebReply {
        let directives = question.directives
        var frames: [[JSON]] = []
        if !directives.has("drop") {
            if let status = directives.int("status", or: 4) {
                frames = [[WebPart.status(status)]]
            } else if let code = directives.int("error", or: 1013) ?? refusalCode(question, selector, visit) {
                frames = [[WebPart.error(code)]]
            } else {
                return .stream(answer(question, selector, visit), verdict: "ok")
            }
        }
        return .stream(
            WebStream(opening: frames + [visit.bookkeeping()]),
            verdict: "in band: \(JSON.array(frames.flatMap(\.self)).text)")
    }

    /// The code of what is wrong with a well-formed question.
    private func refusalCode(_ question: WebQuestion, _ selector: WebModelSelector, _ visit: WebVisit) -> Int? {
        withState { state in
            guard let model = state.model(selector, of: visit.caller) else { return ErrorCode.modelInvalid }
            let account = visit.caller.account
            for file in question.files where account == nil || state.upload(file.uploadID, of: account) == nil {
                return ErrorCode.rejected
            }
            guard let cid = question.cid else { return nil }
            guard let chat = state[account].chats[cid] else { return ErrorCode.chatUnknown }
            return chat.model == model ? nil : ErrorCode.modelInconsistent
        }
    }

    private func answer(_ question: WebQuestion, _ selector: WebModelSelector, _ visit: WebVisit) -> WebStream {
        let (wallNow, origin) = (visit.wallNow, visit.request.origin)
        let (answer, closing) = withState { state in
            let account = visit.caller.account
            var chat =
                question.cid.flatMap { state[account].chats[$0] }
                ?? WebChat(
                    cid: state.makeID("c_"), model: state.model(selector, of: visit.caller) ?? "",
                    isTemporary: question.isTemporary, title: question.title)
            let turn = WebMedia.Turn(
                account: account, cid: chat.cid, rid: state.makeID("r_"), rcid: state.makeID("rc_"))
            let media = WebMediaSet(question.directives, turn, origin: origin, &state)
            let script = WebScript(
                question, earlier: chat,
                files: question.files.compactMap { file in
                    state.upload(file.uploadID, of: account).map { (file.name, $0) }
                })
            let answer = WebAnswer(turn, script, media, context: state.makeID("CtxTok_", digits: 32), title: chat.title)
            chat.append(
                WebTurn(
                    rid: turn.rid, rcid: turn.rcid, prompt: question.prompt, candidate: answer.finished,
                    time: wallNow))
            state[account].chats.put(chat)
            return (answer, WebPart.bookkeeping(&state.random))
        }
        var stream = WebStream(opening: [], answer: answer)
        if let code = question.directives.int("late-error", or: 1096) { stream.closing.append([WebPart.error(code)]) }
        stream.closing.append(closing)
        stream.follow(question.directives)
        return stream
    }

    /// The codes that the checks answer with (protocol notes, section 9.2).
    private enum ErrorCode {
        static let rejected = 1003
        static let modelInconsistent = 1050
        static let modelInvalid = 1052
        static let chatUnknown = 1097
    }
}

extension WebState {
    /// The id of the model that is chosen; nil when the caller does not have it.
    mutating func model(_ selector: WebModelSelector, of caller: WebCaller) -> String? {
        let models = models(of: caller)
        switch selector.choice {
        case .none: return models.first?.id
        case .model(let id): return models.first { $0.id == id }?.id
        case .unreadable: return nil
        }
    }
}
