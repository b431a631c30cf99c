import PolluxCore

struct DoctorCommand: Command {
    let name = "doctor"
    let summary = "Try every account and upstream, and say what to do."
    let help = """
        Usage: pollux doctor [--settings FILE] [--json]

        Checks the settings, loads the accounts, and tries each one without spending its quota: the token, the session,
        the list of models. Asks the Redis of rate_limit:, if limits are shared there. Prints one line per step. Exit
        code 0 when every provider has at least one good account, and Redis answers.

        A gateway that runs with these settings is asked to try its accounts. While none runs, what it has renewed is
        taken from its state, and kept there when it is renewed again.
        """
    let options = [SettingsOption.option, CommandOption("json", help: "Print JSON.")]

    func run(_ invocation: Invocation) async throws(GatewayError) -> Int32 {
        guard let settings = SettingsOption.load(invocation) else { return 1 }
        let findings = try await Self.findings(settings, invocation)
        if invocation.has("json") {
            invocation.console.out(JSON.array(findings.map(\.json)).text)
        } else {
            for finding in findings { invocation.console.out(finding.line) }
        }
        let providers = settings.providers.map(\.name)
        if providers.isEmpty { invocation.console.err("no provider is configured; add one under providers:") }
        let ailing = providers.filter { !Self.hasGoodAccount($0, findings) }
        for name in ailing { invocation.console.err("provider \"\(name)\" has no account that works") }
        let limitsFail = findings.contains { $0.subject == .rateLimits && $0.problem != nil }
        if limitsFail {
            invocation.console.err("limits cannot be shared; rate_limit.on_redis_failure decides meanwhile")
        }
        return ailing.isEmpty && !providers.isEmpty && !limitsFail ? 0 : 1
    }

    private static func findings(
        _ settings: GatewaySettings, _ invocation: Invocation
    ) async throws(GatewayError) -> [Finding] {
        switch try await ExaminedGateway.open(settings, invocation) {
        case .here(let host, let close):
            let findings = await host.examine()
            await close()
            return findings
        case .running(let session):
            let result: Result<[Finding], GatewayError>
            do throws(GatewayError) { result = .success(try await session.examine()) } catch {
                result = .failure(error)
            }
            await session.door.close()
            return try await result.get() + limits(settings, invocation)
        }
    }

    /// The running gateway's Redis is asked from here.
    private static func limits(
        _ settings: GatewaySettings, _ invocation: Invocation
    ) async throws(GatewayError) -> [Finding] {
        let host = try GatewayHost(settings: settings, invocation: invocation)
        let findings = await host.examineRateLimits()
        host.stop()
        return findings
    }

    /// An account is good when all of its steps went well.
    private static func hasGoodAccount(_ provider: String, _ findings: [Finding]) -> Bool {
        let tried = findings.filter { $0.triedProvider == provider }
        let failed = tried.filter { $0.problem != nil }.map(\.subject)
        return tried.contains { !failed.contains($0.subject) }
    }
}
