public import PolluxCore

/// Accounts from a JSON file, read again whenever it changes.
///
/// The file holds `{"accounts": [{…}]}` or the bare list. A change that cannot be read or is not valid leaves the last
/// good set in use and is logged once, with line and column.
public struct FileSource: CredentialSource {
    public static let kind: PluginKind = "file"

    public struct Settings: SettingsReadable, Equatable {
        public var path: String
        public var watches: Bool
        public var pollInterval: Duration

        public init(reading map: inout SettingsMap) {
            path = map.requireString("path", example: "accounts.json", help: "JSON file that holds the accounts")
            watches = map.boolean("watch", default: true, help: "read the file again when it changes")
            pollInterval = map.duration(
                "poll_interval", default: .seconds(2), in: .milliseconds(100)...(.seconds(3600)),
                help: "how often to look for a change")
            map.refuseUnreadKeys()
        }
    }

    private static let maxFileBytes = 16 << 20

    private let settings: Settings
    private let context: SourceContext

    public init(settings: Settings, context: SourceContext) throws(GatewayError) {
        (self.settings, self.context) = (settings, context)
    }

    /// - Throws: Without watching, what is wrong with the file; with it, only `cancelled`.
    public func run(publish: @Sendable ([Credential]) async -> Void) async throws(GatewayError) {
        guard settings.watches else { return await publish(try parse(try await read())) }
        var lastStamp: FileStamp?
        var lastProblem: String?
        while true {
            // Taken before reading: a change in between is seen at the next look.
            let stamp = await context.files.stamp(settings.path)
            if stamp == nil || stamp != lastStamp {
                do {
                    let bytes = try await read()
                    lastStamp = stamp
                    let credentials = try parse(bytes)
                    lastProblem = nil
                    await publish(credentials)
                } catch {
                    if error.kind == .cancelled { throw error }
                    if error.message != lastProblem { report(error) }
                    lastProblem = error.message
                }
            }
            try await context.time.sleep(until: context.time.now + settings.pollInterval)
        }
    }

    private func read() async throws(GatewayError) -> [UInt8] {
        try await context.files.read(settings.path, limit: Self.maxFileBytes)
    }

    private func parse(_ bytes: [UInt8]) throws(GatewayError) -> [Credential] {
        do {
            let credentials = try AccountList.parse(bytes)
            context.log.info("credentials.read", [LogField("accounts", credentials.count)])
            return credentials
        } catch {
            throw GatewayError(.internalError, .endpoint, "\(settings.path): \(error)")
        }
    }

    private func report(_ error: GatewayError) {
        context.log.warning(
            "credentials.unreadable",
            [
                LogField("problem", error.message),
                LogField("consequence", "the accounts read before stay in use"),
            ])
    }
}
