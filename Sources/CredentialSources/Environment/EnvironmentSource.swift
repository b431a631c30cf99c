public import PolluxCore

/// Accounts from an environment variable that holds a JSON list of records (`ACCOUNTS_CONFIG`).
public struct EnvironmentSource: CredentialSource {
    public static let kind: PluginKind = "env"

    public struct Settings: SettingsReadable, Equatable {
        public var variable: String

        public init(reading map: inout SettingsMap) {
            variable = map.string(
                "variable", default: "ACCOUNTS_CONFIG", help: "environment variable that holds the accounts as JSON")
            map.refuseUnreadKeys()
        }
    }

    private let variable: String
    private let context: SourceContext

    public init(settings: Settings, context: SourceContext) throws(GatewayError) {
        (variable, self.context) = (settings.variable, context)
    }

    /// Publishes once: the environment of a process does not change.
    ///
    /// - Throws: `internalError` that names the variable, and the record and field at fault.
    public func run(publish: @Sendable ([Credential]) async -> Void) async throws(GatewayError) {
        guard let text = context.environment[variable], !text.isEmpty else {
            throw failure("it is not set; put the accounts there as a JSON list, or remove this credential source")
        }
        let credentials: [Credential]
        do {
            credentials = try AccountList.parse(Array(text.utf8))
        } catch {
            throw failure("\(error)")
        }
        context.log.info("credentials.read", [LogField("accounts", credentials.count)])
        await publish(credentials)
    }

    private func failure(_ problem: String) -> GatewayError {
        GatewayError(.internalError, .endpoint, "environment variable \(variable): \(problem)")
    }
}
