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
    let publicPages: PublicPages
    let rateLimits: RateLimitBackend
    let limiter: RequestLimiter
    let metrics: GatewayMetrics
    let transitions: TransitionHub
    /// What is counted about requests, with this gateway's providers and frontends found once.
    let meter: RequestMeter
    let affinity: Affinity
    let media: GatewayMedia
    /// What outlives the process; `nil` where nothing does.
    let state: GatewayState?

    /// - Parameter old: What it takes the place of in a reload; what belongs to no setting is taken over: counts, who
    ///   guesses keys, where conversations were served, what upstreams have listed.
    init(
        settings: GatewaySettings, upstreams: [Upstream], frontends: [(any Frontend, paths: [String])],
        rateLimits: RateLimitBackend, media: GatewayMedia, environment: GatewayEnvironment, watch: GatewayWatch,
        after old: Gateway? = nil
    ) {
        (self.rateLimits, self.media) = (rateLimits, media)
        limiter = RequestLimiter(settings.limits, store: rateLimits.store, time: environment.time)
        self.settings = settings
        self.upstreams = upstreams
        (time, random, log) = (environment.time, environment.random, environment.log)
        load = old?.load ?? GatewayLoad()
        publicPages = old?.publicPages ?? PublicPages()
        metrics = watch.metrics
        transitions = watch.transitions
        catalog = ModelCatalog(providers: upstreams.map { ($0.name, $0.modelsAtStart) })
        requestTimeouts = Dictionary(
            settings.providers.map { ($0.name, $0.common.requestTimeout) }, uniquingKeysWith: { first, _ in first })
        let rules = settings.conversations.rules
        let kept = old.flatMap { $0.settings.conversations.rules == rules ? $0.affinity : nil }
        state = environment.state
        affinity = kept ?? Self.makeAffinity(rules, environment, old)
        meter = RequestMeter(
            metrics, frontends: frontends.map { type(of: $0.0).kind.name }, providers: upstreams.map(\.name),
            models: Set(settings.models.map(\.id)), catalog: catalog)
        pipeline = Pipeline(
            router: Router(routes: settings.models), catalog: catalog, upstreams: upstreams,
            retry: settings.retry.policy, queue: settings.queue.rules,
            affinity: affinity, limits: Self.accountLimits(settings, rateLimits.store, environment),
            time: environment.time, random: environment.random)
        routes = RouteTable(Self.mounts(frontends, prefix: settings.server.mount))
        authenticator = ClientAuthenticator(
            ring: KeyRing(settings.keys.map(\.clientKey)), registry: environment.keys, settings: settings.auth,
            time: environment.time, after: old?.authenticator)
        if let old { takeOverModels(of: old) }
    }

    /// The operator's limits of accounts; `nil` where no provider has one, so that nobody is asked.
    private static func accountLimits(
        _ settings: GatewaySettings, _ store: any RateLimitStore, _ environment: GatewayEnvironment
    ) -> AccountLimiter? {
        let limits = Dictionary(
            settings.providers.map { ($0.name, $0.common.limits) }, uniquingKeysWith: { first, _ in first })
        guard limits.values.contains(where: { !$0.isEmpty }) else { return nil }
        return AccountLimiter(limits, store: store, time: environment.time) { [days = environment.dailyReset] now in
            return QuotaDay(name: days.dayName(at: now), endsAt: days.next(after: now))
        }
    }

    private static func makeAffinity(
        _ rules: ConversationRules, _ environment: GatewayEnvironment, _ old: Gateway?
    ) -> Affinity {
        guard let state = environment.state else { return Affinity(rules, random: SystemRandom()) }
        let affinity = Affinity(rules, key: state.hashKey)
        if old == nil {
            let (now, wallNow) = (environment.time.now, environment.time.wallNow)
            affinity.restore(state.conversations, now: now, wallNow: wallNow)
        }
        return affinity
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
        let isReady = shortages.contains { $0.1.ready + $0.1.busy + $0.1.paced > 0 }
        return (isReady, shortages.filter { $0.1.ready == 0 }.map { $0.1.error(provider: $0.0).message })
    }
}

/// Who looks on at what the gateway does. Made before the pools, which report here; outlives every reload.
struct GatewayWatch: Sendable {
    let metrics: GatewayMetrics
    let transitions: TransitionHub

    init(startedAt: WallTime) {
        metrics = GatewayMetrics(startedAt: startedAt)
        transitions = TransitionHub(metrics)
    }

    init(_ gateway: Gateway) { (metrics, transitions) = (gateway.metrics, gateway.transitions) }
}

/// What the gateway takes from outside: clocks, random bits, the log.
struct GatewayEnvironment: Sendable {
    var time: any TimeSource
    var random: any RandomSource
    var log: Logger
    /// Client keys that are made and revoked while the process runs; the same for every gateway in it.
    var keys = KeyRegistry()
    /// What outlives the process; `nil` where nothing does.
    var state: GatewayState?
    /// Where what models make is kept; `nil` keeps it in memory.
    var mediaStore: (any MediaKeeping)?
    /// When daily quotas begin anew.
    var dailyReset = DailyReset.builtIn
    /// Opens what clients name; `nil` where nothing may.
    var untrusted: (any UntrustedTransport)?
    /// What of it may be opened; the same for every gateway in the process.
    var fetching = MediaFetching()
}
