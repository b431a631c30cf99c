internal import PolluxCore

/// Checks a value against the part of JSON Schema that structured output relies on: `type`, `enum`, `const`,
/// `properties`, `required`, `additionalProperties`, `items`, `prefixItems`, `anyOf`, `oneOf`, `allOf`, and `$ref` into
/// the same schema. Other keywords are not looked at; the model is told them all the same.
///
/// `additionalProperties: false` counts in strict mode alone. Schemas come from clients: depth and steps are bounded,
/// and what lies beyond is taken as valid, since refusing an answer needs a reason.
struct SchemaCheck {
    private static let maxDepth = 200
    private static let maxSteps = 200_000

    private let root: JSON
    private let isStrict: Bool
    private var stepsLeft = maxSteps

    init(_ schema: JSON, isStrict: Bool) { (root, self.isStrict) = (schema, isStrict) }

    /// The first thing that is wrong, as a sentence without its full stop; `nil` when nothing is.
    mutating func fault(of value: JSON) -> String? {
        stepsLeft = Self.maxSteps
        return fault(of: value, by: root, at: ValuePath(), depth: 0)?.sentence
    }

    private struct Fault {
        let path: ValuePath
        let words: String
        var sentence: String { "\(path) \(words)" }
    }

    private mutating func fault(of value: JSON, by schema: JSON, at path: ValuePath, depth: Int) -> Fault? {
        stepsLeft -= 1
        guard depth < Self.maxDepth, stepsLeft > 0 else { return nil }
        guard case .object(let rules) = schema else {
            return schema == false ? Fault(path: path, words: "must not be there") : nil
        }
        if let reference = rules["$ref"]?.string, let target = target(of: reference),
            let fault = fault(of: value, by: target, at: path, depth: depth + 1)
        {
            return fault
        }
        return simpleFault(of: value, by: rules, at: path)
            ?? combinedFault(of: value, by: rules, at: path, depth: depth)
            ?? memberFault(of: value, by: rules, at: path, depth: depth)
            ?? elementFault(of: value, by: rules, at: path, depth: depth)
    }

    // MARK: - The value itself

    private func simpleFault(of value: JSON, by rules: JSONObject, at path: ValuePath) -> Fault? {
        if let types = rules["type"].map(Self.names), !types.isEmpty, !types.contains(where: { value.isOf(type: $0) }) {
            let wanted = types.map(Self.phrase).joined(separator: " or ")
            return Fault(path: path, words: "must be \(wanted), but is \(value.kindName)")
        }
        if let allowed = rules["enum"]?.array, !allowed.contains(value) {
            return Fault(path: path, words: "must be one of \(Self.list(allowed))")
        }
        if let only = rules["const"], only != value {
            return Fault(path: path, words: "must be \(Self.list([only]))")
        }
        return nil
    }

    /// A type that this check does not know is passed over, not failed.
    private static func names(_ type: JSON) -> [String] {
        let names = type.string.map { [$0] } ?? type.array?.compactMap(\.string) ?? []
        return names.allSatisfy { phrases[$0.lowercased()] != nil } ? names.map { $0.lowercased() } : []
    }

    private static let phrases = [
        "null": "null", "boolean": "a Boolean", "number": "a number", "integer": "an integer", "string": "a string",
        "array": "an array", "object": "an object",
    ]

    private static func phrase(_ type: String) -> String { phrases[type] ?? type }

    private static func list(_ values: [JSON]) -> String {
        let shown = values.prefix(20).map { Self.cut($0.text) }.joined(separator: ", ")
        return values.count > 20 ? shown + ", …" : shown
    }

    private static func cut(_ text: String) -> String {
        text.utf8.count > 100 ? String(text.unicodeScalars.prefix(50)) + "…" : text
    }

    // MARK: - Schemas of schemas

