import PolluxCore
import PolluxFrontends

/// Serves the HTTP requests of clients: who asks, what for, and the answer in the client's own format.
final class GatewayHandler: HTTPRequestHandler {
    private let gateway: Gateway
    private let worker: any TaskExecutor
    private let cors: CORSPolicy
    private let health: HealthRoutes
    private let admin: AdminRoutes?
    private let limits: RequestLimits
    private let metrics: MetricsRoute
    private let older: OlderRoutes
    private let media: MediaRoute

    /// Bodies above this are decoded and encoded off the loop.
    private static let bodyForWorker = 256 << 10

    /// - Parameters:
    ///   - worker: Runs what takes too long for a loop.
    ///   - admin: The operator's API; `nil` has none.
    init(_ gateway: Gateway, worker: any TaskExecutor, admin: AdminCenter? = nil) {
        (self.gateway, self.worker) = (gateway, worker)
        cors = CORSPolicy(gateway.settings.cors, log: gateway.log)
        health = HealthRoutes(gateway)
        self.admin = admin.map { AdminRoutes($0, gateway.settings) }
        limits = RequestLimits(gateway: gateway, worker: worker)
        metrics = MetricsRoute(gateway)
        older = OlderRoutes(gateway)
        media = MediaRoute(gateway)
    }

    func handle(_ exchange: any HTTPExchange) async {
        let visit = Visit(exchange, gateway)
        do {
            try await serve(visit)
        } catch {
            await fail(visit, error)
        }
        visit.end()
    }

    func answer(for error: GatewayError) -> HTTPAnswer {
        let requestID = Visit.makeRequestID(gateway)
        gateway.log.debug(
            "request refused", [LogField("error", error.kind.rawValue), LogField("message", error.message)])
        gateway.meter.recordRefusal(error)
        return PlainErrors.answer(error, requestID: requestID)
    }
}

// MARK: - One request

extension GatewayHandler {
    private func serve(_ visit: Visit) async throws(GatewayError) {
        if let answer = health.answer(visit.exchange.head) {
            visit.isOwn = true
            return try await visit.respond(answer)
        }
        if metrics.isAsked(visit.exchange.head) {
            visit.isOwn = true
            return try await visit.respond(try await metrics.answer(visit.exchange, worker))
        }
        if let admin, admin.claims(visit.exchange.head) { return try await admin.serve(visit) }
        if let fields = cors.fields(for: visit.exchange.head) { visit.extraFields += fields }
        if let name = media.name(in: visit.exchange.head) { return try await serve(visit, stored: name) }
        let match = try gateway.routes.match(visit.exchange.head)
        if visit.exchange.head.method == .options { return try await answerOptions(visit, match) }
        if !match.isRoute, let path = older.path(visit.exchange.head) { return try await serve(visit, path) }
        switch match {
        case .route(let frontend, let route, let variables):
            visit.frontend = frontend
            visit.route = route.template
            try await serve(visit, frontend, route, variables)
        case .wrongMethod(let frontend, let allowed, let below):
            visit.frontend = frontend
            _ = try authenticate(visit, frontend)
            if let refusal = frontend.refusal(of: visit.exchange.head.method, at: below) { throw refusal }
            visit.extraFields.append(.init(name: "allow", value: Self.allow(allowed)))
            throw GatewayError(
                .methodNotAllowed, .request, "this path does not take \(visit.exchange.head.method.rawValue)")
        case .unknownBelow(let frontend, let below):
            visit.frontend = frontend
            _ = try authenticate(visit, frontend)
            throw frontend.refusal(of: visit.exchange.head.method, at: below)
                ?? GatewayError(.routeNotFound, .request, "this gateway has no such path")
        case .unknown:
            throw GatewayError(.routeNotFound, .request, "this gateway has no such path")
        }
    }

    private func serve(_ visit: Visit, stored name: Substring) async throws(GatewayError) {
        (visit.isOwn, visit.route) = (true, "/\(MediaLinks.segment)/{name}")
        guard visit.exchange.head.method == .options else { return try await media.serve(name, visit) }
        visit.extraFields += cors.preflightFields(for: visit.exchange.head, allowed: MediaRoute.methods)
        try await visit.respond(HTTPAnswer(status: 204, fields: ["allow": MediaRoute.methods]))
    }

    /// What no frontend has; two of the paths are for clients with a key.
    private func serve(_ visit: Visit, _ path: OlderRoutes.Path) async throws(GatewayError) {
        visit.route = "\(path)"
        if path.needsKey {
            visit.key = try authenticate(visit, takesQueryKey: false, PathDecoder.query(visit.exchange.head.query))
        }
        try await visit.respond(await older.answer(path, visit))
    }

