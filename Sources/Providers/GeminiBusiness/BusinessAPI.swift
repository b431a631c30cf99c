internal import PolluxCore

/// Calls of the chat API with a valid token.
///
/// Source: Gemini Business protocol notes, section 4; seen on the wire, not documented by the upstream.
struct BusinessAPI: Sendable {
    private let settings: GeminiBusinessSettings
    private let http: any HTTPTransport
    private let log: Logger
    private let signIn: BusinessSignIn
    private let tokens: BusinessTokens
    let time: any TimeSource

    init(settings: GeminiBusinessSettings, context: ProviderContext) {
        (self.settings, http, time, log) = (settings, context.http, context.time, context.log)
        signIn = BusinessSignIn(settings: settings, http: context.http, time: context.time)
        tokens = BusinessTokens(time: context.time)
    }

    /// Calls a method and reads its answer. If the upstream refuses the token, by status or inside the answer, the call
    /// is repeated once with a new one.
    ///
    /// - Parameter read: Gets an answer with status 200.
    /// - Throws: As `BusinessErrors` says; what `read` throws.
    func call<Result>(
        _ method: BusinessMethod, _ parameters: JSON, on lease: any AccountLease,
        read: (UpstreamResponse) async throws(GatewayError) -> Result
    ) async throws(GatewayError) -> Result {
        try await call(method, on: lease, read: read) { $0.value(parameters) }
    }

    /// The same for parameters that are too large for a tree.
    func call<Result>(
        _ method: BusinessMethod, on lease: any AccountLease,
        read: (UpstreamResponse) async throws(GatewayError) -> Result, write: (inout JSONWriter) -> Void
    ) async throws(GatewayError) -> Result {
        let url = settings.apiBase + "/v1alpha/locations/global/" + method.rawValue
        let body = method.body(configID: try BusinessAccount(lease.credential).configID, write)
        return try await withToken(on: lease) { (account, token) throws(GatewayError) in
            var request = self.request(.post, url, account, token)
            request.fields.append("content-type", "application/json")
            request.body = body
            request.deadlines = method.deadlines
            let response = try await http.send(request)
            guard response.status == 200 else { throw await failure(response, step: method.step) }
            return try await read(response)
        }
    }

    /// Calls a method and reads its answer whole.
    ///
    /// - Throws: As above, also for an error in the body of a 200.
    func call(
        _ method: BusinessMethod, _ parameters: JSON, on lease: any AccountLease
    ) async throws(GatewayError) -> JSON {
        try await call(
            method, parameters, on: lease,
            read: { (response) throws(GatewayError) in try await Self.json(response, method) })
    }

    static func json(_ response: UpstreamResponse, _ method: BusinessMethod) async throws(GatewayError) -> JSON {
        let body = try await response.body.collect(upTo: 1 << 20)
        guard let answer = try? BusinessJSON.parse(body) else {
            throw BusinessErrors.badResponse(
                "the upstream did not answer in JSON", detail: "\(method.step.rawValue) step")
        }
        if answer["error"] != nil || answer[0]?["error"] != nil {
            let error = BusinessErrorBody(answer)
            throw BusinessErrors.error(status: error.httpStatus, body: error, step: method.step)
        }
        return answer
    }

    /// Fetches a file of a session. Redirects are followed on the chat API's own origin, which is where they lead.
    ///
    /// - Parameter path: Behind `/v1alpha/`, with its query.
    /// - Throws: As `BusinessErrors` says; what `read` throws.
    func download<Result>(
        _ path: String, on lease: any AccountLease, maxBytes: Int,
        read: (UpstreamResponse) async throws(GatewayError) -> Result
    ) async throws(GatewayError) -> Result {
        guard let start = UpstreamURL(settings.apiBase + "/v1alpha/" + path) else {
            throw BusinessErrors.badResponse(
                "the upstream named a file that cannot be fetched", detail: "download step")
        }
        return try await withToken(on: lease) { (account, token) throws(GatewayError) in
            var url = start
            for _ in 0...Self.maxRedirects {
                var request = self.request(.get, url.text, account, token)
                request.deadlines = .businessDownload
                request.maxResponseBytes = maxBytes
                let response = try await http.send(request)
                if response.status == 200 { return try await read(response) }
                guard (300..<400).contains(response.status) else { throw await failure(response, step: .download) }
                guard let next = url.resolving(response.fields["location"] ?? ""), next.origin == start.origin else {
                    throw BusinessErrors.badResponse(
                        "the upstream sent a download to another place", detail: "download step: redirect")
                }
                url = next
            }
            throw BusinessErrors.badResponse(
                "the upstream sent a download in circles", detail: "download step: redirects")
        }
    }

    private static let maxRedirects = 3

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

    private func withToken<Result>(
        on lease: any AccountLease,
        _ body: (BusinessAccount, BusinessToken) async throws(GatewayError) -> Result
    ) async throws(GatewayError) -> Result {
        let account = try BusinessAccount(lease.credential)
        let token = try await token(for: account, on: lease)
        do {
            return try await body(account, token)
        } catch  where error.upstreamStatus == 401 {
            log.info("gemini_business.token_refused", [LogField("account", lease.credential.accountID)])
            tokens.drop(token, accountID: lease.credential.accountID)
        }
        return try await body(account, try await self.token(for: account, on: lease))
    }

    private func request(
        _ method: HTTPMethod, _ url: String, _ account: BusinessAccount, _ token: BusinessToken
    ) -> UpstreamRequest {
        var request = UpstreamRequest(
            method, url,
            fields: [
                "authorization": "Bearer " + token.text.reveal(), "origin": BusinessHost.webApp,
                "referer": BusinessHost.webApp + "/", "user-agent": account.userAgent ?? settings.userAgent,
                "x-server-timeout": "1800", "accept": "*/*",
            ])
        request.proxy = account.proxy
        return request
    }

    /// Reads a bounded part of an error's body for its reason; without it the status alone decides.
    private func failure(_ response: UpstreamResponse, step: BusinessStep) async -> GatewayError {
        let body: [UInt8]
        do { body = try await response.body.collect(upTo: 1 << 20) } catch { body = [] }
        return BusinessErrors.error(
            status: response.status, body: BusinessErrorBody(bytes: body), step: step,
            retryAfter: RetryAfter.read(response.fields, now: time.wallNow))
    }
}
