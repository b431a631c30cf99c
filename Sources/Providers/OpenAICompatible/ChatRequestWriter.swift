import PolluxCore

/// Writes a request in the OpenAI format, without a tree in between. Only fields that are known go out, unless the
/// operator wants the others too.
struct ChatRequestWriter {
    let settings: OpenAICompatibleSettings
    let signatures: ClientSignatures

    func body(for request: ModelRequest) -> [UInt8] {
        var writer = JSONWriter(capacity: 1024)
        writer.beginObject()
        writer.member("model", request.resolvedModel)
        writer.key("messages")
        ChatMessageWriter(signatures: signatures).write(request, to: &writer)
        if settings.stream {
            writer.member("stream", true)
            if settings.streamOptions { writer.member("stream_options", ["include_usage": true]) }
        }
        write(request.sampling, to: &writer)
        if request.candidateCount > 1 { writer.member("n", request.candidateCount) }
        writeTools(of: request, to: &writer)
        write(request.output, to: &writer)
        if let effort = Self.effort(request.reasoning) { writer.member("reasoning_effort", effort) }
        if !request.modalities.isEmpty, request.modalities != [.text] {
            writer.member("modalities", .array(request.modalities.map(\.rawValue).sorted().map(JSON.string)))
        }
        for case .webSearch(let options) in request.hostedTools { writer.member("web_search_options", options) }
        if let user = request.client.endUserID { writer.member("user", user) }
        writeExtensions(of: request, to: &writer)
        writer.endObject()
        return writer.bytes
    }

    /// What has no place in this format.
    static func refusal(of request: ModelRequest) -> GatewayError? {
        for case .other(let name, _) in request.hostedTools {
            return GatewayError(
                .unsupported, .request, "this model's upstream has no tool '\(name)'; leave it out", param: "tools")
        }
        let parts = request.system + request.turns.flatMap(\.parts)
        return parts.lazy.compactMap(ChatMessageWriter.refusal).first
    }

    private func write(_ sampling: Sampling, to writer: inout JSONWriter) {
        if let value = sampling.temperature { writer.member("temperature", value) }
        if let value = sampling.topP { writer.member("top_p", value) }
        if let value = sampling.topK { writer.member("top_k", value) }
        if let value = sampling.maxOutputTokens {
            switch settings.tokenLimitField {
            case .maxTokens: writer.member("max_tokens", value)
            case .maxCompletionTokens: writer.member("max_completion_tokens", value)
            }
        }
        if !sampling.stop.isEmpty { writer.member("stop", .array(sampling.stop.map(JSON.string))) }
        if let value = sampling.seed { writer.member("seed", value) }
        if let value = sampling.presencePenalty { writer.member("presence_penalty", value) }
        if let value = sampling.frequencyPenalty { writer.member("frequency_penalty", value) }
        if let value = sampling.logitBias { writer.member("logit_bias", value) }
        if let value = sampling.logprobs { writer.member("logprobs", value) }
        if let value = sampling.topLogprobs { writer.member("top_logprobs", value) }
    }

    // MARK: - Tools

    private func writeTools(of request: ModelRequest, to writer: inout JSONWriter) {
        let tools = Self.allowedTools(of: request)
        guard !tools.isEmpty else { return }
        writer.key("tools")
        writer.beginArray()
        for tool in tools { Self.write(tool, to: &writer) }
        writer.endArray()
        switch request.toolChoice {
        case .auto, .mayCall: break
        case .none: writer.member("tool_choice", "none")
        case .required: writer.member("tool_choice", "required")
        case .mustCall(let names):
            if let name = names.first, names.count == 1 {
                writer.member("tool_choice", ["type": "function", "function": ["name": .string(name)]])
            } else {
                writer.member("tool_choice", "required")
            }
        }
        if let isParallel = request.parallelToolCalls { writer.member("parallel_tool_calls", isParallel) }
    }

    /// A choice among some tools is made by sending only those: few servers know the form for it.
    private static func allowedTools(of request: ModelRequest) -> [ToolSpec] {
        switch request.toolChoice {
        case .mustCall(let names) where names.count > 1: request.tools.filter { names.contains($0.name) }
        case .mayCall(let names): request.tools.filter { names.contains($0.name) }
        default: request.tools
        }
    }

    private static func write(_ tool: ToolSpec, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("type", "function")
        writer.key("function")
        writer.beginObject()
        writer.member("name", tool.name)
        if let description = tool.description { writer.member("description", description) }
        if let schema = tool.schema { writer.member("parameters", schema) }
        if let strict = tool.strict { writer.member("strict", strict) }
        writer.endObject()
        writer.endObject()
    }

    // MARK: - Output, reasoning, the rest

    private func write(_ output: OutputFormat, to writer: inout JSONWriter) {
        switch output {
        case .text: break
        case .json: writer.member("response_format", ["type": "json_object"])
        case .jsonSchema(let name, let schema, let strict):
            writer.member(
                "response_format",
                [
                    "type": "json_schema",
                    "json_schema": ["name": .string(name), "schema": schema, "strict": .bool(strict)],
                ])
        }
    }

    /// A budget in tokens has no field here; it becomes the level that Google's compatible endpoint gives the same
    /// number of tokens (1024, 8192, 24576).
    private static func effort(_ reasoning: Reasoning) -> String? {
        if let level = reasoning.level { return level.rawValue }
        switch reasoning.budget {
        case nil: return nil
        case let budget? where budget < 0: return nil
        case 0: return Reasoning.Level.none.rawValue
        case let budget?: return (budget <= 1024 ? .low : budget <= 8192 ? .medium : Reasoning.Level.high).rawValue
        }
    }

    private func writeExtensions(of request: ModelRequest, to writer: inout JSONWriter) {
        guard !request.extensions.isEmpty else { return }
        for (name, value) in request.extensions.sorted(by: { $0.key < $1.key }) {
            if let field = Self.field(name, passesUnknown: settings.passUnknownFields) { writer.member(field, value) }
        }
    }

    /// Fields of the client's that do not reach the upstream.
    static func unsent(of request: ModelRequest, passesUnknownFields: Bool) -> [String] {
        let names = request.extensions.keys.filter {
            !$0.hasPrefix("frontend.") && field($0, passesUnknown: passesUnknownFields) == nil
        }
        return names.map { String($0.drop { $0 != "." }.dropFirst()) }.sorted()
    }

    /// Under which name an extension is sent; `nil` when it is not.
    private static func field(_ name: String, passesUnknown: Bool) -> String? {
        guard name.hasPrefix("openai.") else { return nil }
        let field = String(name.dropFirst("openai.".count))
        return passesUnknown || forwarded.contains(field) ? field : nil
    }

    /// Fields of the format without a neutral home, harmless to upstreams of the same family.
    private static let forwarded: Set<String> = [
        "prediction", "prompt_cache_key", "safety_identifier", "service_tier", "verbosity",
    ]
}
