import PolluxCore

/// The bytes between the objects of a stream. The official clients read far less than server-sent events: nothing but
/// `data: {one line}` and blank lines may be sent, and nothing but two newlines to keep a connection alive.
struct GeminiFraming: Sendable {
    private let isEventStream: Bool
    private var isOpen = false

    /// - Parameter isEventStream: `alt=sse`; else the answer is one JSON array, written piece by piece.
    init(isEventStream: Bool) { self.isEventStream = isEventStream }

    var contentType: String { isEventStream ? "text/event-stream" : HTTPAnswer.geminiContentType }

    var keepAlive: [UInt8] { Array((isEventStream ? "\n\n" : "\n").utf8) }

    /// - Parameter write: Appends one JSON object on one line.
    mutating func append(to bytes: inout [UInt8], _ write: (inout [UInt8]) -> Void) {
        if isEventStream {
            bytes += "data: ".utf8
            write(&bytes)
            bytes += "\n\n".utf8
        } else {
            bytes += (isOpen ? ",\r\n" : "[").utf8
            isOpen = true
            write(&bytes)
        }
    }

    /// Among events, a bare line without a blank one behind it: the clients take an event for an answer. In the array,
    /// its last element, and no bracket.
    mutating func append(_ error: GatewayError, to bytes: inout [UInt8]) {
        if !isEventStream { bytes += (isOpen ? ",\r\n" : "[").utf8 }
        GeminiErrorBody(error).write(to: &bytes)
        bytes += "\n".utf8
    }

    func end(_ bytes: inout [UInt8]) {
        if !isEventStream { bytes += "]".utf8 }
    }
}
