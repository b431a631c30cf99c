/// Writes JSON as it goes, without a tree. Commas are taken care of; nesting and keys are the caller's part.
///
/// ```swift
/// var writer = JSONWriter()
/// writer.beginObject()
/// writer.member("id", id)
/// writer.key("choices")
/// writer.beginArray()
/// writer.endArray()
/// writer.endObject()
/// send(writer.bytes)
/// ```
public struct JSONWriter: Sendable {
    /// What has been written so far.
    public private(set) var bytes: [UInt8]
    private var needsComma = false
    private var depth = 0

    public init() { bytes = [] }

    /// - Parameter capacity: Bytes to make room for at once.
    public init(capacity: Int) {
        bytes = []
        bytes.reserveCapacity(capacity)
    }

    /// Appends one JSON text to bytes that exist already, such as the `data: ` of an event, without copying them.
    public static func append(to bytes: inout [UInt8], _ write: (inout JSONWriter) -> Void) {
        var writer = JSONWriter()
        swap(&writer.bytes, &bytes)
        // A usual answer in one allocation instead of five that grow.
        if writer.bytes.capacity == 0 { writer.bytes.reserveCapacity(1024) }
        write(&writer)
        swap(&writer.bytes, &bytes)
    }

    public mutating func beginObject() { begin(UInt8(ascii: "{")) }
    public mutating func endObject() { end(UInt8(ascii: "}")) }
    public mutating func beginArray() { begin(UInt8(ascii: "[")) }
    public mutating func endArray() { end(UInt8(ascii: "]")) }

    /// Writes a member's key; its value comes next.
    @_disfavoredOverload
    public mutating func key(_ name: String) {
        separate()
        Self.appendString(name, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// Writes a member's key that is known at compile time and copied as it is.
    /// - Parameter name: Text that needs no escape: no quote, backslash or control character.
    public mutating func key(_ name: StaticString) {
        assert(
            name.withUTF8Buffer { !$0.contains(where: JSONBytes.isSpecial) },
            "the key \(name) needs escaping: pass it as a String")
        let comesFirst = !needsComma
        name.withUTF8Buffer { name in
            bytes.append(addingCapacity: name.count + 4) { output in
                if !comesFirst { output.append(UInt8(ascii: ",")) }
                output.append(UInt8(ascii: "\""))
                for byte in name { output.append(byte) }
                output.append(UInt8(ascii: "\""))
                output.append(UInt8(ascii: ":"))
            }
        }
        needsComma = false
    }

    public mutating func value(_ value: String) {
        separate()
        Self.appendString(value, to: &bytes)
    }

    public mutating func value(_ value: Int) {
        separate()
        Self.appendInteger(value, to: &bytes)
    }

    public mutating func value(_ value: Int64) {
        separate()
        Self.appendInteger(Int(value), to: &bytes)
    }

    /// Writes the shortest text that reads back as this double; NaN and infinities as `null`.
    public mutating func value(_ value: Double) {
        separate()
        JSONNumber(value).write(into: &bytes)
    }

    public mutating func value(_ value: Bool) {
        separate()
        Self.append(value ? "true" : "false", to: &bytes)
    }

    @_disfavoredOverload
    public mutating func value(_ value: JSON) {
        separate()
        value.write(into: &bytes)
    }

    public mutating func null() {
        separate()
        Self.append("null", to: &bytes)
    }

    /// Writes bytes that are one complete JSON value already.
    public mutating func raw(_ value: some Collection<UInt8>) {
        separate()
        bytes.append(contentsOf: value)
    }

    private mutating func begin(_ bracket: UInt8) {
        separate()
        bytes.append(bracket)
        needsComma = false
        depth += 1
    }

    private mutating func end(_ bracket: UInt8) {
        precondition(depth > 0, "endObject or endArray without its begin")
        depth -= 1
        bytes.append(bracket)
        needsComma = true
    }

    /// Sets the coming value or key apart from the one before it.
    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }
}
