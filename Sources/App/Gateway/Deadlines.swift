import PolluxCore

/// How long one request may take as a whole.
enum Deadlines {
    /// The longest `timeouts.request` of the providers; a client's `X-Request-Timeout` (seconds) may shorten it.
    ///
    /// - Throws: `invalidRequest` for a header that is not a positive number.
    static func deadline(
        of request: ModelRequest, _ gateway: Gateway, _ head: HTTPRequestHead, start: Instant
    ) throws(GatewayError) -> Instant {
        let longest = gateway.requestTimeouts.values.max() ?? .seconds(330)
        var deadline = start + longest
        if let asked = request.deadline { deadline = min(deadline, asked) }
        guard let text = head.fields["x-request-timeout"] else { return deadline }
        guard let seconds = Double(text), seconds > 0, seconds.isFinite else {
            throw .invalid("x-request-timeout", "X-Request-Timeout is a number of seconds above 0")
        }
        return min(deadline, start + .milliseconds(Int64(min(seconds, 86_400) * 1000)))
    }
}

extension ModelResponse {
    /// Bytes of text and media, roughly: decides where the answer is encoded.
    var weight: Int {
        candidates.reduce(0) { sum, candidate in
            candidate.parts.reduce(sum) { $0 + $1.weight }
        }
    }
}

extension Part {
    fileprivate var weight: Int {
        switch content {
        case .text(let text), .reasoning(let text), .refusal(let text): return text.utf8.count
        case .toolCall(let call): return call.rawArguments.utf8.count
        case .toolResult: return 0
        case .media(let media):
            if case .inline(let bytes) = media.source { return bytes.count }
            return 0
        }
    }
}
