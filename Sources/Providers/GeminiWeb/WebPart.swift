import PolluxCore

/// One part of a frame, as far as its tag is known.
///
/// Source: Gemini web protocol notes, sections 6 and 9.2.
enum WebPart: Sendable, Equatable {
    /// The payload of a call, or of an answer, where `call` is `nil`.
    case payload(call: String?, JSON)
    /// A status in a payload's place: a number of the upstream's RPC layer, and its own code where there is one.
    case status(call: String?, rpc: Int?, code: Int?)
    /// The request as a whole failed.
    case failed(status: Int?, code: Int?)
    /// The token against forgery is to be replaced by this one.
    case token(Secret)
    case end
    /// Bookkeeping, and whatever is not known.
    case other

    init(_ json: JSON) {
        switch json[0]?.string {
        case "wrb.fr": self = Self.answer(json)
        case "er": self = .failed(status: json[5]?.int, code: json[9]?.int)
        case "xsrf": self = json[1]?.string.map { .token(Secret($0)) } ?? .other
        case "e": self = .end
        default: self = .other
        }
    }

    private static func answer(_ json: JSON) -> WebPart {
        let call = json[1]?.string
        if let text = json[2]?.string, let payload = try? JSON.parse(Array(text.utf8), .upstream) {
            return .payload(call: call, payload)
        }
        let status = json[5] ?? .null
        return .status(call: call, rpc: status[0]?.int, code: status[2]?[0]?[1]?[0]?.int)
    }
}

extension JSON {
    /// The value of a field: at its own place, or in the sparse form under its number plus one, in an object that
    /// stands last.
    func field(_ number: Int) -> JSON? {
        guard let elements = array else { return nil }
        if let value = self[number], !value.isNull, value.object == nil { return value }
        return elements.last?.object?["\(number + 1)"]
    }

    /// The text, unless it is empty.
    var someText: String? { string.flatMap { $0.isEmpty ? nil : $0 } }
}
