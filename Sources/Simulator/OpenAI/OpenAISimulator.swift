import PolluxCore

/// An OpenAI-compatible upstream on loopback: `GET /v1/models`, `GET /v1/models/{id}`, `POST /v1/chat/completions`.
///
/// It repeats what it is asked (see `ChatAnswer`) and fails in every way of the reliability requirements, section 13,
/// when a prompt or an ordered fault says so.
struct OpenAISimulator: SimulatedService {
    let options: SimulatorOptions

    private enum Reply {
        case whole(HTTPAnswer, verdict: String)
        case fault(HeadFault)
        case chat(ChatQuestion)
    }

    func operation(of request: SimulatedRequest) -> String {
        switch request.path {
        case Self.chatPath: "chat.completions"
        case let path where path == Self.modelsPath || path.hasPrefix(Self.modelsPath + "/"): "models"
        case let path: String(path.dropFirst())
        }
    }

    func serve(_ call: SimulatedCall) async throws(GatewayError) {
        let fields: HTTPFields = ["x-request-id": "req_sim_\(call.number)"]
        let reply: Reply
        do throws(OpenAIError) {
            reply = try self.reply(to: call)
        } catch {
            reply = .whole(.openAI(error), verdict: "refused: \(error.message)")
        }
        switch reply {
        case .whole(var answer, let verdict):
            for field in fields { answer.head.fields.append(field.name, field.value) }
            try await call.answer(answer, verdict: verdict)
        case .fault(let fault): try await fault.play(on: call, fields: fields)
        case .chat(let question): try await answer(question, call, fields)
        }
    }

    let controlPaths: [String] = []

    func controlAnswer(to request: SimulatedRequest) throws(GatewayError) -> JSON? { nil }

    func reset() {}

    func errorBody(status: Int, message: String) -> JSON {
        OpenAIError(status: status, message: message, type: "invalid_request_error").json
    }
}

extension OpenAISimulator {
    private static let chatPath = "/v1/chat/completions"
    private static let modelsPath = "/v1/models"

    private func reply(to call: SimulatedCall) throws(OpenAIError) -> Reply {
        let key = try authenticated(call)
        let request = call.request
        let rule = call.control.takeFault(request, account: key, operation: operation(of: request))
        if let rule, let reply = ordered(rule) { return reply }
        let extra = Directives(in: rule?.directives ?? "")
        switch (request.head.method, request.path) {
        case (.get, Self.modelsPath):
            return .whole(.json(["object": "list", "data": .array(options.models.map(model))]), verdict: "ok")
        case (.get, let path) where path.hasPrefix(Self.modelsPath + "/"):
            let name = SimulatedRequest.percentDecoded(path.dropFirst(Self.modelsPath.count + 1))
            guard options.models.contains(name) else { throw unknownModel(name) }
            return .whole(.json(model(name)), verdict: "ok")
        case (.post, Self.chatPath):
            return try chat(call, extra)
        case (_, Self.chatPath), (_, Self.modelsPath):
            throw OpenAIError(
                status: 405, message: "the method \(request.head.method.rawValue) is not allowed here",
                type: "invalid_request_error", code: "method_not_allowed")
        default:
            throw .notFound("unknown request URL: \(request.path)", code: "unknown_url")
        }
    }

    /// - Returns: The key, or an empty text when none was sent and none is needed.
    private func authenticated(_ call: SimulatedCall) throws(OpenAIError) -> String {
        let key = call.request.bearerToken ?? ""
        let isKnown = options.apiKeys.contains(key)
        guard options.apiKeys.isEmpty || isKnown else { throw .usual(401) }
        // A key that nobody told us to take may be a real one: the journal shows its end only.
        if !key.isEmpty { call.note { $0.account = isKnown ? key : "…\(key.suffix(4))" } }
        return key
    }

    /// What a fault with a status makes of the request; one with directives only leaves it to the answer.
    private func ordered(_ rule: FaultRule) -> Reply? {
        guard let status = rule.status else { return nil }
        let body = rule.body ?? OpenAIError.usual(status).json
        var answer = HTTPAnswer.json(body, status: rule.isInBand ? 200 : status)
        if let seconds = rule.retryAfter { answer.head.fields.append("retry-after", String(seconds)) }
        return .whole(answer, verdict: "fault: \(status)" + (rule.isInBand ? " in band" : ""))
    }

    private func chat(_ call: SimulatedCall, _ extra: Directives) throws(OpenAIError) -> Reply {
        let body: JSON
        do throws(JSONError) { body = try JSON.parse(call.request.body) } catch {
            throw .invalid(nil, "the body is not valid JSON: \(error.description)", code: "invalid_json")
        }
        let question = try ChatQuestion(body, extra: extra)
        guard !options.refusesUnknownModels || options.models.contains(question.model) else {
            throw unknownModel(question.model)
        }
        call.note { $0.directives = question.directives.names }
        return HeadFault(question.directives).map { .fault($0) } ?? .chat(question)
    }

    private func answer(
        _ question: ChatQuestion, _ call: SimulatedCall, _ fields: HTTPFields
    ) async throws(GatewayError) {
        let seed = options.seed &+ UInt64(truncatingIfNeeded: call.number)
        let forms = ChatForms(
            question: question, answer: ChatAnswer(question, seed: seed), id: "chatcmpl-sim\(call.number)",
            created: Int(call.control.time.wallNow.seconds))
        let directives = question.directives
        if directives.has("interim") { call.sendInterim() }
        try await ChatDelivery(
            call: call, forms: forms, directives: directives, delay: options.chunkDelay, fields: fields
        ).send()
    }

    private func model(_ name: String) -> JSON {
        ["id": .string(name), "object": "model", "created": 1_760_000_000, "owned_by": "simulator"]
    }

    private func unknownModel(_ name: String) -> OpenAIError {
        .notFound("The model \(name) does not exist.", code: "model_not_found")
    }
}
