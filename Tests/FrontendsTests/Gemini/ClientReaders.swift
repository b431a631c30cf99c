import PolluxCore

/// How the official clients read a stream of events: far more strictly than server-sent events. Written anew from what
/// they are known to accept, to hold our streams against.
enum ClientReader: String, CaseIterable, Sendable, CustomStringConvertible {
    case python1, python2, go, javaScript

    enum End: Equatable {
        /// The client takes the answer for whole.
        case complete
        /// The client raises; with the code of the error that it was told, if it understood one.
        case raised(code: Int?)
    }

    var description: String { rawValue }

    /// - Parameters:
    ///   - reads: The pieces in which the bytes come.
    ///   - isCut: The connection ends without the proper end of the body.
    func read(_ reads: [String], isCut: Bool = false) -> (events: [JSON], end: End) {
        let text = reads.joined()
        var (events, end) =
            switch self {
            case .python1: Self.readLines(text, knowsErrors: false)
            case .python2: Self.readLines(text, knowsErrors: true)
            case .go: Self.readBlocks(text)
            case .javaScript: Self.readPieces(reads)
            }
        if isCut, end == .complete { end = .raised(code: nil) }
        events.removeAll { $0["error"] != nil }
        return (events, end)
    }

    // MARK: - Python

    /// Line by line: `data: ` is cut off, anything else is gathered until its braces balance.
    private static func readLines(_ text: String, knowsErrors: Bool) -> (events: [JSON], end: End) {
        var events: [JSON] = []
        var loose = ""
        var data: [String] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).map({ $0.filter { $0 != "\r" } }) {
            if line.isEmpty {
                guard !data.isEmpty else { continue }
                guard let event = parse(data.joined(separator: "\n")) else { return (events, .raised(code: nil)) }
                events.append(event)
                data = []
            } else if line.hasPrefix("data: ") {
                data.append(String(line.dropFirst(6)))
                guard !knowsErrors, let last = data.popLast() else { continue }
                guard let event = parse(last) else { return (events, .raised(code: nil)) }
                events.append(event)
            } else {
                loose += line
                guard loose.count(where: { $0 == "{" }) == loose.count(where: { $0 == "}" }) else { continue }
                guard let event = parse(loose) else { return (events, .raised(code: nil)) }
                // The newer client looks at the beginning of the text, the older one takes it for an empty answer.
                if knowsErrors, loose.hasPrefix(#"{"error":"#) {
                    return (events, .raised(code: event["error"]?["code"]?.int))
                }
                events.append(event)
                loose = ""
            }
        }
        let isHalf = !loose.isEmpty || !data.isEmpty
        return (events, isHalf ? .raised(code: nil) : .complete)
    }

    // MARK: - Go

    /// Block by block between empty lines: `data:` and JSON, or an error without a prefix.
    private static func readBlocks(_ text: String) -> (events: [JSON], end: End) {
        var events: [JSON] = []
        for block in blocks(of: text.replacing("\r\n", with: "\n")) where !block.isEmpty {
            guard block.hasPrefix("data:") else {
                let error = parse(block)?["error"]
                return (events, .raised(code: error?["code"]?.int))
            }
            guard let event = parse(String(block.dropFirst(5))) else { return (events, .raised(code: nil)) }
            events.append(event)
        }
        return (events, .complete)
    }

    private static func blocks(of text: String) -> [String] {
        var blocks: [String] = []
        var rest = text[...]
        while let end = rest.firstRange(of: "\n\n") {
            blocks.append(String(rest[..<end.lowerBound]))
            rest = rest[end.upperBound...]
        }
        let last = rest.hasSuffix("\n") ? rest.dropLast() : rest
        return blocks + [String(last)]
    }

    // MARK: - JavaScript

    /// Read by read: a read that is one error object is an error; blocks that begin with `data:` are events, others are
    /// passed over, and nothing may be left at the end.
    private static func readPieces(_ reads: [String]) -> (events: [JSON], end: End) {
        var events: [JSON] = []
        var buffer = ""
        for read in reads {
            if let error = parse(read)?["error"] { return (events, .raised(code: error["code"]?.int)) }
            buffer += read.replacing("\r\n", with: "\n")
            while let end = buffer.firstRange(of: "\n\n") {
                let block = trimmed(buffer[..<end.lowerBound])
                buffer = String(buffer[end.upperBound...])
                guard block.hasPrefix("data:") else { continue }
                guard let event = parse(trimmed(block.dropFirst(5)[...])) else { return (events, .raised(code: nil)) }
                events.append(event)
            }
        }
        return (events, trimmed(buffer[...]).isEmpty ? .complete : .raised(code: nil))
    }

    private static func trimmed(_ text: Substring) -> String {
        String(text.drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
    }

    private static func parse(_ text: String) -> JSON? {
        guard let value = try? JSON.parse(Array(text.utf8)), case .object = value else { return nil }
        return value
    }
}
