import PolluxCore

/// An error as OpenAI-compatible servers put it: all four members are always there.
struct OpenAIError: Error, Sendable {
    let status: Int
    let message: String
    let type: String
    var param: String?
    var code: String?

    var json: JSON {
        [
            "error": [
                "message": .string(message), "type": .string(type), "param": param.map { .string($0) } ?? .null,
                "code": code.map { .string($0) } ?? .null,
            ]
        ]
    }

    static func invalid(_ param: String?, _ message: String, code: String = "invalid_value") -> OpenAIError {
        OpenAIError(status: 400, message: message, type: "invalid_request_error", param: param, code: code)
    }

    static func notFound(_ message: String, code: String) -> OpenAIError {
        OpenAIError(status: 404, message: message, type: "invalid_request_error", code: code)
    }

    /// The usual error of a status.
    static func usual(_ status: Int) -> OpenAIError {
        let (message, type, code): (String, String, String?) =
            switch status {
            case 400: ("The request cannot be processed.", "invalid_request_error", "invalid_value")
            case 401: ("Incorrect API key provided.", "invalid_request_error", "invalid_api_key")
            case 403: ("This key may not use the model.", "permission_error", "permission_denied")
            case 404: ("The model does not exist.", "invalid_request_error", "model_not_found")
            case 408: ("The request took too long.", "invalid_request_error", "request_timeout")
            case 413: ("The request is too large.", "invalid_request_error", "request_too_large")
            case 422: ("The request makes no sense.", "invalid_request_error", nil)
            case 429: ("Rate limit reached for requests.", "rate_limit_error", "rate_limit_exceeded")
            case 503, 529: ("The engine is overloaded.", "server_error", "overloaded")
            default: ("The server had an error.", "server_error", nil)
            }
        return OpenAIError(status: status, message: message, type: type, code: code)
    }
}

extension HTTPAnswer {
    static func openAI(_ error: OpenAIError) -> HTTPAnswer { .json(error.json, status: error.status) }
}
