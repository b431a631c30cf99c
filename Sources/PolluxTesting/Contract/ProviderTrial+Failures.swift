internal import PolluxCore

// MARK: - Refusals, failures of the transfer, deadlines

extension ProviderTrial {
    func checkRefusals() async {
        for status in [302, 400, 401, 402, 403, 404, 408, 413, 418, 429, 500, 502, 503, 504, 529] {
            let doing = "the upstream answers \(status)"
            guard let error = await error(of: .response(contract.refusal(status)), "errors", doing) else { continue }
            judge(error, status: status, rule: "errors", doing)
            judgeMeaning(of: error, status: status, doing)
        }
        var limited = contract.refusal(429)
        limited.fields.append("retry-after", "7")
        let doing = "the upstream answers 429 with retry-after: 7"
        if let error = await error(of: .response(limited), "errors", doing) {
            report.require(
                error.retryAfter.map { $0 >= .seconds(7) } == true, "errors",
                "\(doing), and the account rests for \(error.retryAfter.map { "\($0)" } ?? "the pool's own time")")
        }
    }

    private func error(of spoil: ContractUpstream.Spoil, _ rule: String, _ doing: String) async -> GatewayError? {
        let run = await run(spoil)
        report.require(run.openBodies == 0, "transfers", "\(doing): a transfer stays open")
        if run.error == nil { report.add(rule, "\(doing), and it is passed on as \(run.shown)") }
        return run.error
    }

    /// What the operator's accounts and the client's next step hang on.
    private func judgeMeaning(of error: GatewayError, status: Int, _ doing: String) {
        switch status {
        case 401:
            report.require(
                error.kind == .upstreamAuth && error.accountEffect == .rejectCredential, "errors",
                "\(doing): expected upstreamAuth with rejectCredential, got \(error.kind) with \(error.accountEffect)")
        case 429:
            let isLimit = [.rateLimited, .quotaExhausted].contains(error.kind)
            report.require(
                isLimit && error.accountEffect == .cool, "errors",
                "\(doing): expected a limit with cool, got \(error.kind) with \(error.accountEffect)"
            )
        case 500...599:
            report.require(
                error.accountEffect == .none && error.scope != .request, "errors",
                "\(doing): it is no account's fault and not the request's, got \(error.scope), \(error.accountEffect)")
        default: break
        }
    }

    func checkTransportFailures() async {
        let kinds: [GatewayError.Kind] = [
            .upstreamUnreachable, .upstreamTLS, .upstreamReset, .upstreamTimeout, .upstreamBadResponse,
            .upstreamTooLarge,
        ]
        for kind in kinds {
            let failure = GatewayError(kind, .endpoint, "the transfer failed; try again", detail: "library's words")
            await checkTransportFailure(.failure(failure), kind)
            await checkTransportFailure(
                .pieces({ Array(ContractUpstream.halves($0).prefix(1)) }, failure: failure), kind)
        }
        for spoil in [ContractUpstream.Spoil.noFirstByte, .gap] {
            let run = await run(spoil)
            report.require(
                run.error?.kind == .upstreamTimeout, "deadlines", "\(spoil.name) ends as \(run.shown), not as a timeout"
            )
            report.require(
                run.took <= contract.plugin.defaultRequestTimeout, "deadlines",
                "\(spoil.name) is waited for longer than a request of this kind may take")
        }
    }

    private func checkTransportFailure(_ spoil: ContractUpstream.Spoil, _ kind: GatewayError.Kind) async {
        guard let error = await error(of: spoil, "transport", spoil.name) else { return }
        report.require(
            error.kind == kind && error.scope == .endpoint && error.accountEffect == .none, "transport",
            "\(spoil.name): the transport's error must pass as it is, got \(error.kind), \(error.scope)")
    }

    /// What holds for every error of every provider.
    func judge(_ error: GatewayError, status: Int?, rule: String, _ doing: String) {
        report.require(
            Self.kinds.contains(error.kind), rule, "\(doing): \(error.kind) is not a provider's to say; see the table")
        report.require(!error.message.isEmpty, rule, "\(doing): the error has no message")
        report.require(error.message.utf8.count <= 500, rule, "\(doing): the message is longer than 500 bytes")
        report.require(
            !error.message.contains(ProviderContract.upstreamWords), rule,
            "\(doing): the message repeats the upstream's words; they belong in detail")
        for host in Set(whole.requests.compactMap { Self.host(of: $0.url) }) {
            report.require(!error.message.contains(host), rule, "\(doing): the message names the upstream's host")
        }
        let isOfAccount = [.account, .accountClass, .accountModel, .exit].contains(error.scope)
        report.require(
            error.accountEffect == .none || isOfAccount, rule,
            "\(doing): the effect \(error.accountEffect) goes with a scope of the account, not with \(error.scope)")
        report.require(
            status == nil || error.upstreamStatus == status, rule,
            "\(doing): upstreamStatus is not \(status ?? 0); response.failure(now:) sets it")
        report.require(error.detail.utf8.count <= 16 << 10, rule, "\(doing): the detail is longer than 16 KiB")
    }

    private static func host(of url: String) -> String? {
        guard let scheme = url.firstRange(of: "://") else { return nil }
        let authority = url[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" }
        return authority.isEmpty ? nil : String(authority)
    }

    /// The others tell a client that its own key, path or HTTP is wrong, or are the gateway's own.
    private static let kinds: Set<GatewayError.Kind> = [
        .upstreamUnreachable, .upstreamTLS, .upstreamReset, .upstreamTimeout, .upstreamTruncated,
        .upstreamBadResponse, .upstreamError, .upstreamTooLarge, .upstreamAuth, .upstreamRejected,
        .upstreamInvalidOutput, .upstreamUnavailable, .rateLimited, .quotaExhausted, .contextTooLong, .blocked,
        .modelNotFound, .conversationLost, .unsupported, .invalidRequest, .requestTooLarge, .unsupportedMediaType,
        .cancelled,
    ]
}
