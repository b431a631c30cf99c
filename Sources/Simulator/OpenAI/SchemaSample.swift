import PolluxCore

/// The plainest value that fits a JSON Schema, as far as tools and answer formats use it: types, enums, constants,
/// references, choices, lengths and bounds.
struct SchemaSample {
    private let root: JSON
    /// Recursive schemas end here: optional members and elements are left out from this depth on.
    private static let deepest = 6

    static func value(for schema: JSON) -> JSON {
        SchemaSample(root: schema).value(schema, depth: 0)
    }

    private func value(_ schema: JSON, depth: Int) -> JSON {
        guard depth < 4 * Self.deepest else { return .null }
        if let constant = schema["const"] { return constant }
        if let first = schema["enum"]?.array?.first { return first }
        if let reference = schema["$ref"]?.string { return value(resolved(reference), depth: depth + 1) }
        for key in ["anyOf", "oneOf", "allOf"] {
            if let choices = schema[key]?.array, let choice = choices.first(where: { $0["type"]?.string != "null" }) {
                return value(choice, depth: depth + 1)
            }
        }
        switch type(of: schema) {
        case "object": return object(schema, depth: depth)
        case "array": return array(schema, depth: depth)
        case "string": return .string(text(schema))
        case "integer", "number": return number(schema)
        case "boolean": return true
        default: return .null
        }
    }

    private func type(of schema: JSON) -> String {
        if let name = schema["type"]?.string { return name }
        if let name = schema["type"]?.array?.compactMap(\.string).first(where: { $0 != "null" }) { return name }
        return schema["items"] == nil ? "object" : "array"
    }

    private func object(_ schema: JSON, depth: Int) -> JSON {
        let required = schema["required"]?.array?.compactMap(\.string) ?? []
        let properties = schema["properties"]?.object?.members ?? []
        let wanted = properties.filter { depth < Self.deepest || required.contains($0.key) }
        return .object(JSONObject(wanted.map { ($0.key, value($0.value, depth: depth + 1)) }))
    }

    private func array(_ schema: JSON, depth: Int) -> JSON {
        let least = schema["minItems"]?.int ?? (depth < Self.deepest ? 1 : 0)
        guard let items = schema["items"] else { return [] }
        return .array((0..<max(0, min(least, 16))).map { _ in value(items, depth: depth + 1) })
    }

    private func text(_ schema: JSON) -> String {
        let plain =
            switch schema["format"]?.string {
            case "date": "2026-01-01"
            case "date-time": "2026-01-01T00:00:00Z"
            case "email": "ops@example.org"
            case "uri", "url": "https://example.org/"
            case "uuid": "0cd0aa00-0000-4000-8000-00000000c0de"
            default: "sample"
            }
        let least = max(0, min(schema["minLength"]?.int ?? 0, 10_000))
        let padded = plain + String(repeating: "x", count: max(0, least - plain.count))
        return schema["maxLength"]?.int.map { String(padded.prefix(max(0, $0))) } ?? padded
    }

    private func number(_ schema: JSON) -> JSON {
        let least = schema["minimum"]?.int ?? schema["exclusiveMinimum"]?.int.map { $0 < .max ? $0 + 1 : $0 } ?? 1
        return .number(JSONNumber(min(least, schema["maximum"]?.int ?? least)))
    }

    /// Only references inside the schema itself: `#/$defs/name`, `#`.
    private func resolved(_ reference: String) -> JSON {
        reference.split(separator: "/").dropFirst().reduce(root) { json, name in json[String(name)] ?? .null }
    }
}
