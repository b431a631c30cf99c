import PolluxCore

extension JSON {
    /// Reads `response_format` (OpenAI format notes, section 3.3).
    func asOutputFormat() throws(FieldFault) -> OutputFormat {
        let format = try asObject()
        switch try format.require("type", JSON.asString) {
        case "text": return .text
        case "json_object": return .json
        case "json_schema": return try format.require("json_schema", JSON.asSchemaFormat)
        default: throw FieldFault("must be one of 'text', 'json_object', 'json_schema'").inside("type")
        }
    }

    /// `{name, schema, strict?, description?}`.
    private func asSchemaFormat() throws(FieldFault) -> OutputFormat {
        let format = try asObject()
        let name = try format.require("name", JSON.asName)
        var schema = try format.require("schema", JSON.asObject)
        let strict = try format.optional("strict", JSON.asBool)
        // The neutral form has one place for words about the schema: the schema itself.
        if let description = try format.optional("description", JSON.asString), schema["description"] == nil {
            schema["description"] = .string(description)
        }
        return .jsonSchema(name: name, schema: .object(schema), strict: strict ?? false)
    }
}
