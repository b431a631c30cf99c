import PolluxCore

/// Typed reading of a client's fields (requirement J-5). Every reader names what it expected and what it found.
extension JSON {
    func asString() throws(FieldFault) -> String {
        guard case .string(let text) = self else { throw .wrongType(self, expected: "a string") }
        return text
    }

    /// A name or an identifier: not empty, no control characters, at most 256 bytes.
    func asName() throws(FieldFault) -> String {
        let text = try asString()
        if text.isEmpty { throw FieldFault("must not be empty") }
        if text.utf8.count > 256 { throw FieldFault("must have at most 256 bytes") }
        if text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
            throw FieldFault("must not contain control characters")
        }
        return text
    }

    func asBool() throws(FieldFault) -> Bool {
        guard case .bool(let value) = self else { throw .wrongType(self, expected: "a Boolean") }
        return value
    }

    /// `2.0` is an integer, `2.5` and `1e30` are not.
    func asInteger(in range: ClosedRange<Int>) throws(FieldFault) -> Int {
        guard case .number(let number) = self else { throw .wrongType(self, expected: "an integer") }
        guard let value = number.int else {
            throw FieldFault("must be an integer of at most 64 bits", code: "invalid_type")
        }
        guard range.contains(value) else { throw FieldFault(Self.phrase(range)) }
        return value
    }

    func asNumber(in range: ClosedRange<Double>) throws(FieldFault) -> Double {
        guard case .number(let number) = self else { throw .wrongType(self, expected: "a number") }
        guard let value = number.double, range.contains(value) else {
            let (lower, upper) = (JSONNumber(range.lowerBound).brief, JSONNumber(range.upperBound).brief)
            throw FieldFault("must be between \(lower) and \(upper)")
        }
        return value
    }

    func asArray() throws(FieldFault) -> [JSON] {
        guard case .array(let elements) = self else { throw .wrongType(self, expected: "an array") }
        return elements
    }

    /// Every element read the same way: `try value.asArray(of: JSON.asString)`.
    func asArray<Element>(
        of read: (JSON) -> () throws(FieldFault) -> Element
    ) throws(FieldFault) -> [Element] {
        let elements = try asArray()
        var result: [Element] = []
        result.reserveCapacity(elements.count)
        for (index, element) in elements.enumerated() {
            do {
                result.append(try read(element)())
            } catch {
                throw error.inside(index)
            }
        }
        return result
    }

    func asObject() throws(FieldFault) -> JSONObject {
        guard case .object(let object) = self else { throw .wrongType(self, expected: "an object") }
        return object
    }

    /// One of an enumeration's raw values.
    func asChoice<Choice: RawRepresentable<String> & CaseIterable>() throws(FieldFault) -> Choice {
        guard let choice = Choice(rawValue: try asString()) else {
            let known = Choice.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
            throw FieldFault("must be one of \(known)")
        }
        return choice
    }

    private static func phrase(_ range: ClosedRange<Int>) -> String {
        if range.upperBound == .max { return "must be at least \(range.lowerBound)" }
        if range.lowerBound == .min { return "must be at most \(range.upperBound)" }
        return "must be between \(range.lowerBound) and \(range.upperBound)"
    }
}

extension JSONNumber {
    /// `2` rather than `2.0`.
    fileprivate var brief: String { int.map(String.init) ?? text }
}

extension JSONObject {
    /// A member that says something: `null` equals absent for every optional field.
    func given(_ key: String) -> JSON? {
        guard let value = self[key], !value.isNull else { return nil }
        return value
    }

    /// Reads a member that may be left out: `try object.optional("strict", JSON.asBool)`.
    func optional<Value>(
        _ key: String, _ read: (JSON) -> () throws(FieldFault) -> Value
    ) throws(FieldFault) -> Value? {
        guard let value = given(key) else { return nil }
        do {
            return try read(value)()
        } catch {
            throw error.inside(key)
        }
    }

    /// Reads a member that must be there: `try object.require("name", JSON.asName)`.
    func require<Value>(
        _ key: String, _ read: (JSON) -> () throws(FieldFault) -> Value
    ) throws(FieldFault) -> Value {
        guard let value = try optional(key, read) else { throw .missing(key) }
        return value
    }
}
