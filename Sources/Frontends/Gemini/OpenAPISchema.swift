import PolluxCore

/// Turns the format's own schemas, a subset of OpenAPI, into JSON Schema: types in small letters, `nullable` as a type,
/// numbers that come as strings, properties in the wished order.
enum OpenAPISchema {
    /// Recursion is bounded by the depth that the parser allows.
    static func converted(_ value: JSON) throws(FieldFault) -> JSON {
        let schema = try value.asObject()
        var result = JSONObject()
        var (isNullable, order) = (false, [String]())
        try schema.forEachField { (name, value) throws(FieldFault) in
            switch name {
            case "nullable": isNullable = try value.asBool()
            case "propertyOrdering": order = try value.asArray(of: JSON.asString)
            case "format" where value == "enum": break
            case "type": if let type = try convertedType(value) { result["type"] = type }
            case "items": result["items"] = try converted(value)
            case "properties", "$defs", "defs":
                result[name == "defs" ? "$defs" : name] = try convertedMembers(value)
            case "anyOf", "oneOf", "allOf", "prefixItems": result[name] = try convertedList(value)
            case "additionalProperties":
                if case .bool = value { result[name] = value } else { result[name] = try converted(value) }
            case "ref": result["$ref"] = value
            case "example": result["examples"] = [value]
            case "minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties":
                result[name] = .number(JSONNumber(try count(value)))
            default: result[name] = value
            }
        }
        if !order.isEmpty { sort(&result, by: order) }
        if isNullable { makeNullable(&result) }
        return .object(result)
    }

    private static let types: Set<String> = ["string", "number", "integer", "boolean", "array", "object", "null"]

    /// One type, or a list of them; `nil` for "unspecified".
    private static func convertedType(_ value: JSON) throws(FieldFault) -> JSON? {
        if case .array = value {
            let names = try value.asArray(of: JSON.asString)
            return .array(names.map { .string($0.lowercased()) })
        }
        let name = try value.asString().lowercased()
        if name == "type_unspecified" { return nil }
        guard types.contains(name) else {
            throw FieldFault("must be one of STRING, NUMBER, INTEGER, BOOLEAN, ARRAY, OBJECT, NULL")
        }
        return .string(name)
    }

    private static func convertedMembers(_ value: JSON) throws(FieldFault) -> JSON {
        var result: [(String, JSON)] = []
        for (key, member) in try value.asObject().members {
            do {
                result.append((key, try converted(member)))
            } catch {
                throw error.inside(key)
            }
        }
        return .object(JSONObject(result))
    }

    private static func convertedList(_ value: JSON) throws(FieldFault) -> JSON {
        var result: [JSON] = []
        for (index, element) in try value.asArray().enumerated() {
            do {
                result.append(try converted(element))
            } catch {
                throw error.inside(index)
            }
        }
        return .array(result)
    }

    /// Counts are 64-bit integers, which this format writes as strings.
    private static func count(_ value: JSON) throws(FieldFault) -> Int {
        if case .string(let text) = value, let number = Int(text), number >= 0 { return number }
        return try value.asInteger(in: 0...Int.max)
    }

    private static func sort(_ schema: inout JSONObject, by order: [String]) {
        guard case .object(let properties)? = schema["properties"] else { return }
        let ranks = Dictionary(order.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        let sorted = properties.members.enumerated().sorted {
            (ranks[$0.element.key] ?? .max, $0.offset) < (ranks[$1.element.key] ?? .max, $1.offset)
        }
        schema["properties"] = .object(JSONObject(sorted.map { ($0.element.key, $0.element.value) }))
    }

    private static func makeNullable(_ schema: inout JSONObject) {
        if case .string(let type)? = schema["type"], type != "null" { schema["type"] = [.string(type), "null"] }
        if case .array(let values)? = schema["enum"], !values.contains(.null) {
            schema["enum"] = .array(values + [nil])
        }
        if case .array(let choices)? = schema["anyOf"] { schema["anyOf"] = .array(choices + [["type": "null"]]) }
    }
}
