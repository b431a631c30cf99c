import PolluxCore
import Synchronization

/// The Gemini web app on loopback: its page, its RPCs, uploads, pictures and the rotation of cookies under one origin.
///
/// Source: Gemini web protocol notes; section 15 is the contract. The wire format is written here a second time, apart
/// from the provider, so that each checks the other.
final class GeminiWebSimulator: SimulatedService {
    private let options: SimulatorOptions
    private let state: Mutex<WebState>

    init(_ options: SimulatorOptions) {
        self.options = options
        state = Mutex(WebState(seed: options.seed))
    }

    func withState<Result: Sendable>(_ body: (inout sending WebState) -> sending Result) -> Result {
        state.withLock(body)
    }

    func operation(of request: SimulatedRequest) -> String {
        WebRoute(of: request)?.operation ?? String(request.path.split(separator: "/").last ?? "")
    }

    func serve(_ call: SimulatedCall) async throws(GatewayError) {
        let visit = WebVisit(call, self)
        call.note { $0.account = visit.caller.account }
        let reply: WebReply
        do throws(WebRefusal) {
            reply = if let fault = orderedFault(visit) { fault } else { try self.reply(to: visit) }
        } catch {
            reply = error.reply
        }
        visit.log([("status", .number(JSONNumber(reply.status)))])
        defer { visit.log([("ended", WebRequestLog.seconds(call.control.time.wallNow))]) }
        try await reply.send(over: call, delay: options.chunkDelay)
    }

    let controlPaths = ["GET /__sim/requests?since=N", "POST /__sim/accounts/NAME"]

    func controlAnswer(to request: SimulatedRequest) throws(GatewayError) -> JSON? {
        if request.path == "/__sim/requests", request.head.method == .get {
            let text = request.queryValue("since") ?? "0"
            guard let start = Int(text) else {
                throw .invalid("since", "since must be a whole number, not \"\(text)\"")
            }
            return withState { $0.requests.json(since: start) }
        }
        let prefix = "/__sim/accounts/"
        guard request.path.hasPrefix(prefix), request.isPost else { return nil }
        let name = SimulatedRequest.percentDecoded(request.path.dropFirst(prefix.count))
        guard WebCookies.isName(name) else {
            throw .invalid(nil, "an account's name has letters, digits, \"_\" and \"-\" only, at most 128")
        }
        let changes: JSON
        do { changes = try JSON.parse(request.body) } catch {
            throw .invalid(nil, "the body is not JSON: \(error.message)")
        }
        let outcome: Result<JSON, GatewayError> = withState { state in
            Result { () throws(GatewayError) in
                try state[name].settings.merge(changes)
                return state[name].settings.json
            }
        }
        return try outcome.get()
    }

    func reset() { withState { $0.reset() } }

    func errorBody(status: Int, message: String) -> JSON {
        ["error": ["code": .number(JSONNumber(status)), "message": .string(message)]]
    }

    private func reply(to visit: WebVisit) throws(WebRefusal) -> WebReply {
        guard let route = visit.route else { throw WebRefusal(status: 404, "no such path") }
        guard visit.request.head.method == route.method else { throw WebRefusal(status: 405, "use another method") }
        switch route {
        case .preflight: return preflightReply(to: visit)
        case .page: return try pageReply(to: visit)
        case .rotation: return try rotationReply(to: visit)
        case .batch: return try batchReply(to: visit)
        case .generation: return try turnReply(to: visit)
        case .upload: return try uploadReply(to: visit)
        case .image(let path): return try imageReply(to: visit, path)
        }
    }

    /// What an ordered fault makes of this request. One that brings directives is left for the turn.
    private func orderedFault(_ visit: WebVisit) -> WebReply? {
        guard let route = visit.route, route != .generation else { return nil }
        return visit.takeFault()?.status.map { .page(status: $0, verdict: "fault: \($0)") }
    }
}

/// The paths of the web app (protocol notes, sections 1 and 15.3).
enum WebRoute: Equatable, Sendable {
    case preflight, page, rotation, batch, generation, upload
    case image(WebImagePath)

    /// A second account of the same cookies has `/u/<n>` before its paths.
    init?(of request: SimulatedRequest) {
        var path = Substring(request.path)
        if path.hasPrefix("/u/") {
            let rest = path.dropFirst(3).drop { $0.isASCII && $0.isNumber }
            guard rest.startIndex > path.index(path.startIndex, offsetBy: 3) else { return nil }
            path = rest
        }
        switch path {
        case "/": self = .preflight
        case "/app": self = .page
        case "/RotateCookies": self = .rotation
        case "/_/BardChatUi/data/batchexecute": self = .batch
        case "/_/BardChatUi/data/assistant.lamda.BardFrontendService/StreamGenerate": self = .generation
        case "/upload": self = .upload
        default:
            guard let image = WebImagePath(path) else { return nil }
            self = .image(image)
        }
    }

    var method: HTTPMethod {
        switch self {
        case .preflight, .page, .image: .get
        case .rotation, .batch, .generation, .upload: .post
        }
    }

    /// The name in the journal and in fault rules.
    var operation: String {
        switch self {
        case .preflight: "preflight"
        case .page: "app"
        case .rotation: "RotateCookies"
        case .batch: "batchexecute"
        case .generation: "StreamGenerate"
        case .upload: "upload"
        case .image: "image"
        }
    }
}

/// One request with what is known of it before it is judged.
struct WebVisit: Sendable {
    let call: SimulatedCall
    let service: GeminiWebSimulator
    let route: WebRoute?
    let caller: WebCaller
    private let ticket: WebRequestLog.Ticket

    init(_ call: SimulatedCall, _ service: GeminiWebSimulator) {
        (self.call, self.service, route) = (call, service, WebRoute(of: call.request))
        let (request, cookies, now) = (call.request, WebCookies(of: call.request), call.control.time.wallNow)
        (caller, ticket) = service.withState { state in
            let caller = state.caller(cookies)
            return (caller, state.requests.open(request, account: caller.account, at: now))
        }
    }

    var request: SimulatedRequest { call.request }
    var now: Instant { call.control.time.now }
    var wallNow: WallTime { call.control.time.wallNow }

    /// Adds to this request's entry in the list of requests.
    func log(_ members: [(String, JSON)]) { service.withState { $0.requests.add(ticket, members) } }

    func takeFault() -> FaultRule? {
        call.control.takeFault(request, account: caller.account, operation: route?.operation ?? "")
    }

    /// The settings of the account that the cookies name, good or not.
    var settings: WebAccountSettings { service.withState { $0[caller.named].settings } }
}
