import PolluxCore

extension Shape {
    /// As JSON Schema (the dialect of OpenAPI 3.1). A named shape becomes a reference, and is kept in `components`.
    func schema(_ components: inout JSONObject) -> JSON {
        guard let name else { return inlineSchema(&components) }
        if components[name] == nil {
            components[name] = .object(JSONObject())
            components[name] = inlineSchema(&components)
        }
        return ["$ref": .string("#/components/schemas/\(name)")]
    }

    private func inlineSchema(_ components: inout JSONObject) -> JSON {
        let plain = plainSchema(&components)
        guard isNullable else { return plain }
        return ["anyOf": [plain, ["type": "null"]]]
    }

    private func plainSchema(_ components: inout JSONObject) -> JSON {
        switch kind {
        case .any: return [:]
        case .boolean: return ["type": "boolean"]
        case .number: return ["type": "number"]
        case .integer(let range):
            var object = JSONObject([("type", "integer")])
            if range.lowerBound != .min { object["minimum"] = .number(JSONNumber(range.lowerBound)) }
            if range.upperBound != .max { object["maximum"] = .number(JSONNumber(range.upperBound)) }
            return .object(object)
        case .text(let rule): return rule.schema
        case .choice(let words): return ["type": "string", "enum": .array(words.map { .string($0) })]
        case .list(let shape, let most):
            return ["type": "array", "items": shape.schema(&components), "maxItems": .number(JSONNumber(most))]
        case .object(let members, let others): return objectSchema(members, others, &components)
        case .either(let shapes):
            var options: [JSON] = []
            for shape in shapes { options.append(shape.schema(&components)) }
            return ["anyOf": .array(options)]
        }
    }

    private func objectSchema(_ members: [Member], _ others: Shape?, _ components: inout JSONObject) -> JSON {
        var properties = JSONObject()
        for member in members {
            let schema = member.shape.schema(&components)
            guard !member.help.isEmpty, var object = schema.object else {
                properties[member.name] = schema
                continue
            }
            object["description"] = .string(member.help)
            properties[member.name] = .object(object)
        }
        var object = JSONObject([("type", "object"), ("properties", .object(properties))])
        let required = members.filter(\.isRequired)
        if !required.isEmpty { object["required"] = .array(required.map { .string($0.name) }) }
        object["additionalProperties"] = others.map { $0.schema(&components) } ?? .bool(false)
        return .object(object)
    }
}

extension Shape.TextRule {
    fileprivate var schema: JSON {
        var object = JSONObject([("type", "string")])
        if form == .time {
            object["format"] = "date-time"
            return .object(object)
        }
        if length.lowerBound > 0 { object["minLength"] = .number(JSONNumber(length.lowerBound)) }
        object["maxLength"] = .number(JSONNumber(length.upperBound))
        switch form {
        case .line: object["pattern"] = #"^[^\x00-\x1f\x7f]*$"#
        case .base64URL: object["pattern"] = "^[A-Za-z0-9_-]*$"
        case .free, .time: break
        }
        return .object(object)
    }
}
