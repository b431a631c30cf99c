import PolluxCore

/// The error envelope of the Gemini format (Gemini format notes, section 7).
struct GeminiErrorBody {
    /// The HTTP status; the envelope repeats it.
    let code: Int
    let status: String
    private let error: GatewayError

    init(_ error: GatewayError) {
        self.error = error
        (code, status) = Self.status(of: error)
    }

    /// Some clients look at the first bytes: `error` comes first, and all of it stands on one line.
    func write(to bytes: inout [UInt8]) {
        JSONWriter.append(to: &bytes) { writer in
            writer.beginObject()
            writer.key("error")
            writer.beginObject()
            writer.member("code", code)
            writer.member("message", error.message)
            writer.member("status", status)
            writer.key("details")
            writer.beginArray()
            writeReason(to: &writer)
            if let wait = error.retryAfter { Self.write(wait, to: &writer) }
            if let param = error.param { writeViolation(param, to: &writer) }
            writer.endArray()
            writer.endObject()
            writer.endObject()
        }
    }

    /// The code of an error for something that this gateway does not offer.
    static let unimplemented = "UNIMPLEMENTED"

    private static func status(of error: GatewayError) -> (Int, String) {
        if error.code == unimplemented { return (501, unimplemented) }
        switch error.kind {
        case .authentication: return (400, "INVALID_ARGUMENT")
        case .missingKey: return (403, "PERMISSION_DENIED")
        case .methodNotAllowed: return (404, "NOT_FOUND")
        default: break
        }
        let code = error.httpStatus
        let name =
            switch code {
            case 403: "PERMISSION_DENIED"
            case 404, 410: "NOT_FOUND"
            case 408, 504: "DEADLINE_EXCEEDED"
            case 429: "RESOURCE_EXHAUSTED"
            case 499: "CANCELLED"
            case 500: "INTERNAL"
            case 501, 505: unimplemented
            case 502, 503: "UNAVAILABLE"
            default: "INVALID_ARGUMENT"
            }
        return (code, name)
    }

    // MARK: - Details

    /// Tells apart what shares a status. Google's own reason for a bad key is what clients look for.
    private func writeReason(to writer: inout JSONWriter) {
        let isBadKey = error.kind == .authentication
        writer.beginObject()
        writer.member("@type", "type.googleapis.com/google.rpc.ErrorInfo")
        writer.member("reason", isBadKey ? "API_KEY_INVALID" : (error.code ?? error.kind.clientCode).uppercased())
        writer.member("domain", isBadKey ? "googleapis.com" : "pollux")
        writer.endObject()
    }

    /// A duration as text: `11s`, `0.500s`.
    private static func write(_ wait: Duration, to writer: inout JSONWriter) {
        let milliseconds = max(1, wait.millisecondsRoundedUp)
        let (seconds, rest) = milliseconds.quotientAndRemainder(dividingBy: 1000)
        let fraction = rest == 0 ? "" : "." + String(String(1000 + rest).dropFirst())
        writer.beginObject()
        writer.member("@type", "type.googleapis.com/google.rpc.RetryInfo")
        writer.member("retryDelay", "\(seconds)\(fraction)s")
        writer.endObject()
    }

    private func writeViolation(_ param: String, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("@type", "type.googleapis.com/google.rpc.BadRequest")
        writer.key("fieldViolations")
        writer.beginArray()
        writer.beginObject()
        writer.member("field", Self.fields[param] ?? param)
        writer.member("description", error.message)
        writer.endObject()
        writer.endArray()
        writer.endObject()
    }

    /// Providers name what they cannot honour as most clients spell it; here it has other names.
    private static let fields = [
        "messages": "contents", "response_format": "generationConfig.responseMimeType",
        "n": "generationConfig.candidateCount", "modalities": "generationConfig.responseModalities",
        "max_tokens": "generationConfig.maxOutputTokens", "stop": "generationConfig.stopSequences",
    ]
}

extension HTTPAnswer {
    static let geminiContentType = "application/json; charset=UTF-8"

    static func gemini(_ error: GatewayError) -> HTTPAnswer {
        let body = GeminiErrorBody(error)
        var answer = HTTPAnswer.geminiJSON(status: body.code)
        body.write(to: &answer.body)
        return answer
    }

    /// - Returns: An answer whose body is still to be written.
    static func geminiJSON(status: Int = 200) -> HTTPAnswer {
        HTTPAnswer(status: status, fields: ["content-type": geminiContentType])
    }
}
