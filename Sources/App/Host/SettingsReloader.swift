import PolluxAdmin
import PolluxCore

/// SIGHUP: reads the settings again and puts them in force, or says what is wrong and changes nothing.
struct SettingsReloader {
    /// Reads the file with the changes of the admin API over it.
    ///
    /// - Throws: `SettingsError`, or `GatewayError` for a file that cannot be read.
    let load: (JSON) throws -> SettingsLoader.Loaded
    let running: RunningGateway
    let log: Logger
    let console: Console

    private static let consequence = "the running settings stay as they are"

    func reload() async {
        do {
            try running.admin?.settings.enter()
            defer { running.admin?.settings.leave() }
            let loaded = try load(running.admin?.settings.changes ?? .object(JSONObject()))
            let (settings, warnings) = (loaded.settings, loaded.warnings)
            try await running.reload(settings)
            running.admin?.hasReloaded(loaded)
            for warning in warnings { log.warning("settings", [LogField("problem", warning.description)]) }
            log.info("settings reloaded", [LogField("providers", settings.providers.count)])
            console.err("settings reloaded")
            running.warnAboutExposure()
        } catch let error as SettingsError {
            for issue in error.issues where issue.severity == .error { report(issue.description) }
            console.err(
                "settings not reloaded: \(SettingsError.summary(of: error.issues, consequence: Self.consequence))")
        } catch {
            let message = (error as? GatewayError)?.message ?? (error as? AdminError)?.message ?? "\(error)"
            report(message)
            console.err("settings not reloaded: \(message); \(Self.consequence)")
        }
    }

    private func report(_ problem: String) {
        log.error("settings not reloaded", [LogField("problem", problem)])
    }
}
