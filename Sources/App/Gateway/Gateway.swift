import PolluxCore
import Synchronization

/// What one settings file becomes: frontends, keys, upstreams and the pipeline between them.
final class Gateway: Sendable {
    let settings: GatewaySettings
    let pipeline: Pipeline
    let upstreams: [Upstream]
    let requestTimeouts: [String: Duration]
    let routes: RouteTable
    var defaultModels: DefaultModels { settings.modelsDefault }
    let authenticator: ClientAuthenticator
    let catalog: ModelCatalog
    let time: any TimeSource
    let random: any RandomSource
    let log: Logger
    let load: GatewayLoad
    private let affinity: Affinity

    /// - Parameter old: What it takes the place of in a reload; what belongs to no setting is taken over: counts, who
    ///   guesses keys, where conversations were served, what upstreams have listed.
    init(
        settings: GatewaySettings, upstreams: [Upstream], frontends: [(any Frontend, paths: [String])],
        environment: GatewayEnvironment, after old: Gateway? = nil
    ) {
        self.settings = settings
        self.upstreams = upstreams
        (time, random, log) = (environment.time, environment.random, environment.log)
        load = old?.load ?? GatewayLoad()
        catalog = ModelCatalog(providers: upstreams.map { ($0.name, $0.modelsAtStart) })
        requestTimeouts = Dictionary(
            settings.providers.map { ($0.name, $0.common.requestTimeout) }, uniquingKeysWith: { first, _ in first })
        let rules = settings.conversations.rules
        let kept = old.flatMap { $0.settings.conversations.rules == rules ? $0.affinity : nil }
        affinity = kept ?? Affinity(rules, random: SystemRandom())
        pipeline = Pipeline(
            router: Router(routes: settings.models), catalog: catalog, upstreams: upstreams,
            retry: settings.retry.policy, queue: settings.queue.rules,
            affinity: affinity, time: environment.time, random: environment.random)
        routes = RouteTable(Self.mounts(frontends, prefix: settings.server.mount))
        let keys = settings.keys.map { ClientKey(name: $0.name, key: $0.key, models: $0.models) }
        authenticator = ClientAuthenticator(
            ring: KeyRing(keys), settings: settings.auth, time: environment.time, after: old?.authenticator)
        if let old { takeOverModels(of: old) }
    }

    /// An upstream's own list stays known until it is asked again.
    private func takeOverModels(of old: Gateway) {
        for upstream in upstreams where upstream.provider.offeredModels == nil {
            let isSame = old.upstreams.contains { $0.name == upstream.name && $0.kind == upstream.kind }
            let models = old.catalog.snapshot.first { $0.provider == upstream.name }?.models
            if isSame, let models { catalog.set(models, for: upstream.name) }
        }
    }

    /// Each frontend at its paths and their aliases, and all of it again below `path_prefix`.
    private static func mounts(_ frontends: [(any Frontend, paths: [String])], prefix: String) -> [RouteTable.Mount] {
        var mounts: [RouteTable.Mount] = []
        for base in prefix.isEmpty ? [""] : ["", prefix] {
            for (frontend, paths) in frontends {
                for var place in paths.flatMap({ frontend.mounts(at: $0) }) {
                    place.path = base + place.path
                    mounts.append(.init(place: place, frontend: frontend))
                }
            }
        }
        return mounts
    }

    /// Whether a generation could be served now, and if not, why: one sentence per provider.
    var readiness: (isReady: Bool, reasons: [String]) {
        if load.isDraining.load(ordering: .relaxed) { return (false, ["the gateway is shutting down"]) }
        if upstreams.isEmpty { return (false, ["no provider is configured; add one under providers: in the settings"]) }
        let shortages = upstreams.map { ($0.name, $0.pool.shortage()) }
        let isReady = shortages.contains { $0.1.ready > 0 || $0.1.busy > 0 }
        return (isReady, shortages.filter { $0.1.ready == 0 }.map { $0.1.error(provider: $0.0).message })
    }
}

/// What the gateway takes from outside: clocks, random bits, the log.
struct GatewayEnvironment: Sendable {
    var time: any TimeSource
    var random: any RandomSource
    var log: Logger
}
