import PolluxCore
import Synchronization

/// What the gateway knows about one request while it serves it. Used by that request's task only.
final class Visit {
    let exchange: any HTTPExchange
    let requestID: String
    let log: Logger
    let clientInfo: ClientInfo
    private let gateway: Gateway
    private(set) var marks: VisitMarks

    var frontend: (any Frontend)?
    var route = ""
    var key: ClientKey?
    var model = ""
    /// What its limits said, for the fields of the answer.
    var limits = RateLimitDecision()
    /// What it holds of its limits; `nil` when it has none.
    var admission: RequestAdmission?
    var status = 0
    var record: AttemptRecord?
    /// Why the answer is an error, or broke off.
    var brokenBy: GatewayError?
    /// Fields for this answer beside those every answer has.
    var extraFields: [HTTPFields.Field] = []
    /// Where the request went last; empty while no attempt has begun.
    private var attemptFields: [HTTPFields.Field] = []
    private var isInFlight = false
    /// Asked by who watches the gateway, not by a client: not to be counted.
    var isOwn = false
    /// What the answer cost, by the upstream's account.
    var usage = Usage()
    /// A model is asked for: the request counts as usage.
    var isModelRequest = false
    var isStreamed = false

    init(_ exchange: any HTTPExchange, _ gateway: Gateway) {
        (self.exchange, self.gateway) = (exchange, gateway)
        requestID = Self.makeRequestID(gateway)
        marks = VisitMarks(arrival: gateway.time.now)
        log = gateway.log.with(LogField("request", requestID))
        var client = ClientInfo()
        client.address = ClientAddress.of(exchange, trusting: gateway.settings.server.trustedProxies)
        client.userAgent = exchange.head.fields["user-agent"] ?? ""
        clientInfo = client
    }

    deinit {
        if isInFlight { gateway.load.inFlight.wrappingSubtract(1, ordering: .relaxed) }
    }

    static func makeRequestID(_ gateway: Gateway) -> String {
        gateway.random.timeOrdered("req_", at: gateway.time.wallNow)
    }

    private(set) lazy var reply = ReplyContext(
        requestID: requestID, created: gateway.time.wallNow, responseID: gateway.random.alphanumeric(24))

    /// Counts the request as running; false when the gateway is full.
    func enter() -> Bool {
        let count = gateway.load.inFlight.wrappingAdd(1, ordering: .relaxed).newValue
        gateway.load.served.wrappingAdd(1, ordering: .relaxed)
        isInFlight = true
        return count <= gateway.settings.server.maxInFlight
    }

    /// When it came.
    var start: Instant { marks.arrival }

    /// Reads the body; how long the client takes for it is not the gateway's doing.
    func readBody() async throws(GatewayError) -> [UInt8] {
        let start = gateway.time.now
        defer { marks.received(from: start, to: gateway.time.now) }
        return try await exchange.readBody()
    }

    func noteAdmission() { marks.admit(gateway.time.now) }
    func noteWait(_ isWaiting: Bool) { marks.wait(isWaiting, gateway.time.now) }
    func noteContent() { marks.content(gateway.time.now) }

    /// An attempt begins: answers and errors from now on name its provider.
    func noteAttempt(_ target: RouteTarget, _ attempts: Int, _ request: ModelRequest) {
        let upstream = gateway.upstreams.first { $0.name == target.provider }
        let ignored = upstream?.provider.ignoredParameters(of: request) ?? []
        attemptFields = AttemptFields(provider: target.provider, attempts: attempts, ignored: ignored).fields
        // Behind everything that the gateway itself has to do for it.
        marks.begin(gateway.time.now)
    }

    var allFields: [HTTPFields.Field] {
        var fields = HTTPFields()
        addFields(to: &fields)
        return Array(fields)
    }

    private func addFields(to fields: inout HTTPFields) {
        // Every answer has three of them, and may have the time that it took.
        let most = 4 + extraFields.count + RateLimitHeaders.mostFields + attemptFields.count
        fields.reserveCapacity(fields.count + most)
        fields.append("x-request-id", requestID)
        fields.append(contentsOf: extraFields)
        RateLimitHeaders.add(limits, to: &fields)
        fields.append(contentsOf: attemptFields)
        // For an operator who has switched it on: every client sees it.
        guard gateway.settings.server.serverTiming else { return }
        fields.append("server-timing", marks.serverTiming(gateway.time.now))
    }

    func respond(_ answer: consuming HTTPAnswer) async throws(GatewayError) {
        status = answer.head.status
        let isStorable = answer.head.fields["cache-control"] != nil
        addFields(to: &answer.head.fields)
        if !isStorable { answer.head.fields.append("cache-control", "no-store") }
        answer.head.fields.append("x-content-type-options", "nosniff")
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

    /// The request is over: counts it, and writes it down.
    func end() {
        marks.finish(gateway.time.now)
        if brokenBy?.kind == .cancelled { status = 499 }
        if !isOwn { gateway.meter.record(self) }
        if isModelRequest, let state = gateway.state {
            state.usage.note(usageRecord, isKept: gateway.settings.state.recordsRequests)
        }
        logEnd()
    }

    private var usageRecord: RequestRecord {
        let total = marks.total ?? .zero
        var record = RequestRecord(
            requestID: requestID, startedAt: gateway.time.wallNow + (.zero - total), keyID: key?.id ?? "",
            status: status)
        // A name that nobody serves could be any text.
        record.model = brokenBy?.kind == .modelNotFound ? "" : model
        if let attempts = self.record {
            (record.provider, record.accountID) = (attempts.provider, attempts.accountID)
            record.attempts = attempts.attempts
        }
        (record.error, record.isStreamed) = (brokenBy?.kind, isStreamed)
        (record.inputTokens, record.cachedTokens) = (usage.inputTokens, usage.cachedInputTokens)
        record.outputTokens = usage.totalTokens - min(max(usage.inputTokens, 0), usage.totalTokens)
        (record.total, record.firstByte, record.overhead) = (total, marks.untilFirstByte, marks.overhead)
        return record
    }

    /// Successes are steps (debug); what a client did wrong is info; what went wrong behind us is a warning.
    private func logEnd() {
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
            LogField("took_ms", marks.total ?? .zero), LogField("address", clientInfo.address),
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
