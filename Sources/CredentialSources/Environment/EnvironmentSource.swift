public import PolluxCore

/// Accounts from environment variables: a JSON list of records (`ACCOUNTS_CONFIG`), and one account of the Gemini web
/// app by its cookies (`SECURE_1PSID`, `SECURE_1PSIDTS`, `SECURE_1PSIDCC`).
public struct EnvironmentSource: CredentialSource {
    public static let kind: PluginKind = "env"

    /// What is read.
    public enum Form: String, Sendable, CaseIterable {
        /// Whichever is there.
        case any
        case list
        case cookies
    }

    public struct Settings: SettingsReadable, Equatable {
        public var variable: String
        public var form: Form

        public init(reading map: inout SettingsMap) {
            variable = map.string(
                "variable", default: "ACCOUNTS_CONFIG", help: "environment variable that holds the accounts as JSON")
            form = map.choice(
                "reads", default: .any,
                help:
                    "list: the variable above; cookies: SECURE_1PSID, SECURE_1PSIDTS and SECURE_1PSIDCC; any: whichever"
                    + " are set")
            map.refuseUnreadKeys()
        }
    }

    /// The account that the cookies' variables make: the same whatever they hold.
    static let cookieAccount = "env-cookies"
    private static let cookieVariables = ["SECURE_1PSID", "SECURE_1PSIDTS", "SECURE_1PSIDCC"]

    private let settings: Settings
    private let context: SourceContext

    public init(settings: Settings, context: SourceContext) throws(GatewayError) {
        (self.settings, self.context) = (settings, context)
    }

    /// Publishes once: the environment of a process does not change.
    ///
    /// - Throws: `internalError` that names the variable, and the record and field at fault.
    public func run(publish: @Sendable ([Credential]) async -> Void) async throws(GatewayError) {
        let text = settings.form == .cookies ? nil : value(of: settings.variable)
        var credentials: [Credential] = []
        if let text { credentials = try list(text) }
        if settings.form != .list, let account = try cookies() {
            guard !credentials.contains(where: { $0.accountID == account.accountID }) else {
                throw failure(settings.variable, "the id \"\(account.accountID)\" is taken by SECURE_1PSID; change it")
            }
            credentials.append(account)
        }
        guard text != nil || !credentials.isEmpty else { throw nothing }
        context.log.info("credentials.read", [LogField("accounts", credentials.count)])
        await publish(credentials)
    }

    private func list(_ text: String) throws(GatewayError) -> [Credential] {
        do {
            return try AccountList.parse(Array(text.utf8))
        } catch {
            throw failure(settings.variable, "\(error)")
        }
    }

    /// - Returns: `nil` when none of the variables is set.
    private func cookies() throws(GatewayError) -> Credential? {
        var credential = Credential(accountID: Self.cookieAccount, values: [:])
        for name in Self.cookieVariables {
            guard let value = value(of: name) else { continue }
            credential.values[name.lowercased()] = Secret(value)
        }
        guard !credential.values.isEmpty else { return nil }
        guard credential["secure_1psid"] != nil else {
            throw failure("SECURE_1PSID", "it is not set, but another of an account's cookies is; set it too")
        }
        return credential
    }

    private func value(of variable: String) -> String? {
        context.environment[variable].flatMap { $0.isEmpty ? nil : $0 }
    }

    private var nothing: GatewayError {
        let cookies = "put the cookies of a Gemini web account into SECURE_1PSID and SECURE_1PSIDTS"
        let list = "put accounts there as a JSON list"
        let end = "or remove this credential source"
        return switch settings.form {
        case .any: failure(settings.variable, "it is not set; \(list), \(cookies), \(end)")
        case .list: failure(settings.variable, "it is not set; \(list), \(end)")
        case .cookies: failure("SECURE_1PSID", "it is not set; \(cookies), \(end)")
        }
    }

    private func failure(_ variable: String, _ problem: String) -> GatewayError {
        GatewayError(.internalError, .endpoint, "environment variable \(variable): \(problem)")
    }
}
