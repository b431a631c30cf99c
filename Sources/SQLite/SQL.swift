/// The text of a statement. It is made of literals alone, so no input can become part of one: values are bound (D-6).
public struct SQL: Sendable, Hashable, ExpressibleByStringLiteral {
    let text: String

    public init(stringLiteral text: StaticString) { self.text = text.description }

    private init(text: String) { self.text = text }

    public static func + (left: SQL, right: SQL) -> SQL { SQL(text: left.text + right.text) }

    /// The parts with a separator between them.
    public static func joined(_ parts: [SQL], by separator: SQL) -> SQL {
        SQL(text: parts.map(\.text).joined(separator: separator.text))
    }

    /// ` VALUES (?, ?), (?, ?)`: so many rows of so many parameters.
    static func rows(_ count: Int, of columns: Int) -> SQL {
        let row = "(" + repeatElement("?", count: columns).joined(separator: ", ") + ")"
        return SQL(text: " VALUES " + repeatElement(row, count: count).joined(separator: ", "))
    }

    /// A pragma with a number, which SQLite does not let us bind.
    static func pragma(_ name: StaticString, _ value: Int32) -> SQL { SQL(text: "PRAGMA \(name) = \(value)") }
}

/// What a column holds or a parameter is bound to.
public enum SQLiteValue: Sendable, Equatable {
    case null
    case integer(Int64)
    case text(String)
    case blob([UInt8])

    public static func optional(_ value: Int64?) -> SQLiteValue { value.map(SQLiteValue.integer) ?? .null }
    public static func optional(_ value: String?) -> SQLiteValue { value.map(SQLiteValue.text) ?? .null }
    public static func optional(_ value: [UInt8]?) -> SQLiteValue { value.map(SQLiteValue.blob) ?? .null }
    /// How many bytes it has that a statement refers to.
    var size: Int {
        switch self {
        case .null, .integer: 0
        case .text(let text): text.utf8.count
        case .blob(let bytes): bytes.count
        }
    }

    public static func integer(_ value: Int) -> SQLiteValue { .integer(Int64(value)) }
    public static func flag(_ value: Bool) -> SQLiteValue { .integer(value ? 1 : 0) }
}
