import PolluxApp
import PolluxCore
import PolluxSimulator

/// The upstreams of `serve --demo`: a simulated Gemini Business with invented accounts, and a simulated
/// OpenAI-compatible server.
struct SimulatedDemo: DemoUpstreams {
    func start() async throws(GatewayError) -> Demo {
        var options = SimulatorOptions(accounts: BusinessAccount.samples(3))
        options.chunkDelay = .milliseconds(40)
        let business = try await SimulatorServer.start(.geminiBusiness, options: options)
        let openAI = try await SimulatorServer.start(.openAI, options: options)
        let settings = """
            credential_sources:
              - {name: demo-accounts, kind: env}
            providers:
              - name: business
                kind: gemini-business
                credentials: [demo-accounts]
                auth_base: "\(business.url)"
                api_base: "\(business.url)"
                accounts_base: "\(business.url)"
              - {name: local, kind: openai-compatible, base_url: "\(openAI.url)/v1"}
            """
        return Demo(
            settings: settings, environment: ["ACCOUNTS_CONFIG": Self.accounts(options.accounts)],
            models: [
                ("gemini-2.5-pro", "Gemini Business provider, simulated upstream"),
                ("sim-large", "OpenAI-compatible provider, simulated upstream"),
            ])
    }

    private static func accounts(_ accounts: [BusinessAccount]) -> String {
        let records = accounts.map { account in
            JSON.object(
                JSONObject([
                    ("id", .string(account.label)), ("csesidx", .string(account.csesidx)),
                    ("config_id", .string(account.configID)), ("secure_c_ses", .string(account.secureCSES)),
                    ("host_c_oses", .string(account.hostCOSES ?? "")),
                ]))
        }
        return JSON.array(records).text
    }
}
