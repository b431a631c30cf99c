import PolluxCore
import PolluxTesting
import Testing

@Suite("The frontend contract finds what is wrong with a frontend")
struct FrontendContractFaultTests {
    private func violations(_ defect: BrokenFrontend.Defect) -> [ContractViolation] {
        let say = Route(.post, "/say")
        return FrontendContract(
            BrokenFrontend.self, settings: ["defect": .string(defect.rawValue)],
            samples: [
                FrontendSample(say, body: #"{"model":"m","text":"hi"}"#),
                FrontendSample(say, body: #"{"model":"m","text":"hi","stream":true}"#, isStreamed: true),
            ]
        ).violations()
    }

    @Test("a frontend that is right has no violation")
    func right() {
        let found = violations(.none)
        #expect(found == [])
    }

    @Test(
        "a defect is found under its rule",
        arguments: [
            (.noRoutes, "routes"), (.success, "errors"), (.tellsDetail, "errors"), (.hidesMessage, "errors"),
            (.rawMessage, "errors"), (.saysLength, "errors"), (.blamesItself, "decoding"),
            (.ignoresStream, "decoding"), (.dropsClient, "decoding"), (.goesOn, "streams"),
            (.finishesTwice, "streams"), (.looksComplete, "streams"), (.keepAliveIsData, "streams"),
            (.noKeepAlive, "streams"), (.rawModels, "models"), (.failsOddAnswers, "answers"),
        ] as [(BrokenFrontend.Defect, String)])
    func defects(_ defect: BrokenFrontend.Defect, _ rule: String) {
        let found = violations(defect)
        let rules = found.map(\.rule)
        #expect(rules.contains(rule), "\(defect) gives \(found)")
    }
}

/// A format of one JSON object in and one out, or of event streams; right in everything but the defect it is given.
struct BrokenFrontend: Frontend {
    enum Defect: String, CaseIterable {
        case none, noRoutes, success, tellsDetail, hidesMessage, rawMessage, saysLength, blamesItself, ignoresStream
        case dropsClient, goesOn, finishesTwice, looksComplete, keepAliveIsData, noKeepAlive, rawModels
        case failsOddAnswers
    }

    struct Settings: SettingsReadable {
        var defect: Defect
        init(reading map: inout SettingsMap) {
            defect = map.choice("defect", default: Defect.none, help: "What is wrong with it.")
        }
    }

    static let kind: PluginKind = "broken"
    static let defaultPaths = ["/broken"]

    private let defect: Defect

    init(settings: Settings, context: FrontendContext) throws(GatewayError) { defect = settings.defect }

    var routes: [Route] { defect == .noRoutes ? [] : [Route(.post, "/say")] }

    func decode(_ request: IncomingRequest) throws(GatewayError) -> GatewayCall {
        let body: JSON
        do {
            body = try JSON.parse(request.body)
        } catch {
            throw defect == .blamesItself
                ? GatewayError(.internalError, .endpoint, "oh") : .invalid(nil, "the body is not JSON")
        }
        guard let model = body["model"]?.string, !model.isEmpty, let text = body["text"]?.string else {
            throw .invalid("text", "model and text are texts")
        }
        var call = ModelRequest(id: request.requestID, model: model)
        call.turns = [Turn(.user, [.text(text)])]
        call.stream = defect != .ignoresStream && body["stream"]?.bool == true
        if defect != .dropsClient { call.client = request.client }
        if defect == .dropsClient { call.client.address = "nobody" }
        return .generate(call)
    }

    func makeEncoder(for request: ModelRequest, _ reply: ReplyContext) -> any ResponseEncoder {
        BrokenEncoder(defect: defect)
    }

    func encode(_ response: ModelResponse, for request: ModelRequest, _ reply: ReplyContext) -> HTTPAnswer {
        let parts = response.candidates.first?.parts ?? []
        let isOdd = defect == .failsOddAnswers && parts.isEmpty
        let text = parts.map { part in if case .text(let text) = part.content { text } else { "" } }.joined()
        return answer(200, isOdd ? "" : (["text": .string(text)] as JSON).text)
    }

    func encode(models: [ModelInfo], page: ModelPage, _ reply: ReplyContext) -> HTTPAnswer {
        let ids = models.map { defect == .rawModels ? "\"\($0.id)\"" : JSON.string($0.id).text }
        return answer(200, "[\(ids.joined(separator: ","))]")
    }

    func encode(model: ModelInfo, _ reply: ReplyContext) -> HTTPAnswer { answer(200, JSON.string(model.id).text) }

    func encode(error: GatewayError, _ reply: ReplyContext) -> HTTPAnswer {
        var text = error.message
        if defect == .tellsDetail { text += error.detail }
        if defect == .hidesMessage { text = "error" }
        let shown = defect == .rawMessage ? "\"\(text)\"" : JSON.string(text).text
        return answer(defect == .success ? 200 : Self.status(of: error.kind), #"{"error":\#(shown)}"#)
    }

    private func answer(_ status: Int, _ body: String) -> HTTPAnswer {
        var answer = HTTPAnswer(
            status: status, fields: ["content-type": "application/json"], body: Array(body.utf8))
        if defect == .saysLength { answer.head.fields.append("content-length", "\(body.utf8.count)") }
        return answer
    }

    private static func status(of kind: GatewayError.Kind) -> Int {
        let name = kind.rawValue
        let isOurs = ["noAccountAvailable", "overloaded", "shuttingDown", "internalError", "upstreamInvalidOutput"]
            .contains(name)
        return isOurs || (name.hasPrefix("upstream") && kind != .upstreamRejected) ? 502 : 400
    }
}

private struct BrokenEncoder: ResponseEncoder {
    let defect: BrokenFrontend.Defect
    private var hasEnded = false

    init(defect: BrokenFrontend.Defect) { self.defect = defect }

    var head: HTTPResponseHead { HTTPResponseHead(status: 200, fields: ["content-type": "text/event-stream"]) }

    var keepAlive: [UInt8] {
        switch defect {
        case .noKeepAlive: []
        case .keepAliveIsData: Array("data: x\n\n".utf8)
        default: Array(": wait\n\n".utf8)
        }
    }

    mutating func encode(_ event: ModelEvent, into bytes: inout [UInt8]) {
        guard !hasEnded || defect == .goesOn, case .textDelta(let text) = event else { return }
        bytes += "data: \(JSON.string(text).text)\n\n".utf8
    }

    mutating func finish(after error: GatewayError?, into bytes: inout [UInt8]) -> StreamEnd {
        guard !hasEnded || defect == .finishesTwice else { return .clean }
        hasEnded = true
        let failure = defect == .looksComplete ? nil : error
        bytes += (failure.map { "event: error\ndata: \(JSON.string($0.message).text)\n\n" } ?? "data: end\n\n").utf8
        return .clean
    }
}
