import PolluxApp
import PolluxCore
import PolluxSimulator

/// The settings and upstreams of one test. Texts are YAML, put where their names say.
struct GatewaySetup: Sendable {
    static let clientKey = "integration-test-client-key"
    static let firstKey = "integration-upstream-key-1"
    static let secondKey = "integration-upstream-key-2"

    /// Whole top-level entries, such as `retry: {max_retries: 0}`.
    var topLevel = "retry: {max_retries: 0}"
    /// Members of `server:`, each behind a comma.
    var server = ""
    var keys = "[{name: tester, key: \(clientKey)}]"
    /// Members of the provider `local`, of kind `openai-compatible`, each behind a comma; nil leaves it out. Without a
    /// `pool:` among them, an account serves one request at a time.
    var local: String? = ""
    /// Members of the provider `business`, of kind `gemini-business`; nil leaves it out, and its simulator.
    var business: String?
    /// More entries under `providers:`.
    var moreProviders = ""
    var upstreamKeys = [firstKey]
    /// Replaces the address of the simulator as the upstream of `local`.
    var localURL: String?
    var accounts = BusinessAccount.samples(1)
    /// Replaces `accounts` as the value of `ACCOUNTS_CONFIG`.
    var ownAccounts: JSON?
    /// The kinds of plugins that there are.
    var registry = PluginRegistry.standard
    /// The name of the credential source that has them; nil leaves it out.
    var source: String? = "accounts"

    func yaml(localURL: String, businessURL: String, logFile: String) -> String {
        let origin = "auth_base: \"\(businessURL)\", api_base: \"\(businessURL)\", accounts_base: \"\(businessURL)\""
        var lines = [
            "server: {listen: \"127.0.0.1:0\", loops: \"1\"\(server)}",
            "log: {level: debug, format: json, file: \"\(logFile)\"}", "keys: \(keys)", topLevel,
            "credential_sources: [\(source.map { "{name: \($0), kind: env}" } ?? "")]", "providers:",
        ]
        if let local {
            let keys = upstreamKeys.joined(separator: ", ")
            let pool = local.contains("pool:") ? "" : ", pool: {max_in_flight: 1}"
            lines.append(
                "  - {name: local, kind: openai-compatible, base_url: \"\(localURL)\", api_keys: [\(keys)], "
                    + "models: [sim-large, sim-small, team/chat:free]\(pool)\(local)}")
        }
        if let business {
            lines.append(
                "  - {name: business, kind: gemini-business, credentials: [\(source ?? "")], \(origin)\(business)}")
        }
        if !moreProviders.isEmpty { lines.append(moreProviders) }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The value of `ACCOUNTS_CONFIG`.
    var accountsText: String {
        if let ownAccounts { return ownAccounts.text }
        return JSON.array(
            accounts.map { account in
                [
                    "id": .string(account.label), "csesidx": .string(account.csesidx),
                    "config_id": .string(account.configID), "secure_c_ses": .string(account.secureCSES),
                    "host_c_oses": .string(account.hostCOSES ?? ""),
                ]
            }
        ).text
    }
}

/// The two kinds of upstream that a chat can reach, by the model that leads there.
enum Family: String, CaseIterable, Sendable, CustomStringConvertible {
    case openAICompatible = "openai-compatible"
    case geminiBusiness = "gemini-business"

    var model: String { self == .openAICompatible ? "sim-large" : "gemini-2.5-pro" }
    /// What the journal calls a request for an answer.
    var operation: String { self == .openAICompatible ? "chat.completions" : "widgetStreamAssist" }
    var description: String { rawValue }

    /// A setup with this provider alone.
    ///
    /// - Parameter members: YAML members of the provider, each behind a comma.
    func setup(_ members: String = "", topLevel: String = "retry: {max_retries: 0}") -> GatewaySetup {
        var setup = GatewaySetup(topLevel: topLevel)
        switch self {
        case .openAICompatible: setup.local = members
        case .geminiBusiness: (setup.local, setup.business) = (nil, members)
        }
        return setup
    }
}
