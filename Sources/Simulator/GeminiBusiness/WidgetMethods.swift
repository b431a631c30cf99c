import PolluxCore

/// The methods of the chat API (protocol notes, section 4).
enum WidgetMethod: String {
    case createSession = "widgetCreateSession"
    case streamAssist = "widgetStreamAssist"
    case addContextFile = "widgetAddContextFile"
    case listFiles = "widgetListSessionFileMetadata"
    case listSessions = "widgetListSessions"
    case getSession = "widgetGetSession"
    case deleteSession = "widgetDeleteSession"

    static let path = "/v1alpha/locations/global/"

    /// The member of the body that holds the method's own arguments.
    var requestMember: String {
        switch self {
        case .createSession: "createSessionRequest"
        case .streamAssist: "streamAssistRequest"
        case .addContextFile: "addContextFileRequest"
        case .listFiles: "listSessionFileMetadataRequest"
        case .listSessions: "listSessionsRequest"
        case .getSession: "getSessionRequest"
        case .deleteSession: "deleteSessionRequest"
        }
    }
}

/// A request of the chat API that passed the checks that all methods share.
struct WidgetCall: Sendable {
    let account: BusinessAccount
    /// The method's own member of the body.
    let arguments: JSON
    /// Marks that an ordered fault brought along.
    let directives: Directives
    let call: SimulatedCall

    var now: WallTime { call.control.time.wallNow }

    /// A member that must be a string.
    func text(_ name: String) throws(GoogleError) -> String {
        guard let text = arguments[name]?.string else { throw .invalidArgument("\(name) must be a string") }
        return text
    }

    /// A member that may be missing, else must be a string.
    func optionalText(_ name: String) throws(GoogleError) -> String? {
        guard let value = arguments[name], !value.isNull else { return nil }
        guard let text = value.string else { throw .invalidArgument("\(name) must be a string") }
        return text
    }
}

extension GeminiBusinessSimulator {
    func widgetReply(to call: SimulatedCall) throws(GoogleError) -> BusinessReply {
        guard let method = WidgetMethod(rawValue: operation(of: call.request)),
            call.request.path == WidgetMethod.path + method.rawValue
        else { throw .notFound("Method not found.") }
        let account = try authenticated(call)
        let fault = orderedFault(call, account: account.csesidx) { .google(.usual($0)) }
        if let reply = fault.reply { return reply }
        let arguments = try arguments(of: method, account, call.request)
        let widget = WidgetCall(account: account, arguments: arguments, directives: fault.directives, call: call)
        switch method {
        case .createSession: return .json(try createSession(widget))
        case .streamAssist: return try streamAssist(widget)
        case .addContextFile: return .json(try addContextFile(widget))
        case .listFiles: return .json(try listFiles(widget))
        case .listSessions: return .json(try listSessions(widget))
        case .getSession: return .json(try getSession(widget))
        case .deleteSession: return .json(try deleteSession(widget))
        }
    }

    /// The session that a request names; 404 when it is not one of this account.
    func session(_ name: String, _ widget: WidgetCall) throws(GoogleError) -> BusinessSession {
        guard let session = withState({ $0.session(named: name, of: widget.account.csesidx) }) else {
            throw .notFound("Session not found: \(name)")
        }
        return session
    }

    private func arguments(
        of method: WidgetMethod, _ account: BusinessAccount, _ request: SimulatedRequest
    ) throws(GoogleError) -> JSON {
        let body: JSON
        do throws(JSONError) { body = try JSON.parse(request.body) } catch {
            throw .invalidArgument("Invalid JSON payload received. \(error.description)")
        }
        guard body["configId"]?.string == account.configID else {
            throw .unauthenticated("the configId is not this account's")
        }
        guard body["additionalParams"]?["token"]?.string == "-" else {
            throw .invalidArgument("additionalParams.token must be \"-\"")
        }
        guard let arguments = body[method.requestMember], arguments.object != nil else {
            throw .invalidArgument("\(method.rawValue) needs the member \(method.requestMember), an object")
        }
        return arguments
    }
}
