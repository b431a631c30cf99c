import PolluxCore

/// Names of this format. Clients write fields in camel case and in snake case, mixed in one body: the official SDK
/// sends `generationConfig` with `thinking_budget` inside.
enum GeminiName {
    /// `thinking_budget` → `thinkingBudget`, `_responseJsonSchema` → `responseJsonSchema`.
    static func camel(_ key: String) -> String {
        guard key.utf8.contains(UInt8(ascii: "_")) else { return key }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(key.utf8.count)
        var isWordStart = false
        for byte in key.utf8 {
            if byte == UInt8(ascii: "_") {
                isWordStart = !bytes.isEmpty
            } else {
                bytes.append(isWordStart && (0x61...0x7A).contains(byte) ? byte - 0x20 : byte)
                isWordStart = false
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension JSONObject {
    /// Hands out every member that says something, under its camel-case name; of a field written in both ways the later
    /// one counts. For objects of the format only: names inside arguments and schemas are the client's own.
    func forEachField(
        _ read: (_ name: String, _ value: JSON) throws(FieldFault) -> Void
    ) throws(FieldFault) {
        for (key, value) in members where !value.isNull {
            do {
                try read(GeminiName.camel(key), value)
            } catch {
                throw error.inside(key)
            }
        }
    }
}

extension JSON {
    /// One of an enumeration's values, in any case; this format writes them in capitals.
    func asEnum<Choice: RawRepresentable<String> & CaseIterable>() throws(FieldFault) -> Choice {
        try JSON.string(try asString().uppercased()).asChoice()
    }

    /// A list, or its only element without the brackets.
    var elements: [JSON] {
        if case .array(let list) = self { list } else { [self] }
    }
}

/// Fields that nobody here knows: passed over, since newer clients send new ones, and named in the log.
struct IgnoredFields {
    private(set) var names: [String] = []

    mutating func note(_ name: String, in parent: String = "") {
        guard names.count < 16 else { return }
        names.append(String((parent.isEmpty ? name : "\(parent).\(name)").prefix(80)))
    }

    mutating func add(_ others: IgnoredFields) { for name in others.names { note(name) } }
}
