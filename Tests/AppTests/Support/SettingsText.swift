import PolluxCore

@testable import PolluxApp

/// Settings read from a text, as from a file called `settings.yaml`.
enum SettingsText {
    static let environment = [
        "API_KEY": "a-client-key-of-the-env", "ADMIN_KEY": "an-admin-key-of-the-environment",
        "UPSTREAM_API_KEY": "an-upstream-key", "EMPTY": "", "REDIS_URL": "redis://:pass-of-the-env@127.0.0.1:6379/1",
        "NOTIFY_URL": "https://hooks.example.org/a-token-of-the-environment",
        "NOTIFY_SECRET": "a-signing-secret-of-the-environment",
        "STATE_KEY": String(repeating: "0123456789abcdef", count: 4),
    ]

    static func settings(
        _ text: String, registry: PluginRegistry = .standard
    ) throws(SettingsError) -> (settings: GatewaySettings, warnings: [SettingsIssue]) {
        let loader = SettingsLoader(registry: registry, environment: environment)
        let (settings, warnings) = try loader.decode(Array(text.utf8), file: "settings.yaml")
        return (settings, warnings)
    }

    /// Everything that is said about a text, as `pollux validate` prints it; empty when there is nothing to say.
    static func report(_ text: String) -> String {
        do {
            return try settings(text).warnings.map { "\($0)\n" }.joined()
        } catch {
            return "\(error)\n"
        }
    }
}
