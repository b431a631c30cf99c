import PolluxCore

/// Builds everything that a settings file names. Opens nothing and starts nothing: that is the services' business.
struct GatewayBuilder {
    let registry: PluginRegistry
    let transport: any HTTPTransport
    let files: any FileReading
    let processEnvironment: [String: String]
    let environment: GatewayEnvironment

    /// - Parameter old: The gateway whose place the new one is to take. Nothing about it is changed here.
    /// - Throws: What a plugin says about settings that no single key shows to be wrong.
    func build(_ settings: GatewaySettings, after old: Gateway? = nil) throws(GatewayError) -> GatewayPlan {
        let watch = old.map(GatewayWatch.init) ?? GatewayWatch(startedAt: environment.time.wallNow)
        var parts: [UpstreamPlan] = []
        let media = GatewayMedia(settings.media, environment, watch.metrics, after: old?.media)
        for entry in settings.providers { parts.append(try part(entry, settings, old, watch, media.access)) }
        var frontends: [(any Frontend, paths: [String])] = []
        for entry in settings.frontends {
            frontends.append((try entry.make(FrontendContext(log: environment.log)), entry.paths))
        }
        let rateLimits = try RateLimitBackend.make(settings.rateLimit, environment, after: old?.rateLimits)
        let gateway = Gateway(
            settings: settings, upstreams: parts.map(\.upstream), frontends: frontends, rateLimits: rateLimits,
            media: media, environment: environment, watch: watch, after: old)
        let services = try services(of: gateway, settings, parts)
        let keepsRateLimits = old.map { $0.rateLimits.isSame(as: rateLimits) } ?? false
        return GatewayPlan(
            gateway: gateway, services: services, parts: parts, fetching: environment.fetching,
            keepsRateLimits: keepsRateLimits)
    }

    /// A provider with the name and kind of an old one has its accounts; the provider itself stays as well if nothing
    /// that it knows of has changed, and with it what it remembers: tokens, sessions, cookies.
    private func part(
        _ entry: ProviderEntry, _ settings: GatewaySettings, _ old: Gateway?, _ watch: GatewayWatch,
        _ media: MediaAccess
    ) throws(GatewayError) -> UpstreamPlan {
        let network = Self.network(entry, settings)
        let oldUpstream = old?.upstreams.first { $0.name == entry.name && $0.kind == entry.kind }
        let oldEntry = old?.settings.providers.first { $0.name == entry.name && $0.kind == entry.kind }
        var kept: (any Provider)?
        if let old, let oldUpstream, let oldEntry, Self.network(oldEntry, old.settings) == network,
            oldEntry.map.says(theSameAs: entry.map, besides: ["pool", "credentials", "limits", "breaker"])
        {
            kept = oldUpstream.provider
        }
        let provider = if let kept { kept } else { try makeProvider(entry, network, media) }
        let upstream = Upstream(
            name: entry.name, kind: entry.kind, provider: provider,
            pool: oldUpstream?.pool ?? makePool(entry, watch),
            retry: settings.retry.policy, after: oldUpstream)
        return UpstreamPlan(
            upstream: upstream, rules: entry.common.pool, sources: entry.common.credentials, isKept: kept != nil,
            log: environment.log, book: environment.state?.book, time: environment.time)
    }

    /// A new one takes up where the last process left off. Accounts live longer than settings, so what is told of them
    /// goes to those who outlive every reload.
    private func makePool(_ entry: ProviderEntry, _ watch: GatewayWatch) -> AccountPool {
        let pool = AccountPool(
            entry.common.pool, name: entry.name, dailyReset: environment.dailyReset, random: environment.random,
            time: environment.time)
        pool.observe(TransitionLog(log: environment.log))
        pool.observe(watch.transitions)
        guard let state = environment.state else { return pool }
        pool.keepCredentials(with: state.book.keeper(of: entry.name))
        pool.restore(state.book.memories(of: entry.name), wallNow: environment.time.wallNow)
        pool.observe(TransitionRecorder(store: state.store, events: state.events))
        return pool
    }