    private func serve(
        _ visit: Visit, _ frontend: any Frontend, _ route: Route, _ variables: [String: String]
    ) async throws(GatewayError) {
        let query = PathDecoder.query(visit.exchange.head.query)
        visit.key = try authenticate(visit, frontend, query)
        guard visit.enter() else {
            throw GatewayError(
                .overloaded, .request, "the gateway is at its limit of requests", retryAfter: .seconds(1))
        }
        var client = visit.clientInfo
        client.keyID = visit.key?.id ?? ""
        visit.isModelRequest = route.method == .post
        let body = route.method == .get ? [] : try await visit.readBody()
        let incoming = IncomingRequest(
            requestID: visit.requestID, route: route, variables: variables, query: query.filter { $0.name != "key" },
            head: visit.exchange.head, body: body, client: client, receivedAt: visit.start)
        switch try await decode(incoming, frontend) {
        case .generate(let request):
            try await generate(visit, frontend, request, isLarge: body.count > Self.bodyForWorker)
        case .countTokens(let request):
            visit.isModelRequest = false
            visit.model = request.model
            try allow(request.model, visit)
            if gateway.pipeline.targets(for: request.model).isEmpty {
                throw gateway.pipeline.unknownModel(request.model)
            }
            try await visit.respond(frontend.encode(tokens: TokenCount(of: request), for: request, visit.reply))
        case .listModels(let page):
            let models = gateway.pipeline.models.filter { visit.key?.mayUse($0.id) ?? true }
            try await visit.respond(frontend.encode(models: models, page: page, visit.reply))
        case .getModel(let id):
            guard let known = gateway.pipeline.model(named: id), visit.key?.mayUse(id) ?? true else {
                throw gateway.pipeline.unknownModel(id)
            }
            try await visit.respond(frontend.encode(model: known, visit.reply))
        }
    }

    private func generate(
        _ visit: Visit, _ frontend: any Frontend, _ asked: ModelRequest, isLarge: Bool
    ) async throws(GatewayError) {
        var request = try gateway.defaultModels.applied(to: asked, gateway.pipeline)
        try allow(request.model, visit)
        let deadline = try Deadlines.deadline(of: request, gateway, visit.exchange.head, start: visit.start)
        request.deadline = deadline
        visit.exchange.expire(at: deadline)
        visit.model = request.model
        visit.isStreamed = request.stream
        try await limits.admit(visit, request, isLarge: isLarge)
        if request.stream { return try await stream(visit, frontend, request) }
        let sink = WholeAnswerSink()
        try await run(visit, request, into: delivery(to: sink, frontend, request, visit))
        try await visit.respond(await encode(sink.response, request, frontend, visit.reply))
    }

    private func allow(_ model: String, _ visit: Visit) throws(GatewayError) {
        guard let key = visit.key, !key.mayUse(model) else { return }
        throw GatewayError(.permission, .request, "this API key may not use the model \"\(model)\"", param: "model")
    }

    private func stream(_ visit: Visit, _ frontend: any Frontend, _ request: ModelRequest) async throws(GatewayError) {
        let reply = visit.reply
        let sink = StreamingSink(visit.exchange, extraFields: { visit.allFields }) {
            frontend.makeEncoder(for: request, reply)
        }
        visit.status = 200
        do {
            try await run(visit, request, into: delivery(to: sink, frontend, request, visit))
            try await sink.finish(after: nil)
        } catch {
            let error = visit.explain(error)
            guard sink.isCommitted, error.kind != .cancelled else { throw error }
            visit.brokenBy = error
            try await sink.finish(after: error)
        }
    }

    /// What models make goes to the client in the form that it takes.
    private func delivery(
        to sink: any AnswerSink, _ frontend: any Frontend, _ request: ModelRequest, _ visit: Visit
    ) -> MediaDelivery {
        let settings = gateway.settings
        let form = MediaForm(
            asked: request.mediaOutput, preference: frontend.mediaPreference(for: request),
            output: settings.media.output, videoOutput: settings.media.videoOutput)
        return MediaDelivery(
            sink, form, gateway.media, address: { PublicAddress(settings.server).base(for: visit.exchange) },
            draft: MediaDraft(owner: request.client.keyID, model: request.model), time: gateway.time, log: visit.log)
    }

