import PolluxAdmin
import PolluxCore
import PolluxStorage
import PolluxTransport
import Synchronization

/// A gateway that listens.
final class RunningGateway: Sendable {
    private let host: GatewayHost
    private let server: HTTPServer
    private let handler: CurrentHandler
    /// The operator's API; `nil` where nobody said where the settings come from, or nothing outlives the process.
    let admin: AdminCenter?
    private let services = Mutex<[RunningService]>([])

    private struct RunningService {
        let named: NamedService
        let task: Task<Void, Never>
    }

    /// - Parameter live: Where the settings in force come from, and can be changed.
    init(_ host: GatewayHost, live: LiveSettings? = nil) throws(GatewayError) {
        self.host = host
        let admin = live.flatMap { live in
            host.state.map { state in AdminCenter(host, state, SettingsDesk(live, host, state.store)) }
        }
        self.admin = admin
        handler = CurrentHandler(GatewayHandler(host.gateway, worker: host.worker, admin: admin))
        server = HTTPServer(loops: host.loops, limits: host.gateway.settings.server.limits, handler: handler) {
            [log = host.log] text in
            log.warning("server", [LogField("message", text)])
        }
        admin?.settings.connect { [weak self] settings throws(GatewayError) in
            try await self?.reload(settings)
        }
        host.gateway.metrics.watchConnections { [weak server] in server?.openConnections ?? 0 }
    }

    /// How long the port stays closed for a credential source that says nothing.
    private static let patience = Duration.seconds(2)

    /// Starts the services, waits until the credential sources have spoken, and listens. A source that takes longer
    /// than two seconds holds nobody up: the other providers' accounts are there.
    ///
    /// - Returns: The port.
    func start() async throws(GatewayError) -> Int {
        let (listen, time) = (host.gateway.settings.server.listen, host.gateway.time)
        if let store = host.state?.store { host.keys.load(try await store.keys()) }
        let started = (host.ownServices + host.services).map { RunningService(named: $0, task: host.start($0)) }
        services.withLock { $0 = started }
        let firstWords = host.feeds.map(\.firstWord) + [host.gateway.rateLimits.firstWord].compactMap(\.self)
        await firstWords.wait(until: time.now + Self.patience, time)
        for feed in host.feeds where !feed.firstWord.isSpoken {
            host.log.warning(
                "accounts not read yet",
                [
                    LogField("source", feed.name),
                    LogField("consequence", "requests that need them are refused until they are"),
                ])
        }
        let port = Int(try server.listen(host: listen.host, port: UInt16(listen.port)))
        host.listens(on: port)
        return port
    }

    func warnAboutExposure() {
        let settings = host.gateway.settings
        if settings.auth.clients == .open {
            host.log.warning(
                "auth.clients is open: everybody who reaches \(settings.server.listen) may spend the accounts")
        } else if settings.keys.isEmpty {
            host.log.warning("no client key is configured: every request will be refused; add one under keys:")
        }
        let (isReady, reasons) = host.gateway.readiness
        if !isReady, settings.providers.isEmpty {
            for reason in reasons { host.log.warning("not ready", [LogField("reason", reason)]) }
        }
    }

    /// Refuses new work, lets running answers end, then ends them (R-4).
    func drain() async {
        let (time, drain, load) = (host.gateway.time, host.gateway.settings.drain, host.gateway.load)
        load.isDraining.store(true, ordering: .relaxed)
        if drain.delay > .zero { try? await time.sleep(until: time.now + drain.delay) }
        admin?.events.closeAll()
        server.beginDrain()
        if await !server.waitUntilIdle(until: time.now + drain.timeout) {
            load.isCutting.store(true, ordering: .relaxed)
            server.cancelAll()
            _ = await server.waitUntilIdle(until: time.now + .seconds(1))
        }
        for service in services.withLock({ $0 }).reversed() { service.task.cancel() }
        await host.saveState()
    }
}

// MARK: - Other settings

extension RunningGateway {
    /// Puts other settings in force, as a whole. Requests that run end under those they began with.
    ///
    /// - Throws: When the settings cannot be honoured without a restart, a plugin refuses them, or the Redis that they
    ///   name for limits cannot be used. Then nothing has changed.
    func reload(_ settings: GatewaySettings) async throws(GatewayError) {
        guard !host.gateway.load.isDraining.load(ordering: .relaxed) else {
            throw GatewayError(.shuttingDown, .request, "the gateway is shutting down")
        }
        try FixedSettings.refuseChanges(from: host.gateway.settings, to: settings)
        let plan = try host.plan(settings)
        let connected = try await connectRateLimits(of: plan)
        let leaving = stopServices(replacedBy: plan)
        let old = host.gateway
        host.adopt(plan)
        for upstream in old.upstreams where !plan.gateway.upstreams.contains(where: { $0.name == upstream.name }) {
            host.state?.book.detach(upstream.name)
        }
        server.change(settings.server.limits)
        handler.replace(with: GatewayHandler(plan.gateway, worker: host.worker, admin: admin)) { [log = host.log] in
            for task in leaving { task.cancel() }
            log.info("the last request under the old settings has ended")
        }
        startServices(of: plan, besides: connected)
    }

