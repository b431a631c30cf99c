/// Writes an event stream (`text/event-stream`).
public enum SSEWriter {
    /// Appends an event that is data alone.
    ///
    /// - Parameter data: One line: compact JSON holds no CR and no LF.
    @inlinable
    public static func appendEvent(_ data: [UInt8], to bytes: inout [UInt8]) {
        beginEvent(in: &bytes)
        bytes.append(contentsOf: data)
        endEvent(in: &bytes)
    }

    /// Appends an event with a type of its own.
    ///
    /// - Parameter type: One line.
    public static func appendEvent(_ data: [UInt8], type: String, to bytes: inout [UInt8]) {
        bytes += "event: ".utf8
        bytes += type.utf8
        bytes.append(UInt8(ascii: "\n"))
        appendEvent(data, to: &bytes)
    }

    /// Appends what comes before data that the caller then writes in place; `endEvent` closes it.
    @inlinable
    public static func beginEvent(in bytes: inout [UInt8]) { bytes.append(contentsOf: "data: ".utf8) }

    @inlinable
    public static func endEvent(in bytes: inout [UInt8]) { bytes.append(contentsOf: "\n\n".utf8) }

    /// Appends a comment, which readers pass over: it keeps a quiet connection open.
    ///
    /// - Parameter text: One line.
    public static func appendComment(_ text: String, to bytes: inout [UInt8]) {
        bytes += ": ".utf8
        bytes += text.utf8
        endEvent(in: &bytes)
    }
}
