import PolluxApp
import PolluxCore
import PolluxSimulator

/// The upstreams of `serve --demo`: a simulated Gemini Business and a simulated Gemini web app, both with invented
/// accounts, and a simulated OpenAI-compatible server.
struct SimulatedDemo: DemoUpstreams {
    func start() async throws(GatewayError) -> Demo {
        var options = SimulatorOptions(accounts: BusinessAccount.samples(3))
        options.chunkDelay = .milliseconds(40)
        let business = try await SimulatorServer.start(.geminiBusiness, options: options)
        let web = try await SimulatorServer.start(.geminiWeb, options: options)
        let openAI = try await SimulatorServer.start(.openAI, options: options)
        let settings = """
            credential_sources:
              - {name: business-accounts, kind: env, reads: list}
              - {name: web-accounts, kind: env, reads: list, variable: \(Self.webVariable)}
            providers:
              - name: business
                kind: gemini-business
                credentials: [business-accounts]
                auth_base: "\(business.url)"
                api_base: "\(business.url)"
                accounts_base: "\(business.url)"
              - {name: web, kind: gemini-web, credentials: [web-accounts], base_url: "\(web.url)"}
              - {name: local, kind: openai-compatible, base_url: "\(openAI.url)/v1"}
            """
        return Demo(
            settings: settings,
            environment: [
                "ACCOUNTS_CONFIG": Self.accounts(options.accounts),
                Self.webVariable: Self.webAccounts(["amber", "birch"]),
            ],
            models: [
                ("gemini-2.5-pro", "Gemini Business provider, simulated upstream"),
                ("gemini-flash", "Gemini web provider, simulated upstream"),
                ("sim-large", "OpenAI-compatible provider, simulated upstream"),
            ])
    }

    private static let webVariable = "DEMO_WEB_ACCOUNTS"

    /// The simulated web app knows every account of this spelling.
    private static func webAccounts(_ names: [String]) -> String {
        let records = names.map { name in
            JSON.object(
                JSONObject([
                    ("id", .string(name)), ("secure_1psid", .string("g.a000sim-\(name)")),
                    ("secure_1psidts", .string("sidts-sim-\(name)-0")),
                ]))
        }
        return JSON.array(records).text
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