    private mutating func combinedFault(
        of value: JSON, by rules: JSONObject, at path: ValuePath, depth: Int
    ) -> Fault? {
        for rule in rules["allOf"]?.array ?? [] {
            if let fault = fault(of: value, by: rule, at: path, depth: depth + 1) { return fault }
        }
        for key in ["anyOf", "oneOf"] {
            guard let choices = rules[key]?.array, !choices.isEmpty else { continue }
            // Of the choices that fail, the one that fails deepest is most likely the one that was meant.
            var closest: Fault?
            var isValid = false
            for choice in choices {
                guard let fault = fault(of: value, by: choice, at: path, depth: depth + 1) else {
                    isValid = true
                    break
                }
                if fault.path.count > closest?.path.count ?? -1 { closest = fault }
            }
            if !isValid, let closest { return closest }
        }
        return nil
    }

    /// `#`, `#/$defs/name` and any other pointer into the schema.
    private func target(of reference: String) -> JSON? {
        guard reference.utf8.first == UInt8(ascii: "#") else { return nil }
        var target = root
        for step in reference.dropFirst().split(separator: "/", omittingEmptySubsequences: true) {
            let key = Self.unescaped(step)
            guard let next = target[key] ?? Int(key).flatMap({ target[$0] }) else { return nil }
            target = next
        }
        return target
    }

    /// `~1` is a slash and `~0` a tilde (RFC 6901).
    private static func unescaped(_ step: Substring) -> String {
        guard step.utf8.contains(UInt8(ascii: "~")) else { return String(step) }
        var plain: [UInt8] = []
        var isEscape = false
        for byte in step.utf8 {
            if isEscape {
                plain.append(byte == UInt8(ascii: "1") ? UInt8(ascii: "/") : UInt8(ascii: "~"))
                isEscape = false
            } else if byte == UInt8(ascii: "~") {
                isEscape = true
            } else {
                plain.append(byte)
            }
        }
        return String(decoding: plain, as: UTF8.self)
    }

    // MARK: - What the value holds

    private mutating func memberFault(of value: JSON, by rules: JSONObject, at path: ValuePath, depth: Int) -> Fault? {
        guard case .object(let object) = value else { return nil }
        let keys = Set(object.keys)
        for case .string(let key) in rules["required"]?.array ?? [] where !keys.contains(key) {
            return Fault(path: path, words: "lacks the required member \(ValuePath.quoted(key))")
        }
        let properties = rules["properties"]?.object?.members.map { ($0.key, $0.value) } ?? []
        let known = Dictionary(properties) { first, _ in first }
        let others = rules["additionalProperties"]
        for (key, member) in object {
            let inside = path.appending(key: key)
            if let rule = known[key] {
                if let fault = fault(of: member, by: rule, at: inside, depth: depth + 1) { return fault }
            } else if others == false {
                if isStrict { return Fault(path: inside, words: "is not in the schema and must not be there") }
            } else if let others, let fault = fault(of: member, by: others, at: inside, depth: depth + 1) {
                return fault
            }
        }
        return nil
    }

    private mutating func elementFault(
        of value: JSON, by rules: JSONObject, at path: ValuePath, depth: Int
    ) -> Fault? {
        guard case .array(let elements) = value else { return nil }
        let first = rules["prefixItems"]?.array ?? []
        for (index, element) in elements.enumerated() {
            guard let rule = index < first.count ? first[index] : rules["items"] else { continue }
            if let fault = fault(of: element, by: rule, at: path.appending(index: index), depth: depth + 1) {
                return fault
            }
        }
        return nil
    }
}

extension JSON {
    fileprivate func isOf(type: String) -> Bool {
        switch (type, self) {
        case ("null", .null), ("boolean", .bool), ("number", .number), ("string", .string), ("array", .array),
            ("object", .object):
            true
        case ("integer", .number(let number)):
            // Beyond `Int`, what has no fraction is an integer too.
            number.int != nil
                || !number.text.utf8.contains { $0 == UInt8(ascii: ".") || $0 | 0x20 == UInt8(ascii: "e") }
        default: false
        }
    }
}
