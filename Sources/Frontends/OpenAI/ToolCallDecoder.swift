import PolluxCore

/// Reads the calls that an answer held, as the client sends them back.
extension JSON {
    func asToolCalls() throws(FieldFault) -> [Part] { try asArray(of: JSON.asToolCall) }

    /// `{id, type, function: {name, arguments}, extra_content?}`. Arguments are kept as the model wrote them, valid
    /// JSON or not.
    private func asToolCall() throws(FieldFault) -> Part {
        let call = try asObject()
        let id = try call.require("id", JSON.asName)
        if let type = try call.optional("type", JSON.asString), type != "function" {
            throw FieldFault("is '\(type.prefix(40))'; only calls of type 'function' are supported").inside("type")
        }
        let function = try call.require("function", JSON.asFunctionCall)
        return Part(
            .toolCall(ToolCall(id: id, name: function.name, rawArguments: function.arguments)),
            signature: ThoughtSignature.read(from: call) ?? function.signature)
    }

    /// `{name, arguments}`. Arguments are a JSON text by the format; some clients send the object itself.
    func asFunctionCall() throws(FieldFault) -> (name: String, arguments: String, signature: [UInt8]?) {
        let function = try asObject()
        return (
            name: try function.require("name", JSON.asName),
            arguments: try function.optional("arguments", JSON.asArguments) ?? "",
            signature: ThoughtSignature.read(fromFunction: function)
        )
    }

    private func asArguments() throws(FieldFault) -> String {
        switch self {
        case .string(let text): text
        case .object: text
        default: throw .wrongType(self, expected: "a string of JSON")
        }
    }
}
