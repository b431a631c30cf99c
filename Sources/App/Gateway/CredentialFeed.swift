import PolluxCore

/// Carries what a credential source publishes to the pools that use it.
struct CredentialFeed: Service {
    let source: any CredentialSource
    let name: String
    let upstreams: [Upstream]
    let log: Logger

    func run() async throws { try await run {} }

    /// - Parameter published: Called each time, once the pools have the accounts.
    func run(published: @Sendable () -> Void) async throws(GatewayError) {
        try await source.run { credentials in
            Self.publish(credentials, from: name, to: upstreams, log)
            published()
        }
    }

    static func publish(_ credentials: [Credential], from source: String, to upstreams: [Upstream], _ log: Logger) {
        // The browser's name is in every log there is, and no secret.
        for credential in credentials {
            let values = credential.values.filter { $0.key != "user_agent" }.map(\.value)
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
