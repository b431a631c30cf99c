public import PolluxCore

/// Gemini Business (Gemini Enterprise), spoken to as its own web app does, with the cookies of a signed-in account.
///
/// Answers text. Every request opens a session of its own and sends the whole conversation as one text. What the
/// upstream has no notion of is treated so:
/// - Sampling (temperature, top-p, top-k, seed, penalties, logit bias, log probabilities), the limit on output tokens
///   and the reasoning effort are ignored: the model answers as it does in the web app.
/// - Stop sequences are honoured here, by ending the answer at the first one.
/// - System text is folded into the conversation.
/// - Functions, media, guaranteed JSON and several candidates are refused before an account is used.
/// - Usage is estimated.
///
/// Source: Gemini Business protocol notes. The protocol is not documented by the upstream, so it may change.
public struct GeminiBusinessProvider: Provider, AccountProbing {
    public static let kind: PluginKind = "gemini-business"
    /// Long thoughts arrive late, and nothing arrives while the upstream searches.
    public static let defaultDeadlines = TransferDeadlines(
        firstByte: .seconds(300), gap: .seconds(300), total: .seconds(600))
    public static let defaultRequestTimeout = Duration.seconds(600)
    /// Whatever is asked for is asked in words, which the upstream charges as text.
    public static let defaultPool = AccountPoolState.Rules(textRestsAll: true)

    private let settings: GeminiBusinessSettings
    private let api: BusinessAPI
    private let sessionList: BusinessSessionList
    private let log: Logger
    private let time: any TimeSource

    public init(settings: GeminiBusinessSettings, context: ProviderContext) throws(GatewayError) {
        self.settings = settings
        api = BusinessAPI(settings: settings, context: context)
        sessionList = BusinessSessionList(settings: settings, http: context.http)
        (log, time) = (context.log, context.time)
    }

    public func problem(with credential: Credential) -> String? { BusinessAccount.problem(with: credential) }

    public var offeredModels: [ModelInfo]? {
        settings.models.map { ModelInfo(id: $0.id, owner: "google", capabilities: [.chat]) }
    }

    public func refusal(of request: ModelRequest) -> GatewayError? {
        request.refusal(beyond: [.chat], webSearch: true, kind: Self.kind)
    }

    /// The web app has no dials; stop sequences are honoured here.
    public func ignoredParameters(of request: ModelRequest) -> [String] { request.ignoredFields(besides: [.stop]) }

    public func generate(
        _ request: ModelRequest, on lease: any AccountLease
    ) async throws(GatewayError) -> EventStream {
        if let refusal = refusal(of: request) { throw refusal }
        try BusinessTrial.check(lease.credential, now: time.wallNow)
        let prompt = try BusinessPrompt(request)
        let inputTokens = TokenEstimate(prompt.text).tokens
        let answer = try await answer(to: request, prompt, inputTokens, on: lease)
        let stop = request.sampling.stop
        return EventStream(
            stop.isEmpty ? answer : StopFilter(answer, stop: stop, inputTokens: inputTokens) as any EventSource)
    }

    public func probe(_ lease: any AccountLease, step: (ProbeStep) -> Void) async {
        do {
            let account = try BusinessAccount(lease.credential)
            _ = try await api.token(for: account, on: lease)
        } catch {
            return step(ProbeStep("token", failure: error))
        }
        step(ProbeStep("token"))
        do {
            _ = try await BusinessSession.open(with: api, on: lease)
        } catch {
            return step(ProbeStep("session", failure: error))
        }
        step(ProbeStep("session"))
        if let listed = await sessionList.step(for: lease.credential) { step(listed) }
    }

    /// Opens a session and asks; if the upstream has lost the session by then, once more with another one.
    private func answer(
        to request: ModelRequest, _ prompt: BusinessPrompt, _ inputTokens: Int, on lease: any AccountLease
    ) async throws(GatewayError) -> BusinessAnswer {
        let ask = { (session: BusinessSession) async throws(GatewayError) -> BusinessAnswer in
            let parameters = BusinessQuestion(request, prompt, session, settings).parameters
            return try await api.call(.streamAssist, parameters, on: lease) { response throws(GatewayError) in
                let decoder = BusinessAnswerDecoder(inputTokens: inputTokens, showsCode: settings.showCode)
                var answer = BusinessAnswer(
                    response.body, decoder: decoder)
                try await answer.begin(model: request.resolvedModel)
                return answer
            }
        }
        do {
            return try await ask(try await BusinessSession.open(with: api, on: lease))
        } catch  where error.upstreamStatus == 404 && error.scope == .session {
            log.info("gemini_business.session_lost", [LogField("request", request.id)])
        }
        return try await ask(try await BusinessSession.open(with: api, on: lease))
    }
}