    /// The attempts are noted on failure too.
    private func run(_ visit: Visit, _ request: ModelRequest, into sink: any AnswerSink) async throws(GatewayError) {
        visit.noteAdmission()
        if mayExplain(visit) {
            let value = gateway.pipeline.explain(request).headerValue()
            visit.extraFields.append(.init(name: "x-pollux-explain-result", value: value))
        }
        let watched = WatchedSink(sink, visit, request)
        let outcome = await gateway.pipeline.run(request, into: watched, log: visit.log)
        visit.record = outcome.record
        visit.settleLimits(watched.meter, wasDelivered: outcome.error == nil || sink.isCommitted)
        if let error = outcome.error { throw error }
    }

    /// Who asks for it must be allowed to: the answer names accounts. Where nobody needs a key, only on this machine.
    private func mayExplain(_ visit: Visit) -> Bool {
        guard visit.exchange.head.fields["x-pollux-explain"] == "1" else { return false }
        if let key = visit.key { return key.mayExplain }
        return gateway.settings.auth.clients == .open && gateway.settings.server.listen.isLoopback
    }

    private func decode(_ incoming: IncomingRequest, _ frontend: any Frontend) async throws(GatewayError) -> GatewayCall
    {
        guard incoming.body.count > Self.bodyForWorker else { return try frontend.decode(incoming) }
        return try await withTaskExecutorPreference(worker) {
            await Self.result { () throws(GatewayError) in try frontend.decode(incoming) }
        }.get()
    }

    private func encode(
        _ response: ModelResponse, _ request: ModelRequest, _ frontend: any Frontend, _ reply: ReplyContext
    ) async -> HTTPAnswer {
        guard response.weight > Self.bodyForWorker else { return frontend.encode(response, for: request, reply) }
        return await withTaskExecutorPreference(worker) { frontend.encode(response, for: request, reply) }
    }

    /// Async, so that it runs on the executor that the caller prefers.
    private static func result<Value: Sendable>(
        _ body: @Sendable () throws(GatewayError) -> Value
    ) async -> Result<Value, GatewayError> {
        do { return .success(try body()) } catch { return .failure(error) }
    }
}

// MARK: - Refusals

extension GatewayHandler {
    private func authenticate(
        _ visit: Visit, _ frontend: any Frontend, _ query: [(name: String, value: String)]? = nil
    ) throws(GatewayError) -> ClientKey? {
        try authenticate(
            visit, takesQueryKey: frontend.takesQueryKey, query ?? PathDecoder.query(visit.exchange.head.query))
    }

    private func authenticate(
        _ visit: Visit, takesQueryKey: Bool, _ query: [(name: String, value: String)]
    ) throws(GatewayError) -> ClientKey? {
        do {
            return try gateway.authenticator.authenticate(
                visit.exchange.head, query: query, takesQueryKey: takesQueryKey, address: visit.clientInfo.address)
        } catch {
            gateway.log.info(
                "sign-in failed",
                [
                    LogField("request", visit.requestID), LogField("address", visit.clientInfo.address),
                    LogField("reason", error.kind.rawValue),
                ])
            throw error
        }
    }

    private func answerOptions(_ visit: Visit, _ match: RouteTable.Match) async throws(GatewayError) {
        var allowed: [HTTPMethod] = []
        switch match {
        case .route(_, let route, _): allowed = [route.method]
        case .wrongMethod(_, let methods, _): allowed = methods
        case .unknownBelow, .unknown: throw GatewayError(.routeNotFound, .request, "this gateway has no such path")
        }
        visit.extraFields += cors.preflightFields(for: visit.exchange.head, allowed: Self.allow(allowed))
        try await visit.respond(HTTPAnswer(status: 204, fields: ["allow": Self.allow(allowed)]))
    }

    private func fail(_ visit: Visit, _ error: GatewayError) async {
        let error = visit.explain(error)
        visit.brokenBy = visit.brokenBy ?? error
        guard !visit.exchange.isCommitted, error.kind != .cancelled else {
            visit.exchange.abortStream()
            return
        }
        let answer = visit.frontend?.encode(error: error, visit.reply) ?? StandardFrontends.answer(for: error)
        do { try await visit.respond(RetryFields.adding(to: answer, error)) } catch { visit.brokenBy = error }
    }

    private static func allow(_ methods: [HTTPMethod]) -> String {
        var names = methods.map(\.rawValue)
        if names.contains("GET") { names.append("HEAD") }
        names.append("OPTIONS")
        return names.reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }.joined(separator: ", ")
    }
}
