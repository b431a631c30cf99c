import PolluxCore

/// One question on one account, with what may be repeated before anything was shown: each remedy once, two in all.
///
/// Source: Gemini web protocol notes, sections 9 and 14.7.
struct WebTurn: Sendable {
    let client: WebClient
    let signIn: WebSignIn
    let state: WebAccountState
    let lease: any AccountLease
    let request: ModelRequest
    let inputTokens: Int
    /// Where the chat stands after each answer.
    let desk: WebChatDesk

    private static let mostRemedies = 2

    /// The answer to the client's question.
    func answer() async throws(GatewayError) -> WebAnswer {
        try await answer { () throws(GatewayError) in (try desk.prompt(), desk.chat) }
    }

    /// The answer to a further question of the gateway's own in the chat that has just answered.
    func answer(repair prompt: String) async throws(GatewayError) -> WebAnswer {
        try await answer { () throws(GatewayError) in (prompt, desk.chat) }
    }

    /// - Parameter question: Asked anew for each try, since a chat may have been lost meanwhile.
    private func answer(
        _ question: () throws(GatewayError) -> (prompt: String, chat: WebChat)
    ) async throws(GatewayError) -> WebAnswer {
        var used: Set<Int> = []
        while true {
            let session = try await signIn.session(of: state, on: lease)
            let (prompt, chat) = try question()
            do throws(WebFailure) {
                return try await ask(prompt, in: chat, session)
            } catch {
                let isNew = used.count < Self.mostRemedies && used.insert(error.remedy.rank).inserted
                guard isNew, error.remedy != .none else { throw await lastWord(error, session) }
                log(error)
                try await apply(error.remedy, session)
            }
        }
    }

    private func apply(_ remedy: WebFailure.Remedy, _ session: WebSession) async throws(GatewayError) {
        switch remedy {
        case .none: break
        case .newToken(let token): state.replaceToken(token, in: session)
        case .newSession: state.drop(session)
        case .newSignIn: try await signIn.signInAgain(session, of: state, on: lease)
        case .newChat: try desk.loseChat()
        }
    }

    // MARK: Asking

    private func ask(
        _ prompt: String, in chat: WebChat, _ session: WebSession
    ) async throws(WebFailure) -> WebAnswer {
        let question = WebQuestion(
            prompt: prompt, chat: chat, choice: try choice(session), thinksLonger: request.reasoning.isExtended,
            isTemporary: state.isTemporary)
        let call = question.call(client, session, requestID: state.makeRequestID())
        let response: UpstreamResponse
        do { response = try await client.send(call, as: state, on: lease) } catch { throw WebFailure(error) }
        guard response.status == 200 else { throw await failure(response) }
        var answer = WebAnswer(
            response.body, decoder: decoder(chat), recovery: state.isTemporary ? nil : recovery(chat, session),
            client: client
        ) { [desk] chat in desk.note(chat) }
        try await answer.begin(model: request.resolvedModel)
        return answer
    }

    private func choice(_ session: WebSession) throws(WebFailure) -> WebModelChoice {
        let table = WebModelTable(known: session.status.models, settings: client.settings)
        if let choice = table.choice(for: request.resolvedModel) { return choice }
        throw WebErrors.failure(code: 1052, model: request.resolvedModel).withoutRemedy
    }

    private func decoder(_ chat: WebChat) -> WebAnswerDecoder {
        WebAnswerDecoder(
            chat: chat, model: request.resolvedModel, inputTokens: inputTokens, isStreamed: request.stream)
    }

    private func recovery(_ chat: WebChat, _ session: WebSession) -> WebRecovery {
        WebRecovery(
            client: client, session: session, state: state, lease: lease, previous: chat.candidate,
            requestDeadline: request.deadline)
    }

    /// Reads a bounded part of an error's body for its reason; without it the status alone decides.
    private func failure(_ response: UpstreamResponse) async -> WebFailure {
        let body: [UInt8]
        do { body = try await response.body.collect(upTo: 1 << 20) } catch { body = [] }
        return WebErrors.failure(
            status: response.status, location: response.fields["location"], parts: WebParts.all(in: body),
            retryAfter: RetryAfter.read(response.fields, now: client.time.wallNow), detail: "answer")
    }

    // MARK: Giving up

    /// What the client is told. A session that has failed is not used again.
    private func lastWord(_ failure: WebFailure, _ session: WebSession) async -> GatewayError {
        switch failure.remedy {
        case .newSession, .newSignIn: state.drop(session)
        case .newChat: do { try desk.loseChat() } catch { return error }
        case .none, .newToken: break
        }
        guard failure.error.kind == .quotaExhausted else { return failure.error }
        var error = failure.error
        error.retryAfter = await reset(session) ?? error.retryAfter
        return error
    }

    /// When the account's allowance is renewed, where the upstream says so.
    private func reset(_ session: WebSession) async -> Duration? {
        var session = session
        do throws(WebFailure) {
            let usage = try await WebBatch(client: client).call(.usage, in: &session, as: state, on: lease)
            return WebUsage.reset(usage, now: client.time.wallNow)
        } catch {
            return nil
        }
    }

    private func log(_ failure: WebFailure) {
        client.log.info(
            "gemini_web.asked_again",
            [
                LogField("request", request.id), LogField("account", lease.credential.accountID),
                LogField("because", failure.error.detail), LogField("remedy", failure.remedy.word),
            ])
    }
}

/// The account's allowances.
///
/// Source: Gemini web protocol notes, section 13.3.
enum WebUsage {
    /// How long until the soonest renewal of an allowance that is used up; of any, if none is.
    static func reset(_ usage: JSON, now: WallTime) -> Duration? {
        let items = (usage[1]?.array ?? []).prefix(20).compactMap { item -> (isSpent: Bool, wait: Duration)? in
            guard let seconds = item[3]?[0]?[0]?.int, seconds > 0 else { return nil }
            let wait = WallTime(seconds: Int64(seconds)) - now
            guard wait > .zero, wait <= .seconds(14 * 86_400) else { return nil }
            return (item[0]?.int == 0, wait)
        }
        let spent = items.filter(\.isSpent)
        return (spent.isEmpty ? items : spent).map(\.wait).min()
    }
}

extension WebFailure {
    fileprivate var withoutRemedy: WebFailure { WebFailure(error) }
}

extension WebFailure.Remedy {
    fileprivate var rank: Int {
        switch self {
        case .none: 0
        case .newToken: 1
        case .newSession: 2
        case .newSignIn: 3
        case .newChat: 4
        }
    }

    fileprivate var word: String {
        switch self {
        case .none: "none"
        case .newToken: "new token"
        case .newSession: "new session"
        case .newSignIn: "renewed cookies"
        case .newChat: "new chat"
        }
    }
}

extension Reasoning {
    /// The web app has two levels of thinking.
    var isExtended: Bool {
        switch level {
        case .high, .xhigh, .max: true
        case .none?, .minimal, .low, .medium: false
        case nil: (budget ?? 0) >= 8192
        }
    }
}

extension WebModelTable {
    /// The operator's list, else the account's, else the usual one.
    init(known: [WebModel], settings: GeminiWebSettings) {
        let own = settings.models.isEmpty ? known : settings.models
        self.init(models: own.isEmpty ? WebModel.standard : own, aliases: settings.aliases)
    }
}
