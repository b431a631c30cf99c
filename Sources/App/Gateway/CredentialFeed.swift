import PolluxCore

/// Carries what a credential source publishes to the pools that use it.
struct CredentialFeed: Service {
    let source: any CredentialSource
    let name: String
    let upstreams: [Upstream]
    let log: Logger
    /// Knows what became of the accounts since their source said so; `nil` believes the source.
    var book: AccountBook?
    let time: any TimeSource
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
            publish(credentials)
            speak()
            published()
        }
    }

    private func publish(_ credentials: [Credential]) {
        Self.mask(credentials, log)
        for upstream in upstreams {
            if let book {
                book.publish(credentials, from: name, to: upstream.name, now: time.wallNow)
            } else {
                let update = AccountBook.Update(source: name, credentials: credentials, isNews: true)
                Self.tell(update, to: upstream, log)
            }
        }
    }

    private func speak() {
        for handover in handovers { handover.hasSpoken(name) }
        firstWord.speak()
    }

    /// From now on the log shows none of their secrets.
    static func mask(_ credentials: [Credential], _ log: Logger) {
        for credential in credentials {
            let values = credential.values.filter { !Credential.publicValues.contains($0.key) }.map(\.value)
            log.mask(values + [credential.proxy].compactMap(\.self))
        }
    }

    /// Gives a pool the accounts of one source.
    static func tell(_ update: AccountBook.Update, to upstream: Upstream, _ log: Logger) {
        let credentials = update.credentials
        let problems = upstream.pool.update(source: update.source, credentials, changed: update.changed) {
            upstream.provider.problem(with: $0)
        }
        guard update.isNews else { return }
        for (account, problem) in problems {
            log.warning(
                "account cannot be used",
                [
                    LogField("provider", upstream.name), LogField("account", account),
                    LogField("problem", problem),
                ])
        }
        guard !credentials.isEmpty else { return }
        let shortage = upstream.pool.shortage()
        log.info(
            "accounts loaded",
            [
                LogField("provider", upstream.name), LogField("from", update.source),
                LogField("accounts", shortage.accounts), LogField("ready", shortage.ready),
            ])
    }
}
