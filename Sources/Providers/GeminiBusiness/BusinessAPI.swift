internal import PolluxCore

/// Calls of the chat API with a valid token.
///
/// Source: Gemini Business protocol notes, section 4; seen on the wire, not documented by the upstream.
struct BusinessAPI: Sendable {
    private let settings: GeminiBusinessSettings
    private let http: any HTTPTransport
    private let time: any TimeSource
    private let log: Logger
    private let signIn: BusinessSignIn
    private let tokens: BusinessTokens

    init(settings: GeminiBusinessSettings, context: ProviderContext) {
        (self.settings, http, time, log) = (settings, context.http, context.time, context.log)
        signIn = BusinessSignIn(settings: settings, http: context.http, time: context.time)
        tokens = BusinessTokens(time: context.time)
    }

    /// The methods in use: their path's last part and the body's member for the request.
    enum Method: String {
        case createSession = "widgetCreateSession"
        case streamAssist = "widgetStreamAssist"

        var requestMember: String {
            switch self {
            case .createSession: "createSessionRequest"
            case .streamAssist: "streamAssistRequest"
            }
        }

        var step: BusinessStep { self == .createSession ? .session : .answer }
        /// `nil` takes what the operator set for answers.
        var deadlines: TransferDeadlines? { self == .createSession ? .businessShortCall : nil }
    }

    /// Calls a method and reads its answer. If the upstream refuses the token, by status or inside the answer, the call
    /// is repeated once with a new one.
    ///
    /// - Parameter read: Gets an answer with status 200.
    /// - Throws: As `BusinessErrors` says; what `read` throws.
    func call<Result>(
        _ method: Method, _ parameters: JSON, on lease: any AccountLease,
        read: (UpstreamResponse) async throws(GatewayError) -> Result
    ) async throws(GatewayError) -> Result {
        let account = try BusinessAccount(lease.credential)
        let body = JSON.object(
            JSONObject([
                ("configId", .string(account.configID)), ("additionalParams", ["token": "-"]),
                (method.requestMember, parameters),
            ])
        ).bytes()
        let token = try await token(for: account, on: lease)
        do {
            return try await read(try await send(method, body, account, token))
        } catch  where error.upstreamStatus == 401 {
            log.info("gemini_business.token_refused", [LogField("account", lease.credential.accountID)])
            tokens.drop(token, accountID: lease.credential.accountID)
        }
        let renewed = try await self.token(for: account, on: lease)
        return try await read(try await send(method, body, account, renewed))
    }

    /// A token that was not refused yet; for trying an account.
    func token(for account: BusinessAccount, on lease: any AccountLease) async throws(GatewayError) -> BusinessToken {
        try await tokens.token(accountID: lease.credential.accountID, account: account) {
            () async throws(GatewayError) in
            let result = try await signIn.signingKey(on: lease)
            let issuedAt = time.wallNow + (settings.tokenClockOffset + result.clockOffset)
            let text = result.key.sign(csesidx: result.account.csesidx, issuedAt: issuedAt.seconds)
            log.debug("gemini_business.token_renewed", [LogField("account", lease.credential.accountID)])
            return (BusinessToken(text: Secret(text), madeAt: time.now), result.account)
        }
    }

    private func send(
        _ method: Method, _ body: [UInt8], _ account: BusinessAccount, _ token: BusinessToken
    ) async throws(GatewayError) -> UpstreamResponse {
        var request = UpstreamRequest(
            .post, settings.apiBase + "/v1alpha/locations/global/" + method.rawValue,
            fields: [
                "authorization": "Bearer " + token.text.reveal(), "content-type": "application/json",
                "origin": BusinessHost.webApp, "referer": BusinessHost.webApp + "/",
                "user-agent": account.userAgent ?? settings.userAgent, "x-server-timeout": "1800", "accept": "*/*",
            ],
            body: body)
        request.deadlines = method.deadlines
        request.proxy = account.proxy
        let response = try await http.send(request)
        guard response.status == 200 else { throw await failure(response, of: method) }
        return response
    }

    /// Reads a bounded part of an error's body for its reason; without it the status alone decides.
    private func failure(_ response: UpstreamResponse, of method: Method) async -> GatewayError {
        let body: [UInt8]
        do { body = try await response.body.collect(upTo: 1 << 20) } catch { body = [] }
        return BusinessErrors.error(
            status: response.status, body: BusinessErrorBody(bytes: body), step: method.step,
            retryAfter: RetryAfter.read(response.fields, now: time.wallNow))
    }
}
