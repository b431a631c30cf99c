import PolluxCore

/// Reads the parts of one content.
struct GeminiPartDecoder {
    enum Speaker { case system, user, model }

    private(set) var ignored = IgnoredFields()
    var calls = CallMatcher()
    private var imageCount = 0

    /// - Parameter value: A list of parts, or a single one.
    mutating func read(_ value: JSON, as speaker: Speaker) throws(FieldFault) -> [Part] {
        if case .object = value {} else { _ = try value.asArray() }
        let elements = value.elements
        guard elements.count <= RequestLimits.partsPerMessage else {
            throw FieldFault("holds \(elements.count) parts; at most \(RequestLimits.partsPerMessage) are allowed")
        }
        var parts: [Part] = []
        parts.reserveCapacity(elements.count)
        for (index, element) in elements.enumerated() {
            do {
                if let part = try readPart(try element.asObject(), speaker) { parts.append(part) }
            } catch {
                throw error.inside(index)
            }
        }
        return parts
    }

    /// What stands in one part beside its payload.
    private struct Fields {
        var payload: (name: String, content: Part.Content)?
        var isThought = false
        var signature: [UInt8]?
        var metadata: [String: JSON] = [:]
    }

    /// - Returns: `nil` for a part of the model's that says nothing.
    private mutating func readPart(_ part: JSONObject, _ speaker: Speaker) throws(FieldFault) -> Part? {
        var fields = Fields()
        try part.forEachField { (name, value) throws(FieldFault) in try self.read(name, value, speaker, &fields) }
        guard let payload = fields.payload else {
            // Newer kinds of payload come back with an answer; their signature must not be lost.
            guard speaker == .model || fields.signature != nil else {
                throw FieldFault("holds no data; give it 'text', 'inlineData' or another payload")
            }
            return fields.signature.map { Part(.text(""), signature: $0) }
        }
        var content = payload.content
        if fields.isThought {
            guard case .text(let text) = content else { return nil }
            content = .reasoning(text)
        }
        let isEmpty = content == .text("") || content == .reasoning("")
        if speaker == .model, isEmpty, fields.signature == nil, fields.metadata.isEmpty { return nil }
        return Part(content, signature: fields.signature, metadata: fields.metadata)
    }

    private mutating func read(
        _ name: String, _ value: JSON, _ speaker: Speaker, _ fields: inout Fields
    ) throws(FieldFault) {
        switch name {
        case "thought": fields.isThought = try value.asBool()
        case "thoughtSignature": fields.signature = try Self.signature(value)
        case "videoMetadata", "mediaResolution", "partMetadata": fields.metadata["gemini.\(name)"] = value
        default:
            guard let content = try payload(name, value, speaker, &fields.metadata) else { return ignored.note(name) }
            if let other = fields.payload {
                throw FieldFault("stands beside '\(other.name)'; a part holds one payload")
            }
            fields.payload = (name, content)
        }
    }

    /// - Returns: `nil` for a field that is no payload.
    private mutating func payload(
        _ name: String, _ value: JSON, _ speaker: Speaker, _ metadata: inout [String: JSON]
    ) throws(FieldFault) -> Part.Content? {
        switch name {
        case "text": return .text(try value.asString())
        case "inlineData", "fileData":
            guard speaker != .system else { throw FieldFault("cannot stand in the system instruction") }
            let media = name == "inlineData" ? try value.asInlineMedia() : try value.asFileMedia()
            if media.kind == .image { try countImage() }
            return .media(media)
        case "functionCall":
            guard speaker == .model else { throw FieldFault("belongs into a content of role 'model'") }
            return try readCall(try value.asObject(), &metadata)
        case "functionResponse":
            guard speaker == .user else { throw FieldFault("belongs into a content of role 'user'") }
            return try readResult(try value.asObject(), &metadata)
        case "executableCode", "codeExecutionResult":
            metadata["gemini.\(name)"] = value
            return .text(try value.asCodeText())
        case "toolCall", "toolResponse":
            metadata["gemini.\(name)"] = value
            return .text("")
        default: return nil
        }
    }

    private mutating func countImage() throws(FieldFault) {
        imageCount += 1
        guard imageCount <= RequestLimits.images else {
            throw FieldFault("is one image too many; a request may hold \(RequestLimits.images)")
        }
    }

    /// Opaque, so its bytes are kept; only their spelling in Base64 is not.
    private static func signature(_ value: JSON) throws(FieldFault) -> [UInt8]? {
        let text = try value.asString()
        return text.isEmpty ? nil : try decodeBase64(Array(text.utf8))
    }

    // MARK: - Calls and results

    /// `{id?, name, args?}`.
    private mutating func readCall(
        _ object: JSONObject, _ metadata: inout [String: JSON]
    ) throws(FieldFault) -> Part.Content {
        let name = try object.require("name", JSON.asName)
        let arguments = try object.optional("args", JSON.asObject) ?? JSONObject()
        let id = try object.optional("id", JSON.asString).flatMap { $0.isEmpty ? nil : $0 }
        let (known, isMade) = calls.call(id: id, name: name)
        return .toolCall(
            ToolCall(id: known, idIsSynthetic: isMade, name: name, rawArguments: JSON.object(arguments).text))
    }

    /// `{id?, name, response, parts?}`.
    private mutating func readResult(
        _ object: JSONObject, _ metadata: inout [String: JSON]
    ) throws(FieldFault) -> Part.Content {
        let id = try object.optional("id", JSON.asString).flatMap { $0.isEmpty ? nil : $0 }
        let name = try object.optional("name", JSON.asName) ?? ""
        if name.isEmpty, id == nil { throw .missing("name") }
        let response = object.given("response")
        let call = calls.result(id: id, name: name)
        var result = ToolResult(callID: call.id, name: call.name, parts: [])
        if let response {
            (result.parts, result.isError) = Self.unwrap(response)
            metadata["gemini.response"] = response
        }
        for (index, part) in (object.given("parts")?.elements ?? []).enumerated() {
            do {
                if let part = try readPart(try part.asObject(), .user) { result.parts.append(part) }
            } catch {
                throw error.inside(index).inside("parts")
            }
        }
        return .toolResult(result)
    }

    /// `{"result": x}` and `{"output": x}` are the usual wrapping of a bare value, `{"error": x}` of a failure.
    private static func unwrap(_ response: JSON) -> (parts: [Part], isError: Bool) {
        guard case .object(let object) = response, object.count == 1, let only = object.members.first else {
            return ([.text(text(of: response))], false)
        }
        switch only.key {
        case "result", "output": return ([.text(text(of: only.value))], false)
        case "error": return ([.text(text(of: only.value))], true)
        default: return ([.text(response.text)], false)
        }
    }

    private static func text(of value: JSON) -> String {
        if case .string(let text) = value { text } else { value.text }
    }
}
