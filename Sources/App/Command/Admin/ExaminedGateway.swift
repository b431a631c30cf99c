import PolluxCore

/// What 'doctor' and 'models' look at. Secrets that a gateway has renewed stand in its state alone: what the settings
/// name is older, and using it could end a session. So the running gateway is asked; while none runs, the state is
/// used, and what is renewed is kept there.
enum ExaminedGateway {
    case running(AdminSession)
    /// A host of this process.
    case here(GatewayHost, close: () async -> Void)

    static func open(
        _ settings: GatewaySettings, _ invocation: Invocation
    ) async throws(GatewayError) -> ExaminedGateway {
        let path = settings.state.folder
        switch try StateFolder.look(path, makesIt: false) {
        case .held(.gateway(let address)) where hasKey(settings, invocation):
            return .running(try AdminSession.running(at: address, settings, invocation))
        case .held(.gateway):
            invocation.console.err(
                "a gateway is running, and without admin.key in the settings it cannot be asked: what follows is what"
                    + " the settings and sources say, not what it has renewed since")
            return try unstored(settings, invocation)
        case .held(.command):
            throw .invalid(
                nil, "another pollux command is working in the state folder \(path); try again in a moment")
        case .free(let folder):
            let stored = try await StoredHost.open(folder, invocation)
            return .here(stored.host) { await stored.close() }
        case .absent: return try unstored(settings, invocation)
        }
    }

    private static func hasKey(_ settings: GatewaySettings, _ invocation: Invocation) -> Bool {
        settings.adminKey != nil || invocation.environment["POLLUX_ADMIN_KEY"]?.isEmpty == false
    }

    private static func unstored(
        _ settings: GatewaySettings, _ invocation: Invocation
    ) throws(GatewayError) -> ExaminedGateway {
        let host = try GatewayHost(settings: settings, invocation: invocation)
        return .here(host) { host.stop() }
    }
}

extension AdminSession {
    /// The same as `ask`, for callers that have something to close.
    func asking(_ ask: AdminAsk) async -> Result<JSON, GatewayError> {
        do throws(GatewayError) { return .success(try await self.ask(ask)) } catch { return .failure(error) }
    }

    /// What the doctor finds about a running gateway's accounts.
    func examine() async throws(GatewayError) -> [Finding] {
        var findings: [Finding] = []
        for account in try await list(AdminAsk(.get, "accounts")).map(ShownAccount.init) {
            let subject = Finding.Subject.account(account.id, of: account.provider)
            let state = AccountState(rawValue: account.state.code)
            if account.goneSince != nil || [.disabled, .expired, .trialEnded].contains(state) {
                findings.append(Finding(subject, "account", problem: account.state.told))
                continue
            }
            let ask = AdminAsk(.post, "accounts", account.provider, account.id, "test", body: [:])
            switch await asking(ask) {
            case .success(let outcome):
                findings += (outcome["steps"]?.array ?? []).map { Finding(subject, $0) }
            case .failure(let error) where error.code == "cannot_be_tested":
                findings.append(
                    Finding(subject, "loaded; this kind cannot be tried without a request", problem: nil))
            case .failure(let error): findings.append(Finding(subject, "account", problem: error.message))
            }
        }
        return findings
    }
}

extension ShownState {
    /// `disabled: by the operator`
    fileprivate var told: String { code + (reason.map { ": \($0)" } ?? "") }
}

extension Finding {
    /// One step of a test as the admin API tells it.
    fileprivate init(_ subject: Subject, _ step: JSON) {
        let advice = GatewayError.Kind(rawValue: step.text("code"))?.operatorAdvice.map { "; \($0)" } ?? ""
        let problem = step["ok"]?.bool == true ? nil : step.text("problem").printable + advice
        self.init(subject, step.text("name").printable, problem: problem)
    }
}
