public import PolluxCore

/// What every provider must do, whatever upstream it speaks to. One call in a test of the plugin:
///
///     let contract = ProviderContract(AcmeProvider.self, settings: ["base_url": …]) { _ in FakeResponse(text: …) }
///     #expect(await contract.violations() == [])
///
/// The closure plays the upstream at its best; the contract plays its bad days on top of it: refusals, cuts, silence,
/// nonsense. It looks at what the provider makes of them, at what it asks of the upstream, and at what it keeps to
/// itself. The rules are listed in docs/write-a-provider.md.
public struct ProviderContract: Sendable {
    /// The upstream sends an answer in pieces, and the events come with them.
    public var isStreamed = true
    /// The upstream's format says where an answer ends, so that one that stops early can be told from a whole one
    /// even when the connection ends properly.
    public var marksItsEnd = true
    /// Values of the account that are no secrets, such as the number of a project.
    public var publicValues: Set<String> = []
    /// The answer to a request that the upstream refuses with a status, if its format has errors of its own.
    public var refusal: @Sendable (_ status: Int) -> FakeResponse = { status in
        let words: JSON = ["message": .string(ProviderContract.upstreamWords), "code": .number(JSONNumber(status))]
        return FakeResponse(status, fields: ["content-type": "application/json"], text: (["error": words] as JSON).text)
    }

    /// Stands for what upstreams write in their errors: for the log, never for clients. A `refusal` of your own should
    /// hold it.
    public static let upstreamWords = "words of the upstream 5d1f"

    let plugin: ProviderPlugin
    let settings: JSON
    let credential: Credential?
    let request: ModelRequest
    let script: ContractUpstream.Script

    /// - Parameters:
    ///   - settings: The kind's own keys, valid, with invented secrets of at least 8 characters.
    ///   - credential: The account; `nil` takes the provider's first own one.
    ///   - request: What is asked; `nil` takes one sentence to the first model offered.
    ///   - upstream: Answers as the upstream would, to every request that the provider makes.
    public init(
        _ type: any Provider.Type, settings: JSON, credential: Credential? = nil, request: ModelRequest? = nil,
        upstream: @escaping @Sendable (UpstreamRequest) throws(GatewayError) -> FakeResponse
    ) {
        plugin = Self.plugin(of: type)
        (self.settings, self.credential, script) = (settings, credential, upstream)
        self.request = request ?? Self.plainRequest
    }

    private static func plugin(of type: any Provider.Type) -> ProviderPlugin {
        var registry = PluginRegistry()
        registry.register(provider: type)
        return registry.providers[0]
    }

    private static var plainRequest: ModelRequest {
        var request = ModelRequest(id: "req_contract", model: "")
        request.turns = [Turn(.user, [.text("Say hello")])]
        return request
    }

    /// Runs all of it. Takes well under a second for most providers.
    ///
    /// - Returns: What is broken, in the order it was found; empty when the contract holds.
    public func violations() async -> [ContractViolation] {
        let report = ContractReport()
        let settingsContract = SettingsContract(
            read: { _ = plugin.read(&$0) }, schema: plugin.schema(), sample: settings, commonKeys: Self.commonKeys,
            report: report)
        settingsContract.check()
        guard let trial = await ProviderTrial(self, secrets: settingsContract.secrets, report: report) else {
            return report.violations
        }
        await trial.checkAnswers()
        await trial.checkCuts()
        await trial.checkNonsense()
        await trial.checkRefusals()
        await trial.checkTransportFailures()
        await trial.checkCancellation()
        await trial.checkDemand()
        await trial.checkRequests()
        trial.checkAccounts()
        return report.violations
    }

    private static let commonKeys: Set<String> = [
        "name", "kind", "credentials", "pool", "timeouts", "limits", "breaker", "proxy", "ca_file",
    ]
}
