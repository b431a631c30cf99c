public import PolluxCore

/// Plain text for shells: the body is the prompt, the answer is the text.
///
///     curl --data 'Say hello' "$URL/text/ask/acme-1?system=Be+brief"
///
/// With `stream=1` the answer comes in lines that begin with a mark: `+` more text, `/` a line break in the text,
/// `#` nothing (the gateway waits), `.` the end, `!` the error that broke the answer off.
public struct TextFrontend: Frontend {
    public struct Settings: SettingsReadable {
        public var system: String?

        public init(reading map: inout SettingsMap) {
            system = map.optionalString("system", example: "Answer in plain text.", help: "Put before every prompt.")
        }
    }

    public static let kind: PluginKind = "text"
    public static let defaultPaths = ["/text"]

    private static let ask = Route(.post, "/ask/{model...}")
    private static let models = Route(.get, "/models")
    private static let model = Route(.get, "/models/{model...}")

    private let settings: Settings

    public init(settings: Settings, context: FrontendContext) throws(GatewayError) { self.settings = settings }

    public var routes: [Route] { [Self.ask, Self.models, Self.model] }

    // MARK: - Requests

    public func decode(_ request: IncomingRequest) throws(GatewayError) -> GatewayCall {
        let model = request.variables["model"] ?? ""
        switch request.route {
        case Self.models: return .listModels()
        case Self.model: return .getModel(id: model)
        case Self.ask: return .generate(try generation(model, request))
        default: throw GatewayError(.routeNotFound, .request, "there is no such path; POST the prompt to /ask/MODEL")
        }
    }

    private func generation(_ model: String, _ request: IncomingRequest) throws(GatewayError) -> ModelRequest {
        guard let prompt = String(validating: request.body, as: UTF8.self) else {
            throw .invalid(nil, "the prompt is not UTF-8; convert it, for example with iconv")
        }
        guard !prompt.isEmpty else { throw .invalid(nil, "the prompt is empty; send it as the body") }
        guard !model.isEmpty else { throw .invalid("model", "name a model in the path: /ask/MODEL") }
        var call = ModelRequest(id: request.requestID, model: model)
        call.client = request.client
        call.turns = [Turn(.user, [.text(prompt)])]
        call.system = settings.system.map { [.text($0)] } ?? []
        for (name, value) in request.query {
            switch name {
            case "stream": call.stream = try flag(value)
            case "system": call.system.append(.text(value))
            default: throw .invalid(name, "\(name) is not known here; the options are stream and system")
            }
        }
        return call
    }

    private func flag(_ value: String) throws(GatewayError) -> Bool {
        switch value {
        case "1", "true": true
        case "0", "false": false
        default: throw .invalid("stream", "stream is 1 or 0")
        }
    }

    // MARK: - Answers

    public func makeEncoder(for request: ModelRequest, _ reply: ReplyContext) -> any ResponseEncoder { TextEncoder() }

    public func encode(_ response: ModelResponse, for request: ModelRequest, _ reply: ReplyContext) -> HTTPAnswer {
        if let block = response.promptBlock {
            let why = block.message ?? block.reason
            return encode(error: GatewayError(.blocked, .request, "the prompt was refused: \(why)"), reply)
        }
        let text = (response.candidates.first?.parts ?? []).compactMap { part -> String? in
            switch part.content {
            case .text(let text), .refusal(let text): text
            case .reasoning, .media, .toolCall, .toolResult: nil
            }
        }
        return Self.answer(200, text.joined())
    }

    public func encode(models: [ModelInfo], page: ModelPage, _ reply: ReplyContext) -> HTTPAnswer {
        Self.answer(200, models.map(\.id).joined(separator: "\n"))
    }

    public func encode(model: ModelInfo, _ reply: ReplyContext) -> HTTPAnswer { Self.answer(200, model.id) }

    public func encode(error: GatewayError, _ reply: ReplyContext) -> HTTPAnswer {
        Self.answer(error.httpStatus, "error: \(error.message)")
    }

    private static func answer(_ status: Int, _ text: String) -> HTTPAnswer {
        HTTPAnswer(
            status: status, fields: ["content-type": "text/plain; charset=utf-8"], body: Array((text + "\n").utf8))
    }
}

/// One streamed answer. Nothing follows its last line, whatever is still said to it.
private struct TextEncoder: ResponseEncoder {
    private var hasEnded = false

    var head: HTTPResponseHead {
        HTTPResponseHead(status: 200, fields: ["content-type": "text/plain; charset=utf-8"])
    }

    var keepAlive: [UInt8] { Array("#\n".utf8) }

    /// While nothing is sent yet, a refused prompt is an error with a status of its own.
    func error(insteadOf event: ModelEvent) -> GatewayError? {
        guard case .promptBlocked(let reason, let message) = event else { return nil }
        return GatewayError(.blocked, .request, "the prompt was refused: \(message ?? reason)")
    }

    mutating func encode(_ event: ModelEvent, into bytes: inout [UInt8]) {
        guard !hasEnded else { return }
        switch event {
        case .textDelta(let text), .refusalDelta(let text): write(text, into: &bytes)
        case .promptBlocked(let reason, let message): fail(message ?? reason, into: &bytes)
        case .started, .candidateSelected, .reasoningDelta, .toolCallStarted, .toolCallArgumentsDelta, .signature,
            .media, .citation, .extended, .usage, .heartbeat, .finished, .ended:
            break
        }
    }

    mutating func finish(after error: GatewayError?, into bytes: inout [UInt8]) -> StreamEnd {
        guard !hasEnded else { return .clean }
        if let error { fail(error.message, into: &bytes) } else { bytes += ".\n".utf8 }
        hasEnded = true
        return .clean
    }

    private func write(_ text: String, into bytes: inout [UInt8]) {
        let lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (number, line) in lines.enumerated() {
            if number > 0 { bytes += "/\n".utf8 }
            guard !line.isEmpty else { continue }
            bytes.append(UInt8(ascii: "+"))
            bytes += line
            bytes.append(UInt8(ascii: "\n"))
        }
    }

    private mutating func fail(_ message: String, into bytes: inout [UInt8]) {
        hasEnded = true
        bytes.append(UInt8(ascii: "!"))
        bytes += message.utf8.map { $0 < 0x20 ? 0x20 : $0 }
        bytes.append(UInt8(ascii: "\n"))
    }
}
