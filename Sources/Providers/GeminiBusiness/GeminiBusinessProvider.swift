public import PolluxCore

/// Gemini Business (Gemini Enterprise), spoken to as its own web app does, with the cookies of a signed-in account.
///
/// A conversation goes on in its session at the upstream; else all of it is written into a new one. Files go along as
/// uploads, what the model makes is fetched and kept. What the upstream has no notion of is treated so:
/// - System text, functions and wished forms of output are described in the prompt, calls read from the text.
/// - Sampling (temperature, top-p, top-k, seed, penalties, logit bias, log probabilities) and the reasoning effort are
///   ignored and named as such: the model answers as it does in the web app.
/// - Stop sequences and the limit on output tokens are honoured here, by ending the answer.
/// - Usage is estimated.
///
/// Source: Gemini Business protocol notes. The protocol is not documented by the upstream, so it may change.
public struct GeminiBusinessProvider: Provider, AccountProbing, AccountKeeping {
    public static let kind: PluginKind = "gemini-business"
    /// Long thoughts arrive late, and nothing arrives while the upstream searches.
    public static let defaultDeadlines = TransferDeadlines(
        firstByte: .seconds(300), gap: .seconds(300), total: .seconds(600))
    public static let defaultRequestTimeout = Duration.seconds(600)
    /// Whatever is asked for is asked in words, which the upstream charges as text.
    public static let defaultPool = AccountPoolState.Rules(textRestsAll: true, limitsAddresses: true)

    private let settings: GeminiBusinessSettings
    private let api: BusinessAPI
    private let sessionList: BusinessSessionList
    private let sessions: BusinessSessions
    private let models: BusinessModelTable
    private let media: MediaAccess
    private let log: Logger
    private let time: any TimeSource

    public init(settings: GeminiBusinessSettings, context: ProviderContext) throws(GatewayError) {
        self.settings = settings
        api = BusinessAPI(settings: settings, context: context)
        sessionList = BusinessSessionList(settings: settings, http: context.http)
        sessions = BusinessSessions(settings: settings, time: context.time)
        models = BusinessModelTable(settings)
        (media, log, time) = (context.media, context.log, context.time)
    }

    public func problem(with credential: Credential) -> String? { BusinessAccount.problem(with: credential) }

    public var offeredModels: [ModelInfo]? { models.offered }

    public func quotaClass(of request: ModelRequest) -> QuotaClass { models.choice(for: request).quotaClass }

    public func refusal(of request: ModelRequest) -> GatewayError? {
        let able = models.choice(for: request).capabilities
        return request.refusal(beyond: able, webSearch: true, kind: Self.kind) ?? PromptWriter.refusal(of: request)
    }

    /// The web app has no dials.
    public func ignoredParameters(of request: ModelRequest) -> [String] {
        request.ignoredFields(besides: [.stop, .maxTokens, .parallelToolCalls])
    }

    public func generate(
        _ request: ModelRequest, on lease: any AccountLease
    ) async throws(GatewayError) -> EventStream {
        if let refusal = refusal(of: request) { throw refusal }
        try BusinessTrial.check(lease.credential, now: time.wallNow)
        let inputTokens = TokenEstimate(try PromptWriter(request).newChat().text).tokens
        let desk = try await BusinessDesk(request, account: lease.credential.accountID, in: sessions)
        let turn = turn(request, desk, inputTokens, on: lease)
        return PromptedAnswer.stream(
            try await turn.answer(), to: request, inputTokens: inputTokens,
            repair: { (prompt) throws(GatewayError) in try await turn.answer(repair: prompt) },
            keep: { desk.keep($0) })
    }

    private func turn(
        _ request: ModelRequest, _ desk: BusinessDesk, _ inputTokens: Int, on lease: any AccountLease
    ) -> BusinessTurn {
        BusinessTurn(
            api: api,
            uploads: BusinessUploads(api: api, lease: lease, intake: media.intake, settings: settings, log: log),
            files: BusinessFiles(api: api, lease: lease, store: media.store, request: request, log: log),
            desk: desk, choice: models.choice(for: request), settings: settings, request: request,
            inputTokens: inputTokens, lease: lease, log: log)
    }

    // MARK: Accounts

    /// How often sessions that are not gone on with are deleted.
    public var keepAliveInterval: Duration { .seconds(300) }

    public func keepAlive(_ lease: any AccountLease) async throws(GatewayError) {
        try await sessions.deleteLeftovers(with: api, on: lease)
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
            let session = try await BusinessSession.open(with: api, on: lease)
            sessions.leave(session, of: lease.credential.accountID)
        } catch {
            return step(ProbeStep("session", failure: error))
        }
        step(ProbeStep("session"))
        if let listed = await sessionList.step(for: lease.credential) { step(listed) }
    }
}
