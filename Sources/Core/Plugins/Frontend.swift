/// A wire format offered to clients. Pure codec: it never sees a router, an account or a socket.
public protocol Frontend: Sendable {
    associatedtype Settings: SettingsReadable
    static var kind: PluginKind { get }
    /// Where the routes are mounted unless the operator says otherwise: `["/v1"]`.
    static var defaultPaths: [String] { get }
    init(settings: Settings, context: FrontendContext) throws(GatewayError)

    /// The routes below each mount.
    var routes: [Route] { get }
    /// Every place that a configured path stands for, the path itself first: clients write base addresses in more than
    /// one way.
    func mounts(at path: String) -> [FrontendMount]
    /// True when this dialect's own convention is a key in the query (`?key=`).
    var takesQueryKey: Bool { get }
    /// Whether the request bears a mark that only clients of this dialect send. Asked where two frontends have the same
    /// route; without a mark the frontend that owns the path serves it.
    func recognises(_ head: HTTPRequestHead) -> Bool
    /// Why nothing is served at a path below one of its mounts, when there is more to say than 404 or 405.
    ///
    /// - Parameter path: The decoded segments behind the mount.
    func refusal(of method: HTTPMethod, at path: [String]) -> GatewayError?

    /// How this format takes images, sounds and films in the answer to a request.
    func mediaPreference(for request: ModelRequest) -> MediaPreference

    /// - Throws: scope `request`, answered in this frontend's own form.
    func decode(_ request: IncomingRequest) throws(GatewayError) -> GatewayCall
    /// A streamed answer.
    func makeEncoder(for request: ModelRequest, _ reply: ReplyContext) -> any ResponseEncoder
    /// A whole answer.
    func encode(_ response: ModelResponse, for request: ModelRequest, _ reply: ReplyContext) -> HTTPAnswer
    /// - Parameters:
    ///   - models: All that the client may use; the page is cut here.
    func encode(models: [ModelInfo], page: ModelPage, _ reply: ReplyContext) -> HTTPAnswer
    func encode(model: ModelInfo, _ reply: ReplyContext) -> HTTPAnswer
    /// What `GatewayCall.countTokens` found.
    func encode(tokens: TokenCount, for request: ModelRequest, _ reply: ReplyContext) -> HTTPAnswer
    /// An error before the first byte. The gateway adds `Retry-After` and `x-request-id` itself.
    func encode(error: GatewayError, _ reply: ReplyContext) -> HTTPAnswer
}

extension Frontend {
    public func mounts(at path: String) -> [FrontendMount] { [FrontendMount(path, routes)] }
    public var takesQueryKey: Bool { false }
    public func mediaPreference(for request: ModelRequest) -> MediaPreference { MediaPreference() }
    public func recognises(_ head: HTTPRequestHead) -> Bool { false }
    public func refusal(of method: HTTPMethod, at path: [String]) -> GatewayError? { nil }
    /// For formats without such a call, whose `decode` never asks for it.
    public func encode(tokens: TokenCount, for request: ModelRequest, _ reply: ReplyContext) -> HTTPAnswer {
        encode(error: GatewayError(.routeNotFound, .request, "this format has no count of tokens"), reply)
    }
}

/// Turns events into the bytes of one streamed answer.
public protocol ResponseEncoder: Sendable {
    /// Status 200 and the fields of this format.
    var head: HTTPResponseHead { get }
    /// An error that this format tells by a status instead of this event, asked while nothing is committed yet.
    func error(insteadOf event: ModelEvent) -> GatewayError?
    /// Appends the bytes of this event; nothing when the format says nothing about it.
    mutating func encode(_ event: ModelEvent, into bytes: inout [UInt8])
    /// Appends what was held back until its end is known. Called before an error ends the answer, so that it comes
    /// ahead of it.
    mutating func releaseHeld(into bytes: inout [UInt8])
    /// Appends the closing bytes, or the error in this format's own shape when the answer broke off.
    mutating func finish(after error: GatewayError?, into bytes: inout [UInt8]) -> StreamEnd
    /// What may be sent at an event boundary when nothing else is: a comment, white space.
    var keepAlive: [UInt8] { get }
}

extension ResponseEncoder {
    public func error(insteadOf event: ModelEvent) -> GatewayError? { nil }
    public mutating func releaseHeld(into bytes: inout [UInt8]) {}
}

/// How the body ends after the encoder's last bytes.
public enum StreamEnd: Sendable, Equatable {
    case clean
    /// By closing the connection without the final chunk, where only that makes the format's clients notice.
    case abort
}

/// What an answer carries besides the model's words.
public struct ReplyContext: Sendable, Equatable {
    public var requestID: String
    /// When the request arrived.
    public var created: WallTime
    /// The gateway's own id for this answer: 24 letters and digits, unique.
    public var responseID: String

    public init(requestID: String, created: WallTime, responseID: String) {
        (self.requestID, self.created, self.responseID) = (requestID, created, responseID)
    }
}

/// A place where a frontend's routes are found.
public struct FrontendMount: Sendable, Equatable {
    /// Empty or `/segments`.
    public var path: String
    public var routes: [Route]
    /// Every path below belongs to the frontend, served or not. An alias serves its routes only, and leaves the rest to
    /// its owner unless the request is one that the frontend recognises.
    public var ownsUnknownPaths: Bool

    public init(_ path: String, _ routes: [Route], ownsUnknownPaths: Bool = true) {
        (self.path, self.routes, self.ownsUnknownPaths) = (path, routes, ownsUnknownPaths)
    }
}

/// A method and a path template below a mount: `POST /chat/completions`, `GET /models/{id}`.
public struct Route: Sendable, Equatable {
    public var method: HTTPMethod
    /// Segments in braces match one segment, decoded once; `{id...}` matches all that is left, slashes included, and
    /// `{id...}:verb` all that ends so.
    public var template: String

    public init(_ method: HTTPMethod, _ template: String) { (self.method, self.template) = (method, template) }
}

/// A request that was routed to a frontend.
public struct IncomingRequest: Sendable {
    public var requestID: String
    public var route: Route
    /// The template's variables, percent-decoded once.
    public var variables: [String: String]
    /// Query items in order, percent-decoded; the key has been cut.
    public var query: [(name: String, value: String)]
    public var head: HTTPRequestHead
    public var body: [UInt8]
    public var client: ClientInfo
    public var receivedAt: Instant

    public init(
        requestID: String, route: Route, variables: [String: String] = [:], query: [(name: String, value: String)] = [],
        head: HTTPRequestHead, body: [UInt8], client: ClientInfo = ClientInfo(), receivedAt: Instant
    ) {
        (self.requestID, self.route, self.variables, self.query) = (requestID, route, variables, query)
        (self.head, self.body, self.client, self.receivedAt) = (head, body, client, receivedAt)
    }
}

/// What a frontend works with.
public struct FrontendContext: Sendable {
    public let log: Logger
    public init(log: Logger) { self.log = log }
}
