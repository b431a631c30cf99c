import PolluxCore

/// Reads the body of a chat completion (OpenAI format notes, section 3).
///
/// The members are walked once, in the order they came; what depends on several of them is decided at the end.
struct ChatRequestDecoder {
    private var request: ModelRequest
    private var messages: MessageListDecoder?
    private var sampling = SamplingDecoder()
    private var reasoning = ReasoningDecoder()
    private var tools = ToolDecoder()
    private let head: HTTPRequestHead

    /// - Throws: `invalidRequest` with the field's path in `param`.
    static func decode(_ incoming: IncomingRequest) throws(GatewayError) -> ModelRequest {
        let body: JSON
        do {
            body = try JSON.parse(incoming.body, .client)
        } catch {
            throw .invalid(
                error.path.isEmpty ? nil : error.path, "the request body is not valid JSON: \(error)",
                code: "invalid_json")
        }
        do {
            var decoder = ChatRequestDecoder(incoming)
            return try decoder.decode(try body.asObject())
        } catch {
            throw error.gatewayError
        }
    }

    private init(_ incoming: IncomingRequest) {
        request = ModelRequest(id: incoming.requestID, model: "")
        request.client = incoming.client
        head = incoming.head
    }

    private mutating func decode(_ body: JSONObject) throws(FieldFault) -> ModelRequest {
        for (key, value) in body.members where !value.isNull {
            do {
                if try !readOwn(key, value), try !sampling.read(key, value), try !reasoning.read(key, value),
                    try !tools.read(key, value)
                {
                    try DeniedFields.check(key)
                    request.extensions["openai.\(key)"] = value
                }
            } catch {
                throw error.inside(key)
            }
        }
        guard let messages else { throw .missing("messages") }
        (request.system, request.turns) = (messages.system, messages.turns)
        request.sampling = sampling.result
        request.reasoning = reasoning.result
        request.conversation = try ConversationFields.read(body, head)
        request.mediaOutput = try MediaOutputField.read(body, head)
        try tools.finish(into: &request)
        return request
    }

    /// - Returns: False when the field belongs to another decoder.
    private mutating func readOwn(_ key: String, _ value: JSON) throws(FieldFault) -> Bool {
        switch key {
        case "model":
            request.model = try value.asName()
            request.resolvedModel = request.model
        case "messages":
            var list = MessageListDecoder()
            try list.read(value)
            messages = list
        case "stream": request.stream = try value.asBool()
        case "stream_options": try readStreamOptions(value)
        case "n": request.candidateCount = try value.asInteger(in: 1...128)
        case "user": request.client.endUserID = try value.asString()
        case "response_format": request.output = try value.asOutputFormat()
        case "modalities": request.modalities = try readModalities(value)
        case ConversationFields.field, MediaOutputField.field: break  // Read at the end, with their headers.
        case "web_search_options": request.hostedTools.append(.webSearch(options: .object(try value.asObject())))
        default: return false
        }
        return true
    }

    private mutating func readStreamOptions(_ value: JSON) throws(FieldFault) {
        if try value.asObject().optional("include_usage", JSON.asBool) == true {
            request.extensions[ChatForm.includeUsage] = true
        }
    }

    private func readModalities(_ value: JSON) throws(FieldFault) -> Set<Modality> {
        let modalities: [Modality] = try value.asArray(of: JSON.asChoice)
        if let index = modalities.firstIndex(of: .audio) {
            throw FieldFault("is 'audio', which chat answers do not carry here; ask for 'text' or 'image'")
                .inside(index)
        }
        return Set(modalities)
    }
}

/// What the encoder must know about the form of the request. Not named `openai.*`, so that no field of a client's body
/// can pass for one and no provider sends one on.
enum ChatForm {
    /// `stream_options.include_usage` was on.
    static let includeUsage = "frontend.include_usage"
    /// The client used `functions`, the form before `tools`.
    static let functions = "frontend.functions"
}
