import PolluxCore

/// The smallest wire format: the text of an answer and nothing around it.
struct PlainFrontend: Frontend {
    static let kind: PluginKind = "plain"
    static let defaultPaths = ["/plain"]

    struct Settings: SettingsReadable { init(reading map: inout SettingsMap) {} }

    var name = "plain"
    var routes: [Route] = [Route(.post, "/say"), Route(.get, "/models")]
    var takesQueryKey = false
    /// The field by which it knows its clients.
    var mark: String?

    init(settings: Settings, context: FrontendContext) throws(GatewayError) {}
    init(_ name: String, _ routes: [Route]) { (self.name, self.routes) = (name, routes) }

    func recognises(_ head: HTTPRequestHead) -> Bool { mark.map { head.fields[$0] != nil } ?? false }

    func decode(_ request: IncomingRequest) throws(GatewayError) -> GatewayCall { .listModels() }
    func makeEncoder(for request: ModelRequest, _ reply: ReplyContext) -> any ResponseEncoder { PlainEncoder() }
    func encode(_ response: ModelResponse, for request: ModelRequest, _ reply: ReplyContext) -> HTTPAnswer {
        HTTPAnswer(status: 200)
    }
    func encode(models: [ModelInfo], page: ModelPage, _ reply: ReplyContext) -> HTTPAnswer { HTTPAnswer(status: 200) }
    func encode(model: ModelInfo, _ reply: ReplyContext) -> HTTPAnswer { HTTPAnswer(status: 200) }
    func encode(error: GatewayError, _ reply: ReplyContext) -> HTTPAnswer {
        HTTPAnswer(status: 500, body: Array(error.kind.rawValue.utf8))
    }
}

struct PlainEncoder: ResponseEncoder {
    var endsByAbort = false
    let head = HTTPResponseHead(status: 200, fields: ["content-type": "text/plain"])
    let keepAlive = Array("~".utf8)

    mutating func encode(_ event: ModelEvent, into bytes: inout [UInt8]) {
        switch event {
        case .started: bytes += "[".utf8
        case .textDelta(let text): bytes += text.utf8
        default: break
        }
    }

    mutating func finish(after error: GatewayError?, into bytes: inout [UInt8]) -> StreamEnd {
        bytes += (error.map { "!\($0.kind.rawValue)" } ?? "]").utf8
        return endsByAbort && error != nil ? .abort : .clean
    }
}
