import PolluxCore

/// An error as Google's APIs put it, and the HTTP answer that carries it.
struct GoogleError: Error, Sendable {
    let code: Int
    let message: String
    var reason: String?

    /// `{"error":{"code","message","status","details"?}}` (protocol notes, section 10).
    var json: JSON {
        var error = JSONObject([
            ("code", .number(JSONNumber(code))), ("message", .string(message)),
            ("status", .string(Self.statusName(code))),
        ])
        if let reason {
            error["details"] = [
                [
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": .string(reason),
                    "domain": "discoveryengine.googleapis.com",
                ]
            ]
        }
        return ["error": .object(error)]
    }

    /// The usual error of a status, in the upstream's words.
    static func usual(_ code: Int) -> GoogleError {
        switch code {
        case 400: invalidArgument("Request contains an invalid argument.")
        case 401: unauthenticated("Request had invalid authentication credentials.")
        case 403: GoogleError(code: 403, message: "The caller does not have permission")
        case 404: GoogleError(code: 404, message: "Requested entity was not found.")
        case 429:
            GoogleError(code: 429, message: "Resource has been exhausted (e.g. check quota).", reason: "LLM_OVERLOADED")
        case 503: GoogleError(code: 503, message: "The service is currently unavailable.")
        case 504: GoogleError(code: 504, message: "Deadline expired before operation could complete.")
        default: GoogleError(code: code, message: "Internal error encountered.")
        }
    }

    /// The usual error with another reason where a directive `reason` names one; with an empty one, without a reason.
    static func usual(_ code: Int, _ directives: Directives) -> GoogleError {
        var error = usual(code)
        if let reason = directives["reason"] { error.reason = reason.isEmpty ? nil : reason }
        return error
    }

    static func unauthenticated(_ message: String) -> GoogleError {
        GoogleError(code: 401, message: message, reason: "SESSION_COOKIE_INVALID")
    }

    static func invalidArgument(_ message: String) -> GoogleError { GoogleError(code: 400, message: message) }

    static func notFound(_ message: String) -> GoogleError { GoogleError(code: 404, message: message) }

    private static func statusName(_ code: Int) -> String {
        switch code {
        case 400: "INVALID_ARGUMENT"
        case 401: "UNAUTHENTICATED"
        case 403: "PERMISSION_DENIED"
        case 404: "NOT_FOUND"
        case 405, 501: "UNIMPLEMENTED"
        case 409: "ABORTED"
        case 413: "INVALID_ARGUMENT"
        case 429: "RESOURCE_EXHAUSTED"
        case 499: "CANCELLED"
        case 503: "UNAVAILABLE"
        case 504: "DEADLINE_EXCEEDED"
        default: "INTERNAL"
        }
    }
}