    private func makeProvider(
        _ entry: ProviderEntry, _ network: NetworkOptions, _ media: MediaAccess
    ) throws(GatewayError) -> any Provider {
        try entry.make(
            ProviderContext(
                name: entry.name,
                http: ProviderTransport(base: transport, deadlines: entry.common.deadlines, network: network),
                time: environment.time, random: environment.random,
                log: environment.log.with(LogField("provider", entry.name)), media: media))
    }

    private static func network(_ entry: ProviderEntry, _ settings: GatewaySettings) -> NetworkOptions {
        NetworkOptions(
            proxy: entry.common.proxy ?? settings.outbound.proxy, noProxy: settings.outbound.noProxy,
            caFile: entry.common.caFile)
    }

    private func services(
        of gateway: Gateway, _ settings: GatewaySettings, _ parts: [UpstreamPlan]
    ) throws(GatewayError) -> [NamedService] {
        var services: [NamedService] = []
        var firstWords: [String: FirstWord] = [:]
        for entry in settings.credentialSources {
            let log = environment.log.with(LogField("source", entry.name))
            let context = SourceContext(
                name: entry.name, environment: processEnvironment, files: files, time: environment.time, log: log)
            let users = Set(settings.providers.filter { $0.common.credentials.contains(entry.name) }.map(\.name))
            let feed = CredentialFeed(
                source: try entry.make(context), name: entry.name,
                upstreams: gateway.upstreams.filter { users.contains($0.name) }, log: log,
                book: environment.state?.book, time: environment.time,
                handovers: parts.compactMap(\.handover))
            firstWords[entry.name] = feed.firstWord
            services.append(NamedService(name: "credential source \"\(entry.name)\"", service: feed))
        }
        let ticker = PoolTicker(pools: gateway.upstreams.map(\.pool), time: environment.time)
        services.append(NamedService(name: "time of accounts", service: ticker))
        let sweeper = MediaSweeper(
            store: gateway.media.store, rules: settings.media.rules, time: environment.time, log: environment.log)
        services.append(NamedService(name: "media", service: sweeper))
        if let service = gateway.rateLimits.service {
            services.append(
                NamedService(name: "rate limits", service: service, of: RateLimitBackend.serviceOwner))
        }
        for (upstream, entry) in zip(gateway.upstreams, settings.providers) {
            if let service = upstream.provider as? any Service {
                services.append(
                    NamedService(name: "provider \"\(upstream.name)\"", service: service, of: upstream.name))
            }
            if let keeper = upstream.provider as? any AccountKeeping {
                let service = AccountKeeper(
                    upstream: upstream, keeper: keeper, time: environment.time,
                    log: environment.log.with(LogField("provider", upstream.name)))
                services.append(
                    NamedService(name: "accounts of \"\(upstream.name)\"", service: service, of: upstream.name))
            }
            if upstream.provider.offeredModels == nil, let lister = upstream.provider as? any ModelListing {
                let refresher = CatalogRefresher(
                    upstream: upstream, lister: lister, catalog: gateway.catalog,
                    sources: entry.common.credentials.compactMap { firstWords[$0] }, time: environment.time,
                    log: environment.log.with(LogField("provider", upstream.name)))
                services.append(NamedService(name: "models of \"\(upstream.name)\"", service: refresher))
            }
        }
        return services
    }
}

/// A service and what to call it in the log.
struct NamedService: Sendable {
    let name: String
    let service: any Service
    /// The provider whose own work it is: it goes on for as long as the provider is kept.
    let provider: String?
    /// It belongs to the process and knows no settings.
    let outlivesReload: Bool

    init(name: String, service: any Service, of provider: String? = nil, outlivesReload: Bool = false) {
        (self.name, self.service, self.provider) = (name, service, provider)
        self.outlivesReload = outlivesReload
    }
}
