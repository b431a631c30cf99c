public import PolluxCore

/// A gateway without a socket, a thread or a signal handler of its own: for tests of plugins, and for programs that
/// bring their own HTTP server.
///
/// It is built from a settings text exactly as `serve` builds one. Requests go into `handler`; what the settings name
/// under `server:`, `state:`, `log:` and `notify:` is the owner's business.
public struct EmbeddedGateway: Sendable {
    /// Serves requests: keys, routes, frontends, pipeline, providers.
    public let handler: any HTTPRequestHandler
    private let gateway: Gateway
    private let services: [NamedService]

    /// - Parameters:
    ///   - settings: The text of a settings file.
    ///   - variables: The environment that `${NAME}` and the credential sources see.
    ///   - transport: Where the providers' requests go.
    ///   - untrusted: Where URLs of clients are fetched; without one, requests that hold files or URLs are refused by
    ///     providers that take in media themselves.
    /// - Throws: `SettingsError` with every problem and its place; `GatewayError` when a plugin refuses its settings.
    public init(
        settings: String, registry: PluginRegistry, variables: [String: String] = [:], transport: any HTTPTransport,
        untrusted: (any UntrustedTransport)? = nil, files: any FileReading, time: any TimeSource,
        random: any RandomSource = FastRandom(), log: Logger = .silent
    ) throws {
        let loader = SettingsLoader(registry: registry, environment: variables)
        let (decoded, _) = try loader.decode(Array(settings.utf8), file: SettingsLoader.defaultFile)
        let builder = GatewayBuilder(
            registry: registry, transport: transport, files: files, processEnvironment: variables,
            environment: GatewayEnvironment(time: time, random: random, log: log, untrusted: untrusted))
        let plan = try builder.build(decoded)
        plan.takeOver()
        (gateway, services) = (plan.gateway, plan.services)
        handler = GatewayHandler(gateway, worker: globalConcurrentExecutor)
    }

    /// Runs credential sources and services while the body runs, and cancels them behind it.
    ///
    /// The body begins when every credential source has published once or has ended, so that accounts are there. A
    /// source that waits for its file to appear holds it back.
    public func running<Result>(_ body: () async throws -> Result) async throws -> Result {
        let tasks = services.map { named in Task { await run(named) } }
        defer { for task in tasks { task.cancel() } }
        for case let feed as CredentialFeed in services.map(\.service) { await feed.firstWord.wait() }
        return try await body()
    }

    private func run(_ named: NamedService) async {
        do {
            try await named.service.run()
        } catch {
            if Task.isCancelled { return }
            let message = (error as? GatewayError)?.message ?? "\(error)"
            gateway.log.error("service failed", [LogField("service", named.name), LogField("message", message)])
        }
    }
}
