internal import PolluxCore

/// One question on one account: files, session, answer. A session that the upstream has lost is replaced once, before
/// anything was shown.
///
/// Source: Gemini Business protocol notes, sections 5 to 7.
struct BusinessTurn: Sendable {
    let api: BusinessAPI
    let uploads: BusinessUploads
    let files: BusinessFiles
    let desk: BusinessDesk
    let choice: BusinessModelChoice
    let settings: GeminiBusinessSettings
    let request: ModelRequest
    let inputTokens: Int
    let lease: any AccountLease
    let log: Logger

    /// The answer to the client's question.
    func answer() async throws(GatewayError) -> BusinessAnswer {
        do {
            return try await attempt()
        } catch  where error.upstreamStatus == 404 && error.scope == .session {
            log.info("gemini_business.session_lost", [LogField("request", request.id)])
        }
        try desk.loseSession()
        return try await attempt()
    }

    /// The answer to a further question of the gateway's own in the session that has just answered.
    func answer(repair prompt: String) async throws(GatewayError) -> BusinessAnswer {
        guard let session = desk.session else { return try await answer() }
        return try await ask(prompt, [], in: session)
    }

    private func attempt() async throws(GatewayError) -> BusinessAnswer {
        do {
            let prompt = try desk.prompt()
            // Before a session is opened: what cannot be used must cost the account nothing.
            let items = try await uploads.gather(prompt.media)
            let session = try await openSession()
            let fileIDs = items.isEmpty ? [] : try await uploads.upload(items, to: session)
            return try await ask(prompt.text, fileIDs, in: session)
        } catch {
            // A refusal by status came instead of an answer: the session has heard nothing.
            if error.upstreamStatus != nil || error.scope == .request, error.scope != .session { desk.giveBack() }
            throw error
        }
    }

    private func openSession() async throws(GatewayError) -> BusinessSession {
        if let session = desk.session { return session }
        let session = try await BusinessSession.open(with: api, on: lease)
        desk.note(session)
        return session
    }

    private func ask(
        _ text: String, _ fileIDs: [String], in session: BusinessSession
    ) async throws(GatewayError) -> BusinessAnswer {
        let parameters = BusinessQuestion(text, fileIDs: fileIDs, in: session, choice, settings).parameters
        return try await api.call(
            .streamAssist, on: lease,
            read: { (response) throws(GatewayError) in
                let decoder = BusinessAnswerDecoder(inputTokens: inputTokens, showsCode: settings.showCode)
                var answer = BusinessAnswer(response.body, decoder: decoder) {
                    [files] (references, named) throws(GatewayError) in
                    try await files.fetch(references, from: named.isEmpty ? session.name : named)
                }
                try await answer.begin(model: request.resolvedModel)
                return answer
            }, write: { $0.value(parameters) })
    }
}
