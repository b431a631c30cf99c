import PolluxCore

/// Carries what a credential source publishes to the pools that use it.
struct CredentialFeed: Service {
    let source: any CredentialSource
    let name: String
    let upstreams: [Upstream]
    let log: Logger
    /// Who waits for this source's first word after a reload.
    var handovers: [SourceHandover] = []
    let firstWord = FirstWord()

    /// The name under which a provider's own credentials stand in its pool; no source can have it, for the space.
    static let settingsSource = "the settings"

    func run() async throws { try await run {} }

    /// - Parameter published: Called each time, once the pools have the accounts.
    func run(published: @Sendable () -> Void) async throws(GatewayError) {
        defer { speak() }
        try await source.run { credentials in
            // A reload has put another feed in this one's place: a late word must not undo what that one said.
            guard !Task.isCancelled else { return }
            Self.publish(credentials, from: name, to: upstreams, log)
            speak()
            published()
        }
    }

    private func speak() {
        for handover in handovers { handover.hasSpoken(name) }
        firstWord.speak()
    }

    /// Values of records that are no secrets, and words that logs are full of.
    private static let publicValues: Set<String> = ["user_agent", "cookie_scope", "history", "auth_user"]

    static func publish(_ credentials: [Credential], from source: String, to upstreams: [Upstream], _ log: Logger) {
        for credential in credentials {
            let values = credential.values.filter { !Self.publicValues.contains($0.key) }.map(\.value)
            log.mask(values + [credential.proxy].compactMap(\.self))
        }
        for upstream in upstreams {
            let problems = upstream.pool.update(source: source, credentials) { upstream.provider.problem(with: $0) }
            for (account, problem) in problems {
                log.warning(
                    "account cannot be used",
                    [
                        LogField("provider", upstream.name), LogField("account", account),
                        LogField("problem", problem),
                    ])
            }
            guard !credentials.isEmpty else { continue }
            let shortage = upstream.pool.shortage()
            log.info(
                "accounts loaded",
                [
                    LogField("provider", upstream.name), LogField("from", source),
                    LogField("accounts", shortage.accounts), LogField("ready", shortage.ready),
                ])
        }
    }
}
