import PolluxCore
import PolluxCrypto

/// `/metrics`: for programs on this machine and for holders of the admin key, never for clients (requirement L-7).
struct MetricsRoute: Sendable {
    private let gateway: Gateway
    private let paths: [String]
    private let adminDigest: [UInt8]?
    private let throttle = FailureThrottle(limit: 5, period: .seconds(60))

    init(_ gateway: Gateway) {
        self.gateway = gateway
        let prefix = gateway.settings.server.mount
        paths = prefix.isEmpty ? ["/metrics"] : ["/metrics", prefix + "/metrics"]
        adminDigest = gateway.settings.adminKey.map { SHA256.hash(Array($0.reveal().utf8)) }
    }

    /// Whether a request is for them; switched off, the path is as unknown as any other.
    func isAsked(_ head: HTTPRequestHead) -> Bool {
        guard head.target.utf8.count < 256, gateway.settings.metrics.access != .off else { return false }
        let path = head.path
        return paths.contains { path == $0 }
    }

    /// - Parameter worker: Runs what reads files.
    /// - Throws: `authentication`, `rateLimited` after too many wrong keys from one address, `methodNotAllowed`.
    func answer(_ exchange: any HTTPExchange, _ worker: any TaskExecutor) async throws(GatewayError) -> HTTPAnswer {
        try admit(exchange)
        guard exchange.head.method == .get || exchange.head.method == .head else {
            throw GatewayError(
                .methodNotAllowed, .request, "this path takes GET, not \(exchange.head.method.rawValue)")
        }
        let gateway = gateway
        let bytes = await withTaskExecutorPreference(worker) { await Self.report(gateway) }
        return HTTPAnswer(status: 200, fields: ["content-type": MetricText.contentType], body: bytes)
    }

    /// Async, so that it runs on the executor that the caller prefers.
    private static func report(_ gateway: Gateway) async -> [UInt8] { MetricsReport(gateway, .now).bytes }

    private func admit(_ exchange: any HTTPExchange) throws(GatewayError) {
        if gateway.settings.metrics.access == .loopback, Self.isLocal(exchange) { return }
        guard let shown = Self.bearer(exchange.head) else {
            throw GatewayError(
                .missingKey, .request,
                "metrics are for programs on the gateway's own machine; from elsewhere, or through a proxy, send the"
                    + " admin key as 'Authorization: Bearer KEY'")
        }
        let digest = SHA256.hash(Array(shown.utf8))
        if let adminDigest, ConstantTime.areEqual(adminDigest, digest) { return }
        let address = ClientAddress.of(exchange, trusting: gateway.settings.server.trustedProxies)
        gateway.log.info(
            "sign-in failed", [LogField("address", address), LogField("reason", "wrong admin key for /metrics")])
        if let wait = throttle.recordFailure(of: address, now: gateway.time.now) {
            throw GatewayError(
                .rateLimited, .request, "too many requests with a wrong admin key; wait and check the key",
                retryAfter: wait)
        }
        throw GatewayError(.authentication, .request, "this is not the admin key of the gateway (admin.key)")
    }

    /// Whether a program on this machine asks for itself. A reverse proxy on this machine asks for others: it names the
    /// one it speaks for, or the public name that was asked for. So does a web page that has its own name lead here.
    private static func isLocal(_ exchange: any HTTPExchange) -> Bool {
        guard isLoopback(exchange.peerAddress) else { return false }
        let fields = exchange.head.fields
        for name in ["x-forwarded-for", "forwarded", "x-real-ip", "x-forwarded-host", "via", "origin"] {
            if fields[name] != nil { return false }
        }
        guard let host = fields["host"] else { return exchange.head.minorVersion == 0 }
        return isLoopback(name(in: host))
    }

    /// `127.0.0.1:7860` → `127.0.0.1`, `[::1]:7860` → `::1`
    private static func name(in host: String) -> String {
        if host.hasPrefix("[") { return String(host.dropFirst().prefix { $0 != "]" }) }
        return host.prefix { $0 != ":" }.lowercased()
    }

    private static func isLoopback(_ host: String) -> Bool {
        if host == "localhost" || host == "::1" { return true }
        let mapped = host.hasPrefix("::ffff:") ? host.dropFirst(7) : host[...]
        let numbers = mapped.split(separator: ".", omittingEmptySubsequences: false)
        return numbers.count == 4 && numbers[0] == "127" && numbers.allSatisfy { UInt8($0) != nil }
    }

    private static func bearer(_ head: HTTPRequestHead) -> String? {
        guard let value = head.fields["authorization"] else { return nil }
        let bytes = value.utf8
        guard bytes.count > 7, zip(bytes, "bearer ".utf8).allSatisfy({ $0 | 0x20 == $1 }) else { return nil }
        return String(decoding: bytes.dropFirst(7).drop { $0 == 0x20 }, as: UTF8.self)
    }
}
