import PolluxCore

/// Builds everything that a settings file names. Opens nothing and starts nothing: that is the services' business.
struct GatewayBuilder {
    let registry: PluginRegistry
    let transport: any HTTPTransport
    let files: any FileReading
    let processEnvironment: [String: String]
    let environment: GatewayEnvironment

    /// - Throws: What a plugin says about settings that no single key shows to be wrong.
    func build(_ settings: GatewaySettings) throws(GatewayError) -> (gateway: Gateway, services: [NamedService]) {
        var upstreams: [Upstream] = []
        for entry in settings.providers { upstreams.append(try upstream(entry, settings)) }
        var frontends: [(any Frontend, paths: [String])] = []
        for entry in settings.frontends {
            frontends.append((try entry.make(FrontendContext(log: environment.log)), entry.paths))
        }
        let gateway = Gateway(settings: settings, upstreams: upstreams, frontends: frontends, environment: environment)
        return (gateway, try services(of: gateway, settings))
    }

    private func upstream(_ entry: ProviderEntry, _ settings: GatewaySettings) throws(GatewayError) -> Upstream {
        let network = NetworkOptions(
            proxy: entry.common.proxy ?? settings.outbound.proxy, noProxy: settings.outbound.noProxy,
            caFile: entry.common.caFile)
        let context = ProviderContext(
            name: entry.name,
            http: ProviderTransport(base: transport, deadlines: entry.common.deadlines, network: network),
            time: environment.time, random: environment.random,
            log: environment.log.with(LogField("provider", entry.name)))
        let provider = try entry.make(context)
        let pool = AccountPool(entry.common.pool, time: environment.time)
        let upstream = Upstream(
            name: entry.name, kind: entry.kind, provider: provider, pool: pool, retry: settings.retry.policy)
        CredentialFeed.publish(provider.ownCredentials, from: "settings", to: [upstream], environment.log)
        return upstream
    }

    private func services(of gateway: Gateway, _ settings: GatewaySettings) throws(GatewayError) -> [NamedService] {
        var services: [NamedService] = []
        for entry in settings.credentialSources {
            let log = environment.log.with(LogField("source", entry.name))
            let context = SourceContext(
                name: entry.name, environment: processEnvironment, files: files, time: environment.time, log: log)
            let users = Set(settings.providers.filter { $0.common.credentials.contains(entry.name) }.map(\.name))
            let feed = CredentialFeed(
                source: try entry.make(context), name: entry.name,
                upstreams: gateway.upstreams.filter { users.contains($0.name) }, log: log)
            services.append(NamedService(name: "credential source \"\(entry.name)\"", service: feed))
        }
        for upstream in gateway.upstreams {
            if let service = upstream.provider as? any Service {
                services.append(NamedService(name: "provider \"\(upstream.name)\"", service: service))
            }
            if let keeper = upstream.provider as? any AccountKeeping {
                let service = AccountKeeper(
                    upstream: upstream, keeper: keeper, time: environment.time,
                    log: environment.log.with(LogField("provider", upstream.name)))
                services.append(NamedService(name: "accounts of \"\(upstream.name)\"", service: service))
            }
            if upstream.provider.offeredModels == nil, let lister = upstream.provider as? any ModelListing {
                let refresher = CatalogRefresher(
                    upstream: upstream, lister: lister, catalog: gateway.catalog, time: environment.time,
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
}
