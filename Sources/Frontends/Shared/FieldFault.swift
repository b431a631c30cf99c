import PolluxCore

/// A field of a client's request that cannot be used. The path grows from the inside out while the fault travels up,
/// so that a good request pays nothing for it.
struct FieldFault: Error, Equatable {
    /// In the client's own spelling: `messages[2].content`. Empty for the body itself.
    private(set) var path: String
    /// Follows the path in a sentence: `must be a string, not a number`.
    let problem: String
    let code: String

    init(_ problem: String, code: String = "invalid_value", path: String = "") {
        (self.path, self.problem, self.code) = (path, problem, code)
    }

    static func wrongType(_ value: JSON, expected: String) -> FieldFault {
        FieldFault("must be \(expected), not \(value.kindName)", code: "invalid_type")
    }

    static func missing(_ key: String) -> FieldFault {
        FieldFault("is missing; this field is required", code: "missing_required_parameter", path: key)
    }

    /// The same fault seen from the object that holds the field.
    func inside(_ key: String) -> FieldFault {
        var outer = self
        outer.path = path.isEmpty || path.utf8.first == UInt8(ascii: "[") ? key + path : "\(key).\(path)"
        return outer
    }

    /// The same fault seen from the list that holds the element.
    func inside(_ index: Int) -> FieldFault { inside("[\(index)]") }

    var gatewayError: GatewayError {
        let subject = path.isEmpty ? "the request body" : "'\(path)'"
        return GatewayError(
            .invalidRequest, .request, "\(subject) \(problem)", param: path.isEmpty ? nil : path, code: code)
    }
}