    /// Limits that move to another Redis are counted there from the first request on, so the connection comes first. A
    /// Redis that cannot be used now is told, unlike at the start, when there is nothing to go on with.
    ///
    /// - Returns: The service that keeps the connection, if it is a new one.
    private func connectRateLimits(of plan: GatewayPlan) async throws(GatewayError) -> [RunningService] {
        let backend = plan.gateway.rateLimits
        guard !plan.keepsRateLimits, let redis = backend.redis,
            let named = plan.services.first(where: { $0.provider == RateLimitBackend.serviceOwner })
        else { return [] }
        let task = host.start(named)
        let time = host.gateway.time
        await [backend.firstWord].compactMap(\.self).wait(until: time.now + Self.patience, time)
        if let trouble = redis.trouble {
            task.cancel()
            throw trouble
        }
        return [RunningService(named: named, task: task)]
    }

    /// Stops what the new settings have in another form: sources and lists of models at once.
    ///
    /// - Returns: What belongs to providers that running requests may still use.
    private func stopServices(replacedBy plan: GatewayPlan) -> [Task<Void, Never>] {
        let kept = plan.keptProviders
        let ended = services.withLock { services in
            let ended = services.filter { $0.named.ends(unless: kept) }
            services.removeAll { $0.named.ends(unless: kept) }
            return ended
        }
        for service in ended where service.named.provider == nil { service.task.cancel() }
        return ended.filter { $0.named.provider != nil }.map(\.task)
    }

    /// - Parameter started: Those of the plan that run already.
    private func startServices(of plan: GatewayPlan, besides started: [RunningService]) {
        let kept = plan.keptProviders.union(started.compactMap(\.named.provider))
        let fresh = plan.services.filter { $0.provider.map { !kept.contains($0) } ?? true }
        let others = fresh.map { RunningService(named: $0, task: host.start($0)) }
        services.withLock { $0 += started + others }
    }
}

extension NamedService {
    /// Whether a reload that keeps these providers ends it.
    fileprivate func ends(unless kept: Set<String>) -> Bool {
        if outlivesReload { return false }
        return provider.map { !kept.contains($0) } ?? true
    }
}

/// What is made once, at the start of the process.
enum FixedSettings {
    /// - Throws: All of the keys that differ.
    static func refuseChanges(from old: GatewaySettings, to new: GatewaySettings) throws(GatewayError) {
        let fixed = changed(from: old, to: new)
        guard !fixed.isEmpty else { return }
        throw .invalid(
            fixed.first,
            "\(fixed.joined(separator: ", ")) cannot change while the gateway runs; restart it, or put the"
                + " old value back")
    }

    /// The keys among them that differ.
    static func changed(from old: GatewaySettings, to new: GatewaySettings) -> [String] {
        var changed: [String] = []
        if old.server.listen != new.server.listen { changed.append("server.listen") }
        if old.server.loops != new.server.loops { changed.append("server.loops") }
        if old.server.pidFile != new.server.pidFile { changed.append("server.pid_file") }
        if old.state.folder != new.state.folder { changed.append("state.folder") }
        if old.state.encryptionKey != new.state.encryptionKey { changed.append("state.encryption_key") }
        if old.state.decrypts != new.state.decrypts { changed.append("state.decrypt") }
        if old.log.file != new.log.file { changed.append("log.file") }
        if old.log.format != new.log.format { changed.append("log.format") }
        return changed
    }
}

extension ServerSettings {
    var limits: HTTPServerLimits {
        var limits = HTTPServerLimits()
        (limits.headerTimeout, limits.bodyTimeout) = (headerTimeout, bodyTimeout)
        (limits.idleTimeout, limits.writeTimeout) = (idleTimeout, writeTimeout)
        (limits.maxRequestLine, limits.maxHeaderBytes, limits.maxBodyBytes) = (
            maxRequestLine, maxHeaderBytes, maxBodyBytes
        )
        (limits.maxConnections, limits.maxConnectionsPerIP) = (maxConnections, maxConnectionsPerIP)
        return limits
    }
}
