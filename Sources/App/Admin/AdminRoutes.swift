import PolluxAdmin
import PolluxCore

/// The operator's paths of one gateway: who may come in, and what is answered. Not for clients: no CORS, no client key.
struct AdminRoutes: Sendable {
    private let center: AdminCenter
    private let prefix: String
    private let digest: [UInt8]?
    private let hosts: AllowedHosts?

    init(_ center: AdminCenter, _ settings: GatewaySettings) {
        self.center = center
        prefix = settings.server.mount
        digest = settings.adminKey.map(AdminKeyDigest.of)
        hosts = settings.server.listen.isLoopback ? AllowedHosts(settings.server.allowedHosts) : nil
    }

    /// Whether the path is the operator's. Below a prefix it is that alone, so that nobody finds it without; and where
    /// there is no admin key, there is no such path.
    func claims(_ head: HTTPRequestHead) -> Bool { digest != nil && place(of: head.path) != nil }

    private enum Place {
        /// Decoded segments behind `/admin`.
        case panel(Substring)
        /// `/{prefix}/accounts` and its like: paths of gateways before this one.
        case older(Substring)
    }

    private func place(of path: Substring) -> Place? {
        guard path.hasPrefix(prefix) else { return nil }
        let rest = path.dropFirst(prefix.count)
        if Self.isBelow(rest, "/admin") { return .panel(rest.dropFirst("/admin".count)) }
        if rest == OlderPaths.cookies { return .older(rest) }
        guard !prefix.isEmpty, OlderPaths.names.contains(where: { Self.isBelow(rest, "/" + $0) }) else { return nil }
        return .older(rest)
    }

    private static func isBelow(_ path: Substring, _ base: String) -> Bool {
        guard path.hasPrefix(base) else { return false }
        let next = path.dropFirst(base.count).first
        return next == nil || next == "/"
    }

    /// Serves a request for one of these paths. What is wrong is answered, not thrown.
    ///
    /// - Throws: `cancelled` when the client has gone.
    func serve(_ visit: Visit) async throws(GatewayError) {
        (visit.route, visit.isOwn) = ("/admin", true)
        do throws(AdminError) {
            try await answer(visit)
        } catch {
            if error.code == AdminError(.cancelled).code { throw .cancelled }
            if error.status == 401, wantsPage(visit) {
                return try await visit.respond(HTTPAnswer(status: 302, fields: ["location": prefix + "/admin/"]))
            }
            if error.status == 401 || error.status == 429 { report(error, visit) }
            try await visit.respond(AdminAnswers.answer(error))
        }
    }

    /// A browser is sent to the sign-in page; that page itself is not sent anywhere.
    private func wantsPage(_ visit: Visit) -> Bool {
        let accepted = visit.exchange.head.fields["accept"] ?? ""
        guard accepted.contains("text/html"), visit.exchange.head.method == .get else { return false }
        return visit.exchange.head.path != prefix + "/admin/"
    }

    private func report(_ error: AdminError, _ visit: Visit) {
        visit.log.info(
            "admin sign-in failed",
            [LogField("address", visit.clientInfo.address), LogField("reason", error.code)])
    }

    private func answer(_ visit: Visit) async throws(AdminError) {
        let head = visit.exchange.head
        if let hosts, !hosts.accept(head.fields["host"] ?? "") {
            throw AdminError(
                403, "host_not_allowed",
                "this name is not allowed here while the gateway listens on loopback; add it to server.allowed_hosts")
        }
        let actor = try center.access.admit(head.fields, digest: digest, address: visit.clientInfo.address)
        let caller = AdminCaller(actor: actor, address: visit.clientInfo.address, requestID: visit.requestID)
        // A key in the URL is never read: it would stand in every log on the way here.
        let query = PathDecoder.query(head.query).filter { $0.name != "key" }
        switch place(of: head.path) {
        case .panel(let path):
            let segments = try Self.segments(path)
            guard segments.starts(with: Self.apiSegments) else {
                return try await older(visit, segments, query, caller)
            }
            let request = AdminRequest(
                method: head.method, path: Array(segments.dropFirst(Self.apiSegments.count)), query: query,
                fields: head.fields, caller: caller)
            try await run(visit, request)
        case .older(let path): try await older(visit, try Self.segments(path), query, caller)
        case nil: throw Self.unknown
        }
    }

    private static let apiSegments = ["api", "v1"]
    private static let unknown = AdminError.notFound("there is no such path", code: "not_found")

    private static func segments(_ path: Substring) throws(AdminError) -> [String] {
        if path.isEmpty || path == "/" { return [] }
        do { return try PathDecoder.segments(path) } catch { throw unknown }
    }

    private func older(
        _ visit: Visit, _ path: [String], _ query: [(name: String, value: String)], _ caller: AdminCaller
    ) async throws(AdminError) {
        let head = visit.exchange.head
        let isCookies = path == OlderPaths.cookies.split(separator: "/").map(String.init)
        guard let first = path.first, isCookies || OlderPaths.names.contains(first) else { throw Self.unknown }
        let hasBody = head.method == .put || head.method == .post
        let body = hasBody ? try await body(visit, limit: isCookies ? 1 << 16 : 16 << 20) : []
        let request = OlderPaths.Request(
            method: head.method, path: path, query: query, body: body, caller: caller,
            secondKey: head.fields["x-admin-key"])
        let paths = center.olderPaths
        let result = await withTaskExecutorPreference(center.worker) { await Self.result(paths, request) }
        let (status, json) = try result.get()
        try await asking { () throws(GatewayError) in
            try await visit.respond(AdminAnswers.answer(status, AdminReply.json(json)))
        }
    }

