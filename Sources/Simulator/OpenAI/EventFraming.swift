/// Puts one payload into the lines of an event stream, plainly or in one of the odd ways that the standard allows.
struct EventFraming: Sendable {
    private let lineEnd: String
    private let hasSpace: Bool
    private let isCutInLines: Bool
    private let hasOtherFields: Bool
    private let hasComments: Bool
    private let hasByteOrderMark: Bool

    init(_ directives: Directives) {
        lineEnd = directives.has("crlf") ? "\r\n" : directives.has("cr") ? "\r" : "\n"
        hasSpace = !directives.has("nospace")
        isCutInLines = directives.has("multiline")
        hasOtherFields = directives.has("fields")
        hasComments = directives.has("comments")
        hasByteOrderMark = directives.has("bom")
    }

    /// What stands before the first event.
    var opening: [UInt8] { hasByteOrderMark ? [0xEF, 0xBB, 0xBF] : [] }

    var comment: [UInt8] { Array(": keep-alive\(lineEnd)\(lineEnd)".utf8) }

    /// - Parameter payload: JSON on one line, or `[DONE]`.
    func event(_ payload: String) -> [UInt8] {
        var bytes: [UInt8] = hasComments ? comment : []
        if hasOtherFields { bytes += "event: message\(lineEnd)id: 1\(lineEnd)retry: 3000\(lineEnd)".utf8 }
        for line in lines(of: payload) { bytes += "data:\(hasSpace ? " " : "")\(line)\(lineEnd)".utf8 }
        return bytes + Array(lineEnd.utf8)
    }

    /// A payload over several lines is put together with line ends between, which JSON takes as white space behind
    /// its first brace.
    private func lines(of payload: String) -> [Substring] {
        guard isCutInLines, payload.hasPrefix("{") else { return [payload[...]] }
        return [payload.prefix(1), payload.dropFirst()]
    }
}
