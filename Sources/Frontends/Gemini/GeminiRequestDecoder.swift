import PolluxCore

/// Reads the body of a generation, or of a count of tokens (Gemini format notes, section 3.1).
struct GeminiRequestDecoder {
    private var request: ModelRequest
    private var contents = ContentsDecoder()
    private var config = GenerationConfigDecoder()
    private var tools: GeminiToolDecoder
    private var hasContents = false
    private var ignored = IgnoredFields()
    private let head: HTTPRequestHead

    /// - Parameter log: Told which fields were passed over.
    /// - Throws: `invalidRequest` with the field's path in `param`.
    static func decode(
        _ incoming: IncomingRequest, _ settings: GeminiFrontendSettings, _ log: Logger
    ) throws(GatewayError) -> ModelRequest {
        let body = try parse(incoming)
        do {
            return try decode(try body.asObject(), incoming, settings, log)
        } catch {
            throw error.gatewayError
        }
    }

    /// `{generateContentRequest: {…}}`, or its members themselves.
    static func decodeCount(
        _ incoming: IncomingRequest, _ settings: GeminiFrontendSettings, _ log: Logger
    ) throws(GatewayError) -> ModelRequest {
        let body = try parse(incoming)
        do throws(FieldFault) {
            let outer = try body.asObject()
            let wrapped = outer.members.first {
                GeminiName.camel($0.key) == "generateContentRequest" && !$0.value.isNull
            }
            guard let wrapped else { return try decode(outer, incoming, settings, log) }
            do throws(FieldFault) {
                return try decode(try wrapped.value.asObject(), incoming, settings, log)
            } catch {
                throw error.inside(wrapped.key)
            }
        } catch {
            throw error.gatewayError
        }
    }

    private static func parse(_ incoming: IncomingRequest) throws(GatewayError) -> JSON {
        do {
            return try JSON.parse(incoming.body, .client)
        } catch {
            throw .invalid(
                error.path.isEmpty ? nil : error.path, "the request body is not valid JSON: \(error)",
                code: "invalid_json")
        }
    }

    private static func decode(
        _ body: JSONObject, _ incoming: IncomingRequest, _ settings: GeminiFrontendSettings, _ log: Logger
    ) throws(FieldFault) -> ModelRequest {
        var decoder = try GeminiRequestDecoder(incoming, settings)
        let request = try decoder.decode(body)
        let ignored = decoder.ignored.names
        if !ignored.isEmpty {
            log.debug(
                "unknown fields ignored",
                [LogField("request", incoming.requestID), LogField("fields", ignored.joined(separator: ", "))])
        }
        return request
    }

    private init(_ incoming: IncomingRequest, _ settings: GeminiFrontendSettings) throws(FieldFault) {
        do {
            request = ModelRequest(
                id: incoming.requestID, model: try JSON.string(incoming.variables["id"] ?? "").asName())
        } catch {
            throw error.inside("model")
        }
        request.client = incoming.client
        head = incoming.head
        request.deadline = GeminiDeadline.read(incoming)
        tools = GeminiToolDecoder(ignoring: settings.ignoredTools)
    }

    private mutating func decode(_ body: JSONObject) throws(FieldFault) -> ModelRequest {
        try body.forEachField { (name, value) throws(FieldFault) in try self.read(name, value) }
        guard hasContents else { throw .missing("contents") }
        request.turns = contents.turns
        request.conversation = try ConversationFields.read(body, head)
        request.mediaOutput = try MediaOutputField.read(body, head)
        try config.finish(into: &request)
        try tools.finish(into: &request)
        ignored.add(contents.ignored)
        ignored.add(config.ignored)
        return request
    }

    private mutating func read(_ name: String, _ value: JSON) throws(FieldFault) {
        switch name {
        case "contents":
            try contents.read(value)
            hasContents = true
        case "systemInstruction": request.system = try contents.readSystem(value)
        case "generationConfig": try config.read(try value.asObject())
        case "tools": try tools.readTools(value)
        case "toolConfig": try tools.readConfig(try value.asObject())
        case "safetySettings": try readSafety(value)
        case "cachedContent":
            throw FieldFault(
                "names a cached content, which is not supported here; send its content in 'contents'",
                code: "unsupported_parameter")
        // The path names the model; the rest says nothing to an upstream of another family.
        case "model", "labels", "serviceTier", "store", "continuationToken": break
        // Our own, read at the end with their headers.
        case "conversationId", "metadata", "mediaOutput": break
        default:
            try DeniedFields.check(name)
            ignored.note(name)
        }
    }

    /// `[{category, threshold}]`, for an upstream of the same family.
    private mutating func readSafety(_ value: JSON) throws(FieldFault) {
        var settings: [JSON] = []
        for (index, element) in value.elements.enumerated() {
            var setting = JSONObject()
            do throws(FieldFault) {
                try element.asObject().forEachField { (name, value) throws(FieldFault) in
                    setting[name] = .string(try value.asString().uppercased())
                }
                for name in ["category", "threshold"] where setting[name] == nil { throw FieldFault.missing(name) }
            } catch {
                throw error.inside(index)
            }
            settings.append(.object(setting))
        }
        request.extensions["gemini.safetySettings"] = .array(settings)
    }
}

/// `X-Server-Timeout`: how many seconds the client waits. What is no such number is passed over, as Google does.
enum GeminiDeadline {
    static func read(_ incoming: IncomingRequest) -> Instant? {
        guard let text = incoming.head.fields["x-server-timeout"], let seconds = Double(text), seconds > 0,
            seconds.isFinite
        else { return nil }
        return incoming.receivedAt + .milliseconds(Int64(min(seconds, 86_400) * 1000))
    }
}
