/// One JSON value as an ordered tree: object members keep their order, numbers keep their exact text.
///
/// Shape: RFC 8259. Parsing is strict and bounded (see `JSONParseOptions`); neither parsing, writing nor comparing
/// recurses, so no input can exhaust the stack.
///
/// Two values are equal when they mean the same: member order does not count, strings and keys compare byte by byte
/// (no Unicode normalisation), and `1`, `1.0` and `1e0` are one number.
///
/// Values built in code may nest to any depth for `write` and `==`. Freeing a tree is the one thing the language does
/// recursively, so code that builds trees from outside data must bound their depth as the parser does.
public enum JSON: Sendable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSON])
    case object(JSONObject)
}

extension JSON {
    /// The member with this key, or nil when there is none or this is not an object.
    @inlinable
    public subscript(_ key: String) -> JSON? {
        guard case .object(let object) = self else { return nil }
        return object[key]
    }

    /// The element at this index, or nil when it is out of range or this is not an array.
    @inlinable
    public subscript(_ index: Int) -> JSON? {
        guard case .array(let elements) = self, elements.indices.contains(index) else { return nil }
        return elements[index]
    }

    @inlinable
    public var isNull: Bool {
        if case .null = self { true } else { false }
    }

    @inlinable
    public var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    @inlinable
    public var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// The number as an integer when it is exactly one that fits: `1`, `1.0` and `1e2` are, `1.5` and `1e30` are not.
    public var int: Int? {
        if case .number(let number) = self { number.int } else { nil }
    }

    /// The number rounded to the nearest double; nil when it is beyond the range of a double (`1e400`).
    public var double: Double? {
        if case .number(let number) = self { number.double } else { nil }
    }

    @inlinable
    public var array: [JSON]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    @inlinable
    public var object: JSONObject? {
        if case .object(let object) = self { object } else { nil }
    }

    /// The kind of value with its article, for messages such as `expected a string, found an object`.
    public var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "a Boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}
