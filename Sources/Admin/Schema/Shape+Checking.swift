public import PolluxCore

/// Why a value is not of its shape, and where.
public struct ShapeFault: Error, Sendable, Equatable {
    /// `limits.requests`, `accounts[2].id`; empty for the value itself.
    public var path: String
    /// Follows the path in a sentence: `must be a text, not a number`.
    public var problem: String
    public var code = "invalid_value"

    func inside(_ key: String) -> ShapeFault {
        var outer = self
        outer.path = path.isEmpty || path.utf8.first == UInt8(ascii: "[") ? key + path : "\(key).\(path)"
        return outer
    }

    var adminError: AdminError {
        let subject = path.isEmpty ? "the body" : "'\(path)'"
        return AdminError(400, code, "\(subject) \(problem)", param: path.isEmpty ? nil : path)
    }
}

extension Shape {
    /// - Throws: The first thing about the value that does not fit.
    public func check(_ value: JSON) throws(ShapeFault) {
        if isNullable, value.isNull { return }
        switch kind {
        case .any: return
        case .boolean: if value.bool == nil { throw wrongType(value, "true or false") }
        case .integer(let range): try checkInteger(value, range)
        case .number: if value.double == nil { throw wrongType(value, "a number") }
        case .text(let rule):
            guard let text = value.string else { throw wrongType(value, "a text") }
            try rule.check(text)
        case .choice(let words):
            guard let text = value.string else { throw wrongType(value, "a text") }
            guard words.contains(text) else {
                throw ShapeFault(path: "", problem: "must be one of \(words.joined(separator: ", "))")
            }
        case .list(let shape, let most):
            guard let elements = value.array else { throw wrongType(value, "a list") }
            guard elements.count <= most else {
                throw ShapeFault(path: "", problem: "must have at most \(most) entries")
            }
            for (index, element) in elements.enumerated() {
                do { try shape.check(element) } catch { throw error.inside("[\(index)]") }
            }
        case .object(let members, let others): try checkObject(value, members, others)
        case .either(let shapes): try checkEither(value, shapes)
        }
    }

    private func checkInteger(_ value: JSON, _ range: ClosedRange<Int>) throws(ShapeFault) {
        guard case .number(let number) = value else { throw wrongType(value, "a whole number") }
        guard let integer = number.int else {
            throw ShapeFault(path: "", problem: "must be a whole number of at most 64 bits", code: "invalid_type")
        }
        guard range.contains(integer) else {
            let limits =
                range.upperBound == .max
                ? "at least \(range.lowerBound)" : "between \(range.lowerBound) and \(range.upperBound)"
            throw ShapeFault(path: "", problem: "must be \(limits)")
        }
    }

    private func checkObject(_ value: JSON, _ members: [Member], _ others: Shape?) throws(ShapeFault) {
        guard let object = value.object else { throw wrongType(value, "an object") }
        let known = Dictionary(members.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        for (key, value) in object {
            guard let shape = known[key]?.shape ?? others else {
                throw ShapeFault(path: key, problem: unknown(key, members), code: "unknown_field")
            }
            do { try shape.check(value) } catch { throw error.inside(key) }
        }
        for member in members where member.isRequired && object[member.name] == nil {
            throw ShapeFault(
                path: member.name, problem: "is missing; this field is required", code: "missing_required_parameter")
        }
    }

    private func unknown(_ key: String, _ members: [Member]) -> String {
        let names = members.map(\.name)
        if let near = nearest(to: key, among: names) { return "is unknown; did you mean '\(near)'?" }
        return names.isEmpty
            ? "is unknown; no fields are expected here"
            : "is unknown; known here: "
                + names.joined(separator: ", ")
    }

    private func checkEither(_ value: JSON, _ shapes: [Shape]) throws(ShapeFault) {
        var first: ShapeFault?
        for shape in shapes {
            do {
                try shape.check(value)
                return
            } catch { first = first ?? error }
        }
        if let first { throw first }
    }

    private func wrongType(_ value: JSON, _ expected: String) -> ShapeFault {
        ShapeFault(path: "", problem: "must be \(expected), not \(value.kindName)", code: "invalid_type")
    }
}

extension Shape.TextRule {
    func check(_ text: String) throws(ShapeFault) {
        let scalars = text.unicodeScalars
        let count = scalars.count
        guard length.contains(count) else {
            let problem =
                count < length.lowerBound
                ? (length.lowerBound == 1 ? "must not be empty" : "must have at least \(length.lowerBound) characters")
                : "must have at most \(length.upperBound) characters"
            throw ShapeFault(path: "", problem: problem)
        }
        switch form {
        case .free: return
        case .line:
            if scalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) {
                throw ShapeFault(path: "", problem: "must not contain control characters")
            }
        case .time:
            if WallTime(rfc3339: text) == nil {
                throw ShapeFault(path: "", problem: "must be a time like 2026-12-31T18:00:00Z")
            }
        case .base64URL:
            let isPlain = text.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                    || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
            }
            if !isPlain { throw ShapeFault(path: "", problem: "must be taken from 'next' of an earlier answer") }
        }
    }
}
