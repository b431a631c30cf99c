public import PolluxCore

/// Gemini's web app (gemini.google.com), spoken to as its own page does, with the cookies of a signed-in account.
///
/// Answers text. A conversation goes on in its chat at the upstream where that is certain to be the same; else all
/// of it is written into a new one. What the upstream has no notion of is treated so:
/// - System text, functions and wished forms of output are described in the prompt, calls read from the text.
/// - Sampling (temperature, top-p, top-k, seed, penalties, logit bias, log probabilities) is ignored and named as such.
/// - Stop sequences and the limit on output tokens are honoured here, by ending the answer.
/// - Of reasoning efforts there are two: usual, and extended from `high` on.
/// - Usage is estimated.
///
/// Source: Gemini web protocol notes. The protocol is not documented by the upstream, so it may change.
public struct GeminiWebProvider: Provider, AccountProbing, ModelListing, AccountKeeping {
    public static let kind: PluginKind = "gemini-web"
    public static let defaultDeadlines = TransferDeadlines(
        firstByte: .seconds(120), gap: .seconds(120), total: .seconds(600))
    public static let defaultRequestTimeout = Duration.seconds(600)
    /// One question at a time, as a person would ask; a limited account rests for an hour.
    public static let defaultPool = AccountPoolState.Rules(
        maxInFlight: 1, cooldown: .seconds(3600), maxCooldown: .seconds(7200), cooldownSpread: 0.1)

    private let settings: GeminiWebSettings
    private let client: WebClient
    private let signIn: WebSignIn
    private let accounts: WebAccounts
    /// The chats that conversations go on in; `nil` when each request begins a new one.
    private let book: SessionBook?
    private let locks = ConversationLocks()

    public init(settings: GeminiWebSettings, context: ProviderContext) throws(GatewayError) {
        self.settings = settings
        let site = WebSite(base: settings.baseURL)
        client = WebClient(settings: settings, site: site, context: context)
        signIn = WebSignIn(client: client)
        accounts = WebAccounts(site: site, settings: settings, context: context)
        let table = MemorySessionTable(lifetime: settings.chatTTL)
        book = settings.chatTTL > .zero ? SessionBook(table) : nil
    }

    public func problem(with credential: Credential) -> String? { WebAccount.problem(with: credential) }

    public func refusal(of request: ModelRequest) -> GatewayError? {
        WebRefusal.refusal(of: request, maxPromptBytes: settings.maxPromptBytes) {
            book?.preferredAccount(ConversationKeys(request, heedsName: true), now: client.time.now) != nil
        }
    }

    public func ignoredParameters(of request: ModelRequest) -> [String] {
        request.ignoredFields(besides: [.stop, .maxTokens, .reasoningEffort, .parallelToolCalls])
    }

    public func generate(
        _ request: ModelRequest, on lease: any AccountLease
    ) async throws(GatewayError) -> EventStream {
        if let refusal = refusal(of: request) { throw refusal }
        let state = try accounts.state(of: lease)
        let desk = try await WebChatDesk(
            request, account: lease.credential.accountID, book: state.isTemporary ? nil : book, locks: locks,
            maxPromptBytes: settings.maxPromptBytes, time: client.time)
        let inputTokens = TokenEstimate(try PromptWriter(request).newChat().text).tokens
        let turn = WebTurn(
            client: client, signIn: signIn, state: state, lease: lease, request: request, inputTokens: inputTokens,
            desk: desk)
        return PromptedAnswer.stream(
            try await turn.answer(), to: request, inputTokens: inputTokens,
            repair: { (prompt) throws(GatewayError) in try await turn.answer(repair: prompt) },
            keep: { desk.keep($0) })
    }

    // MARK: Models

    public var offeredModels: [ModelInfo]? {
        settings.models.isEmpty ? nil : WebModelTable(known: [], settings: settings).offered
    }

    /// Offered until an account has been asked.
    public var modelsUntilListed: [ModelInfo]? { WebModelTable(known: [], settings: settings).offered }

    /// Every account may have others, so those of all that were asked are offered.
    public func listModels(on lease: any AccountLease) async throws(GatewayError) -> [ModelInfo] {
        let state = try accounts.state(of: lease)
        let isOpen = state.session != nil
        let session = try await signIn.session(of: state, on: lease)
        if isOpen {
            do { _ = try await signIn.refreshStatus(session, of: state, on: lease) } catch {
                // The next session finds out whether the account is still good.
                state.drop(session)
                _ = try await signIn.session(of: state, on: lease)
            }
        }
        return WebModelTable(known: accounts.knownModels, settings: settings).offered
    }

    // MARK: Accounts

    public var keepAliveInterval: Duration { .seconds(60) }

    public func keepAlive(_ lease: any AccountLease) async throws(GatewayError) {
        try await signIn.renewIfDue(try accounts.state(of: lease), on: lease)
    }

    public func probe(_ lease: any AccountLease, step: (ProbeStep) -> Void) async {
        do {
            let session = try await signIn.session(of: try accounts.state(of: lease), on: lease)
            step(ProbeStep("session"))
            let names = session.status.models.map(\.name)
            step(ProbeStep("models (\(names.isEmpty ? "none listed" : names.joined(separator: ", ")))"))
        } catch {
            step(ProbeStep("session", failure: error))
        }
    }
}
