import PolluxCore

/// Opens sessions and keeps their cookies fresh, once at a time for each account.
///
/// Source: Gemini web protocol notes, sections 3 and 4.
struct WebSignIn: Sendable {
    let client: WebClient
    private let batch: WebBatch

    init(client: WebClient) { (self.client, batch) = (client, WebBatch(client: client)) }

    private static let maxHops = 5
    private static let maxPageBytes = 16 << 20

    /// The account's session; opened if there is none. Cookies that have grown old are renewed first.
    ///
    /// Whoever comes while another request opens one waits for it, and shares its failure.
    func session(of state: WebAccountState, on lease: any AccountLease) async throws(GatewayError) -> WebSession {
        try await renewIfDue(state, on: lease)
        if let session = state.session { return session }
        let failures = state.failures
        return try await state.turn.withLock { () async throws(GatewayError) in
            if let session = state.session { return session }
            if let failure = state.failure(since: failures) { throw failure }
            do throws(GatewayError) {
                let session = try await open(state, lease)
                state.set(session)
                return session
            } catch {
                if error.kind != .cancelled { state.note(failure: error) }
                throw error
            }
        }
    }

    func renewIfDue(_ state: WebAccountState, on lease: any AccountLease) async throws(GatewayError) {
        guard state.isRenewalDue else { return }
        try await state.turn.withLock { () async throws(GatewayError) in
            guard state.isRenewalDue else { return }
            try await renew(state, lease)
        }
    }

    /// After the upstream refused the account: new cookies, if they are not new already, and no session.
    func signInAgain(
        _ session: WebSession, of state: WebAccountState, on lease: any AccountLease
    ) async throws(GatewayError) {
        try await state.turn.withLock { () async throws(GatewayError) in
            state.drop(session)
            guard state.session == nil else { return }
            try await renew(state, lease)
        }
    }

    /// Asks for the account's status anew.
    func refreshStatus(
        _ session: WebSession, of state: WebAccountState, on lease: any AccountLease
    ) async throws(WebFailure) -> WebStatus {
        var session = session
        let status = WebStatus(try await batch.call(.status, in: &session, as: state, on: lease))
        if let problem = status.problem {
            throw WebFailure(problem, status.isSignedOut ? .newSignIn : .none)
        }
        session.status = status
        if state.session?.serial == session.serial { state.set(session) }
        return status
    }

    // MARK: Opening

    /// A guest gets a page too, so only the status tells whether the cookies still count. Those that do not are renewed
    /// once.
    private func open(_ state: WebAccountState, _ lease: any AccountLease) async throws(GatewayError) -> WebSession {
        do {
            return try await openOnce(state, lease)
        } catch {
            guard error.remedy == .newSignIn else { throw error.error }
            client.log.info("gemini_web.signed_out", [LogField("account", lease.credential.accountID)])
        }
        try await renew(state, lease)
        do { return try await openOnce(state, lease) } catch { throw error.error }
    }

    private func openOnce(
        _ state: WebAccountState, _ lease: any AccountLease
    ) async throws(WebFailure) -> WebSession {
        let page: WebPage
        do { page = try await fetchPage(state, lease) } catch { throw WebFailure(error) }
        var session = WebSession(
            serial: state.makeSerial(), page: page, id: client.makeUUID(), token: page.token, status: WebStatus(.null))
        let status = WebStatus(try await batch.call(.status, in: &session, as: state, on: lease))
        if let problem = status.problem { throw WebFailure(problem, status.isSignedOut ? .newSignIn : .none) }
        session.status = status
        client.log.info(
            "gemini_web.session_opened",
            [
                LogField("account", lease.credential.accountID), LogField("status", status.code),
                LogField("models", status.models.count),
            ])
        return session
    }

    private func fetchPage(
        _ state: WebAccountState, _ lease: any AccountLease
    ) async throws(GatewayError) -> WebPage {
        var call = WebClient.Call(method: .get, target: "/app", fields: WebClient.appFields)
        call.maxResponseBytes = Self.maxPageBytes
        var response = try await client.send(call, as: state, on: lease)
        var place = client.site.url(WebSite.app, "/app")
        for _ in 0..<Self.maxHops where (300..<400).contains(response.status) {
            let location = response.fields["location"] ?? ""
            guard !location.contains("/sorry/"), !location.contains("ServiceLogin"), let from = place,
                let next = client.site.destination(of: location, from: from)
            else { break }
            place = next
            response = try await client.send(call, to: next, as: state, on: lease)
        }
        return try await page(in: response, at: place)
    }

    private func page(in response: UpstreamResponse, at place: UpstreamURL?) async throws(GatewayError) -> WebPage {
        guard response.status == 200 else {
            throw WebErrors.failure(
                status: response.status, location: response.fields["location"],
                retryAfter: RetryAfter.read(response.fields, now: client.time.wallNow), detail: "page"
            ).error
        }
        let html = try await response.body.collect(upTo: Self.maxPageBytes)
        let page = WebPage(html)
        guard !page.isForeign else {
            throw WebErrors.signedOut(
                "page: no session in \"\(WebPage.title(of: html))\" at \(place.map { String($0.path) } ?? "")")
        }
        return page
    }

    // MARK: Renewing

    /// Renews the cookies unless that was tried a moment ago. A failure is no reason to stop: the old ones may still
    /// count, and using them tells.
    private func renew(_ state: WebAccountState, _ lease: any AccountLease) async throws(GatewayError) {
        guard state.beginRenewal(), let app = client.site.url(WebSite.app, "/app") else { return }
        let before = state.cookie(WebAccount.rotatingCookie, for: app)
        let status: Int
        do {
            status = try await client.send(Self.renewal, as: state, on: lease).status
        } catch {
            if error.kind == .cancelled || error.kind == .internalError { throw error }
            return log(.warning, "gemini_web.renewal_failed", lease, LogField("error", error.kind.rawValue))
        }
        switch status {
        case 200:
            let isNew = state.cookie(WebAccount.rotatingCookie, for: app) != before
            log(.debug, "gemini_web.cookies_renewed", lease, LogField("new_value", isNew))
            if state.noteRenewal(isFruitful: isNew) {
                log(
                    .warning, "gemini_web.cookies_not_renewed", lease,
                    LogField("message", "three renewals brought no new cookie; the session may end soon"))
            }
        case 401:
            // The next session tells whether the account is signed out.
            if let session = state.session { state.drop(session) }
            log(.warning, "gemini_web.renewal_refused", lease, LogField("status", status))
        default: log(.info, "gemini_web.renewal_failed", lease, LogField("status", status))
        }
    }

    /// The body is no JSON, so it is written as it is.
    private static let renewal = WebClient.Call(
        host: WebSite.accounts, target: "/RotateCookies",
        fields: ["content-type": "application/json", "origin": WebSite.accounts],
        body: Array(#"[000,"-0000000000000000000"]"#.utf8), maxResponseBytes: 1 << 20)

    private func log(_ level: Logger.Level, _ event: String, _ lease: any AccountLease, _ field: LogField) {
        let fields = [LogField("account", lease.credential.accountID), field]
        switch level {
        case .debug: client.log.debug(event, fields)
        case .info: client.log.info(event, fields)
        case .warning: client.log.warning(event, fields)
        case .error: client.log.error(event, fields)
        }
    }
}
