import PolluxCore

struct ValidateCommand: Command {
    let name = "validate"
    let summary = "Check a settings file without starting anything."
    let help = """
        Usage: pollux validate [--settings FILE]

        Reads the settings, builds everything they name, and opens no connection. Prints every problem with
        file:line:column. Exit code 0 when 'pollux serve' would start, 1 otherwise.
        """
    let options = [SettingsOption.option]

    func run(_ invocation: Invocation) async throws(GatewayError) -> Int32 {
        let path = SettingsOption.path(invocation)
        guard let settings = SettingsOption.load(invocation) else { return 1 }
        let builder = GatewayBuilder(
            registry: invocation.registry, transport: NoTransport(), files: NoFiles(),
            processEnvironment: invocation.environment,
            environment: GatewayEnvironment(time: NoTime(), random: SystemRandom(), log: .silent))
        let gateway = try builder.build(settings).gateway
        let names = gateway.upstreams.map { "\($0.name) (\($0.kind))" }
        let providers = names.isEmpty ? "none" : names.joined(separator: ", ")
        invocation.console.out("\(path) is valid; providers: \(providers)")
        return 0
    }
}

/// `--settings FILE`, the same everywhere.
enum SettingsOption {
    static let option = CommandOption("settings", value: "FILE", help: "The settings file; settings.yaml by default.")

    static func path(_ invocation: Invocation) -> String {
        invocation.value(of: "settings") ?? SettingsLoader.defaultFile
    }

    /// Loads the settings; prints every problem and returns `nil` when there is an error.
    static func load(_ invocation: Invocation) -> GatewaySettings? {
        let loader = SettingsLoader(registry: invocation.registry, environment: invocation.environment)
        do {
            let (settings, warnings) = try loader.load(path: path(invocation))
            for warning in warnings { invocation.console.err(warning.description) }
            return settings
        } catch let error as SettingsError {
            invocation.console.err(error.description)
        } catch let error as GatewayError {
            let demo = invocation.hasDemo ? ", 'pollux serve --demo' needs none" : ""
            invocation.console.err("\(error.message); 'pollux init' writes a first settings file\(demo)")
        } catch {
            invocation.console.err("the settings cannot be read")
        }
        return nil
    }
}

/// Building needs a transport; validating never uses it.
private struct NoTransport: HTTPTransport {
    func send(_ request: UpstreamRequest) async throws(GatewayError) -> UpstreamResponse { throw .cancelled }
}

private struct NoFiles: FileReading {
    func read(_ path: String, limit: Int) async throws(GatewayError) -> [UInt8] { throw .cancelled }
    func stamp(_ path: String) async -> FileStamp? { nil }
}

private struct NoTime: TimeSource {
    var now: Instant { Instant(microseconds: 0) }
    var wallNow: WallTime { WallTime(microseconds: 0) }
    func sleep(until deadline: Instant) async throws(GatewayError) { throw .cancelled }
}
