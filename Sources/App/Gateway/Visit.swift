import PolluxCore
import Synchronization

/// What the gateway knows about one request while it serves it. Used by that request's task only.
final class Visit {
    let exchange: any HTTPExchange
    let requestID: String
    let start: Instant
    let log: Logger
    let clientInfo: ClientInfo
    private let gateway: Gateway

    var frontend: (any Frontend)?
    var route = ""
    var key: ClientKey?
    var model = ""
    var status = 0
    var record: AttemptRecord?
    /// Why the answer is an error, or broke off.
    var brokenBy: GatewayError?
    /// Fields for this answer beside those every answer has.
    var extraFields: [HTTPFields.Field] = []
    /// Where the request went last; empty while no attempt has begun.
    private var attemptFields: [HTTPFields.Field] = []
    private var isInFlight = false

    init(_ exchange: any HTTPExchange, _ gateway: Gateway) {
        (self.exchange, self.gateway) = (exchange, gateway)
        requestID = Self.makeRequestID(gateway.random)
        start = gateway.time.now
        log = gateway.log.with(LogField("request", requestID))
        var client = ClientInfo()
        client.address = ClientAddress.of(exchange, trusting: gateway.settings.server.trustedProxies)
        client.userAgent = exchange.head.fields["user-agent"] ?? ""
        clientInfo = client
    }

    deinit {
        if isInFlight { gateway.load.inFlight.wrappingSubtract(1, ordering: .relaxed) }
    }

    static func makeRequestID(_ random: any RandomSource) -> String { "req_" + random.alphanumeric(24) }

    private(set) lazy var reply = ReplyContext(
        requestID: requestID, created: gateway.time.wallNow, responseID: gateway.random.alphanumeric(24))

    /// Counts the request as running; false when the gateway is full.
    func enter() -> Bool {
        let count = gateway.load.inFlight.wrappingAdd(1, ordering: .relaxed).newValue
        gateway.load.served.wrappingAdd(1, ordering: .relaxed)
        isInFlight = true
        return count <= gateway.settings.server.maxInFlight
    }

    /// An attempt begins: answers and errors from now on name its provider.
    func noteAttempt(_ target: RouteTarget, _ attempts: Int, _ request: ModelRequest) {
        let upstream = gateway.upstreams.first { $0.name == target.provider }
        let ignored = upstream?.provider.ignoredParameters(of: request) ?? []
        attemptFields = AttemptFields(provider: target.provider, attempts: attempts, ignored: ignored).fields
    }

    var allFields: [HTTPFields.Field] {
        [.init(name: "x-request-id", value: requestID)] + extraFields + attemptFields
    }

    func respond(_ answer: HTTPAnswer) async throws(GatewayError) {
        var answer = answer
        status = answer.head.status
        var fields = Array(answer.head.fields)
        fields.reserveCapacity(fields.count + extraFields.count + attemptFields.count + 3)
        fields.append(.init(name: "x-request-id", value: requestID))
        fields += extraFields
        fields += attemptFields
        if answer.head.fields["cache-control"] == nil { fields.append(.init(name: "cache-control", value: "no-store")) }
        fields.append(.init(name: "x-content-type-options", value: "nosniff"))
        answer.head.fields = HTTPFields(fields)
        try await exchange.respond(answer)
    }

    /// Why a request was cancelled, when it was not its client: its deadline, or the end of the drain.
    func explain(_ error: GatewayError) -> GatewayError {
        guard error.kind == .cancelled else { return error }
        if gateway.load.isCutting.load(ordering: .relaxed) {
            return GatewayError(.shuttingDown, .request, "the gateway is shutting down; try again in a moment")
        }
        guard exchange.isExpired else { return error }
        return GatewayError(
            .upstreamTimeout, .request, "no answer came within the time that this request may take; try again")
    }

    /// Successes are steps (debug); what a client did wrong is info; what went wrong behind us is a warning.
    func logEnd() {
        if brokenBy?.kind == .cancelled { status = 499 }
        let level: Logger.Level =
            switch brokenBy {
            case nil: .debug
            case let error? where error.isOurs: .warning
            default: .info
            }
        guard log.writes(level) else { return }
        let fields = endFields()
        switch level {
        case .debug: log.debug("request", fields)
        case .info: log.info("request", fields)
        case .warning, .error: log.warning("request", fields)
        }
    }

    private func endFields() -> [LogField] {
        var fields = [
            LogField("method", exchange.head.method.rawValue), LogField("route", route), LogField("status", status),
            LogField("took_ms", gateway.time.now - start), LogField("address", clientInfo.address),
            LogField("key", key?.name ?? ""),
        ]
        if !model.isEmpty { fields.append(LogField("model", model)) }
        if let record {
            fields += [
                LogField("provider", record.provider), LogField("account", record.accountID),
                LogField("attempts", record.attempts),
            ]
        }
        if let retries = exchange.head.fields["x-stainless-retry-count"], retries != "0" {
            fields.append(LogField("client_retry", retries))
        }
        if let brokenBy {
            fields += [LogField("error", brokenBy.kind.rawValue), LogField("message", brokenBy.message)]
        }
        return fields
    }
}

extension GatewayError {
    /// True for failures that an operator should look at: the upstream's and our own.
    var isOurs: Bool {
        switch kind {
        case .upstreamUnreachable, .upstreamTLS, .upstreamReset, .upstreamTimeout, .upstreamTruncated,
            .upstreamBadResponse, .upstreamError, .upstreamTooLarge, .upstreamAuth, .upstreamUnavailable,
            .upstreamInvalidOutput, .noAccountAvailable, .overloaded, .internalError:
            true
        default: false
        }
    }
}