    private static func result(
        _ paths: OlderPaths, _ request: OlderPaths.Request
    ) async -> Result<(status: Int, json: JSON), AdminError> {
        do throws(AdminError) { return .success(try await paths.answer(request)) } catch { return .failure(error) }
    }

    /// Reads the body on the loop, does the work off it.
    private func run(_ visit: Visit, _ request: AdminRequest) async throws(AdminError) {
        let call = try center.api.prepare(request)
        let body = try await body(visit, limit: max(call.bodyLimit, 1 << 16))
        let result = await withTaskExecutorPreference(center.worker) { await Self.result(center.api, call, body) }
        let reply = try result.get()
        guard case .events(let listener) = reply.content else {
            return try await asking { () throws(GatewayError) in
                try await visit.respond(AdminAnswers.answer(call.operation.status, reply))
            }
        }
        try await asking { () throws(GatewayError) in try await stream(visit, listener) }
    }

    private func body(_ visit: Visit, limit: Int) async throws(AdminError) -> [UInt8] {
        let tooLarge = AdminError(413, "request_too_large", "the body is larger than this operation takes")
        if let length = visit.exchange.declaredBodyLength, length > limit { throw tooLarge }
        let body = try await asking { () throws(GatewayError) in try await visit.exchange.readBody() }
        if body.count > limit { throw tooLarge }
        return body
    }

    /// Async, so that it runs on the executor that the caller prefers.
    private static func result(
        _ api: AdminAPI, _ call: AdminAPI.Call, _ body: [UInt8]
    ) async -> Result<AdminReply, AdminError> {
        do throws(AdminError) { return .success(try await api.run(call, body: body)) } catch { return .failure(error) }
    }

    private static let keepAlive = Array(": still here\n\n".utf8)

    private func stream(_ visit: Visit, _ listener: EventListener) async throws(GatewayError) {
        defer { listener.close() }
        visit.status = 200
        let fields: HTTPFields = [
            "content-type": "text/event-stream", "cache-control": "no-store", "x-content-type-options": "nosniff",
            "x-request-id": visit.requestID,
        ]
        guard visit.exchange.head.method != .head else {
            return try await visit.respond(HTTPAnswer(status: 200, fields: ["content-type": "text/event-stream"]))
        }
        try await visit.exchange.startStream(
            HTTPResponseHead(status: 200, fields: fields), firstBytes: Array(": listening\n\n".utf8))
        visit.exchange.keepAlive(Self.keepAlive, every: .seconds(15))
        while let bytes = await listener.next() { try await visit.exchange.write(bytes) }
        // Cut off, or the gateway ends: the listener sees that something is missing.
        if Task.isCancelled { throw .cancelled }
        visit.exchange.abortStream()
    }
}

/// Answers of the admin API on the wire.
enum AdminAnswers {
    static func answer(_ status: Int, _ reply: AdminReply) -> HTTPAnswer {
        var fields = reply.fields
        switch reply.content {
        case .json(let json):
            fields.append("content-type", "application/json")
            return HTTPAnswer(status: status, fields: fields, body: json.bytes())
        case .text(let text):
            fields.append("content-type", "text/plain; charset=utf-8")
            return HTTPAnswer(status: status, fields: fields, body: Array(text.utf8))
        case .nothing, .events: return HTTPAnswer(status: status, fields: fields)
        }
    }

    static func answer(_ error: AdminError) -> HTTPAnswer {
        var fields: HTTPFields = ["content-type": "application/json"]
        if error.status == 401 { fields.append("www-authenticate", "Bearer") }
        if !error.allowed.isEmpty {
            fields.append("allow", error.allowed.map(\.rawValue).joined(separator: ", "))
        }
        // Every 429 names a time, also one whose cause does not.
        if let wait = error.retryAfter ?? (error.status == 429 ? RetryFields.usualWait : nil) {
            fields.append("retry-after", String(max(1, wait.secondsRoundedUp)))
        }
        return HTTPAnswer(status: error.status, fields: fields, body: error.json.bytes())
    }
}

/// Names under which a gateway on loopback is the operator's: a page of another site that its name server points here
/// is not (W-5).
struct AllowedHosts: Sendable {
    private let names: Set<String>

    init(_ more: [String]) { names = Set(["localhost", "127.0.0.1", "[::1]"] + more.map { $0.lowercased() }) }

    /// - Parameter host: The field `Host`, with or without a port.
    func accept(_ host: String) -> Bool {
        let host = host.lowercased()
        if names.contains(host) { return true }
        guard let colon = host.lastIndex(of: ":"), host[host.index(after: colon)...].allSatisfy(\.isNumber) else {
            return false
        }
        return names.contains(String(host[..<colon]))
    }
}
