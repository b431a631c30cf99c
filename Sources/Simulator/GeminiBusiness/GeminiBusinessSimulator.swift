import PolluxCore
import Synchronization

/// Gemini Business on loopback: the sign-in host, the accounts host and the chat API under one origin.
///
/// Source: Gemini Business protocol notes; section 11 is the contract. The wire format is written here a second time,
/// apart from the provider, so that each checks the other.
final class GeminiBusinessSimulator: SimulatedService {
    let options: SimulatorOptions
    private let state: Mutex<BusinessState>

    init(_ options: SimulatorOptions) {
        self.options = options
        state = Mutex(BusinessState(accounts: options.accounts, seed: options.seed))
    }

    func withState<Result: Sendable>(_ body: (inout sending BusinessState) -> sending Result) -> Result {
        state.withLock(body)
    }

    func operation(of request: SimulatedRequest) -> String {
        if request.path.hasSuffix(":downloadFile") { return "downloadFile" }
        return String(request.path.split(separator: "/").last ?? "")
    }

    func serve(_ call: SimulatedCall) async throws(GatewayError) {
        let reply: BusinessReply
        do throws(GoogleError) {
            reply = try self.reply(to: call)
        } catch {
            reply = .refusal(error)
        }
        try await reply.send(over: call, options)
    }

    let controlPaths = ["GET /__sim/accounts", "POST /__sim/accounts"]

    func controlAnswer(to request: SimulatedRequest) throws(GatewayError) -> JSON? {
        guard request.path == "/__sim/accounts" else { return nil }
        if request.isPost {
            let added = try request.parsedItems().map { (json) throws(GatewayError) in try BusinessAccount(json) }
            withState { state in added.forEach { state.put($0) } }
        }
        return .array(withState { $0.accounts }.map(\.json))
    }

    func reset() { withState { $0.reset() } }

    func errorBody(status: Int, message: String) -> JSON { GoogleError(code: status, message: message).json }

    private func reply(to call: SimulatedCall) throws(GoogleError) -> BusinessReply {
        switch call.request.path {
        case SignInPath.token, SignInPath.refresh, SignInPath.setCookie, SignInPath.sessions:
            try requireMethod(.get, call.request)
            return try signInReply(to: call)
        case let path where path.hasPrefix(WidgetMethod.path):
            try requireMethod(.post, call.request)
            return try widgetReply(to: call)
        case let path where path.hasSuffix(":downloadFile"):
            try requireMethod(.get, call.request)
            return try downloadReply(to: call)
        case let path:
            throw .notFound("The requested URL \(path) was not found on this server.")
        }
    }

    private func requireMethod(_ method: HTTPMethod, _ request: SimulatedRequest) throws(GoogleError) {
        guard request.head.method == method else {
            throw GoogleError(code: 405, message: "use \(method.rawValue) for \(request.path)")
        }
    }
}

extension GeminiBusinessSimulator {
    /// The account whose key signed the request's token; noted in the journal.
    func authenticated(_ call: SimulatedCall) throws(GoogleError) -> BusinessAccount {
        guard let token = call.request.bearerToken else {
            throw .unauthenticated("the Authorization header with a bearer token is missing")
        }
        let now = Int(call.control.time.wallNow.seconds)
        let csesidx = try TokenCheck.account(of: token, now: now) { id in withState { $0.key(id) } }
        guard let account = withState({ $0.account(csesidx) }) else {
            throw .unauthenticated("the account of this token is gone")
        }
        call.note { $0.account = csesidx }
        guard !account.isExpired else { throw .unauthenticated("the session of this token has expired") }
        return account
    }

    /// What an ordered fault makes of this request, if there is one for it. Directives that a fault brings without a
    /// status are handed back for the answer.
    func orderedFault(
        _ call: SimulatedCall, account: String, refusal: (Int) -> HTTPAnswer
    ) -> (reply: BusinessReply?, directives: Directives) {
        let rule = call.control.takeFault(call.request, account: account, operation: operation(of: call.request))
        guard let rule else { return (nil, Directives()) }
        let directives = Directives(in: rule.directives)
        guard let status = rule.status else { return (nil, directives) }
        if rule.isInBand {
            let element = rule.body ?? GoogleError.usual(status).json
            return (.stream([element], verdict: "fault: \(status) in band"), directives)
        }
        var answer = rule.body.map { HTTPAnswer.google($0, status: status) } ?? refusal(status)
        if let seconds = rule.retryAfter { answer.head.fields.append("retry-after", String(seconds)) }
        return (.whole(answer, verdict: "fault: \(status)"), directives)
    }
}

extension HTTPAnswer {
    /// An error over many lines, as Google prints it.
    static func google(_ error: GoogleError) -> HTTPAnswer { .google(error.json, status: error.code) }

    static func google(_ json: JSON, status: Int) -> HTTPAnswer {
        HTTPAnswer(
            status: status, fields: ["content-type": "application/json; charset=UTF-8"], body: PrettyJSON.bytes(json))
    }
}
