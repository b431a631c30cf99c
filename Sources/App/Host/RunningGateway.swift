import PolluxCore
import PolluxTransport
import Synchronization

/// A gateway that listens.
final class RunningGateway: Sendable {
    private let host: GatewayHost
    private let server: HTTPServer
    private let services = Mutex<[Task<Void, Never>]>([])

    init(_ host: GatewayHost) throws(GatewayError) {
        self.host = host
        let handler = GatewayHandler(host.gateway, worker: host.worker)
        server = HTTPServer(loops: host.loops, limits: host.gateway.settings.server.limits, handler: handler) {
            [log = host.log] text in
            log.warning("server", [LogField("message", text)])
        }
    }

    /// Starts the services and listens.
    ///
    /// - Returns: The port.
    func start() throws(GatewayError) -> Int {
        let listen = host.gateway.settings.server.listen
        services.withLock { $0 = host.startServices() }
        return Int(try server.listen(host: listen.host, port: UInt16(listen.port)))
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

    /// Refuses new work, lets running answers end, then ends them.
    func drain() async {
        let (time, drain) = (host.gateway.time, host.gateway.settings.drain)
        host.gateway.isDraining.store(true, ordering: .relaxed)
        if drain.delay > .zero { try? await time.sleep(until: time.now + drain.delay) }
        server.beginDrain()
        if await !server.waitUntilIdle(until: time.now + drain.timeout) {
            host.gateway.isCutting.store(true, ordering: .relaxed)
            server.cancelAll()
            _ = await server.waitUntilIdle(until: time.now + .seconds(1))
        }
        for task in services.withLock({ $0 }) { task.cancel() }
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
