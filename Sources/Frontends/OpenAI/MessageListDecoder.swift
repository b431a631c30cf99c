import PolluxCore

/// Reads `messages`: system text apart from the conversation, calls and their results brought together (OpenAI format
/// notes, section 3.1).
struct MessageListDecoder {
    private(set) var system: [Part] = []
    private(set) var turns: [Turn] = []
    /// The function's name by the id of its call: results do not carry it.
    private var callNames: [String: String] = [:]
    /// Calls in the old form, which has no ids, still without a result.
    private var openFunctionCalls: [(name: String, id: String)] = []
    private var imageCount = 0
    private var lastWasToolResult = false

    private enum Role: String, CaseIterable { case system, developer, user, assistant, tool, function }

    mutating func read(_ value: JSON) throws(FieldFault) {
        let messages = try value.asArray()
        guard !messages.isEmpty else { throw FieldFault("must hold at least one message") }
        guard messages.count <= RequestLimits.messages else {
            throw FieldFault("holds \(messages.count) messages; at most \(RequestLimits.messages) are allowed")
        }
        turns.reserveCapacity(messages.count)
        for (index, message) in messages.enumerated() {
            do {
                try readMessage(try message.asObject())
            } catch {
                throw error.inside(index)
            }
        }
    }

    private mutating func readMessage(_ message: JSONObject) throws(FieldFault) {
        let role: Role = try message.require("role", JSON.asChoice)
        switch role {
        case .system, .developer: system += try content(of: message, .system)
        case .user:
            let name = try message.optional("name", JSON.asString)
            let parts = try content(of: message, .user)
            guard !parts.isEmpty else { throw FieldFault("must hold at least one part").inside("content") }
            turns.append(Turn(.user, parts, name: name))
        case .assistant: try readAssistant(message)
        case .tool: try readToolResult(message)
        case .function: try readFunctionResult(message)
        }
        lastWasToolResult = role == .tool || role == .function
    }

    // MARK: - The model's turns

    /// What came back with the answer beside text, calls and images (thoughts, annotations, audio) is passed over:
    /// clients send an answer back exactly as they received it.
    private mutating func readAssistant(_ message: JSONObject) throws(FieldFault) {
        var parts = message.given("content") == nil ? [] : try content(of: message, .assistant)
        if let signature = ThoughtSignature.read(from: message) {
            if parts.isEmpty { parts.append(.text("")) }
            parts[parts.count - 1].signature = signature
        }
        parts += try readImages(of: message)
        let calls = try message.optional("tool_calls", JSON.asToolCalls) ?? []
        for case .toolCall(let call) in calls.map(\.content) { callNames[call.id] = call.name }
        parts += calls
        if calls.isEmpty, let call = try message.optional("function_call", JSON.asFunctionCall) {
            let id = "call_function_\(turns.count)"
            openFunctionCalls.append((call.name, id))
            let known = ToolCall(id: id, idIsSynthetic: true, name: call.name, rawArguments: call.arguments)
            parts.append(Part(.toolCall(known)))
        }
        // An answer without content says nothing, and several upstreams refuse a turn without parts.
        if !parts.isEmpty { turns.append(Turn(.model, parts)) }
    }

    private mutating func readImages(of message: JSONObject) throws(FieldFault) -> [Part] {
        guard let images = message.given("images") else { return [] }
        var decoder = ContentDecoder(.assistant, imageCount: imageCount)
        do {
            let parts = try decoder.readImages(images)
            imageCount = decoder.imageCount
            return parts
        } catch {
            throw error.inside("images")
        }
    }

    // MARK: - Results

    private mutating func readToolResult(_ message: JSONObject) throws(FieldFault) {
        let id = try message.require("tool_call_id", JSON.asName)
        append(ToolResult(callID: id, name: callNames[id] ?? "", parts: try content(of: message, .tool)))
    }

    /// The old form finds its call by the function's name.
    private mutating func readFunctionResult(_ message: JSONObject) throws(FieldFault) {
        let name = try message.require("name", JSON.asName)
        let parts = try content(of: message, .tool)
        var id = "call_function_\(turns.count)"
        if let position = openFunctionCalls.firstIndex(where: { $0.name == name }) {
            id = openFunctionCalls.remove(at: position).id
        }
        append(ToolResult(callID: id, name: name, parts: parts))
    }

    /// Results in a row are one turn: they answer the calls of one turn.
    private mutating func append(_ result: ToolResult) {
        let part = Part(.toolResult(result))
        if lastWasToolResult, let last = turns.indices.last {
            turns[last].parts.append(part)
        } else {
            turns.append(Turn(.user, [part]))
        }
    }

    private mutating func content(
        of message: JSONObject, _ speaker: ContentDecoder.Speaker
    ) throws(FieldFault) -> [Part] {
        var decoder = ContentDecoder(speaker, imageCount: imageCount)
        guard let content = message.given("content") else { throw .missing("content") }
        do {
            let parts = try decoder.read(content)
            imageCount = decoder.imageCount
            return parts
        } catch {
            throw error.inside("content")
        }
    }
}
