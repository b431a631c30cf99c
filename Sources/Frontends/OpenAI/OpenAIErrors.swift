import PolluxCore

/// The error envelope of the OpenAI format (OpenAI format notes, section 5).
struct OpenAIErrorBody {
    let message: String
    let type: String
    let param: String?
    let code: String

    init(_ error: GatewayError) {
        message = error.message
        type = Self.type(of: error.kind)
        param = error.param
        code = error.code ?? error.kind.clientCode
    }

    /// All four keys are always there: clients read them blindly.
    func write(to bytes: inout [UInt8]) {
        JSONWriter.append(to: &bytes) { writer in
            writer.beginObject()
            writer.key("error")
            writer.beginObject()
            writer.member("message", message)
            writer.member("type", type)
            writer.key("param")
            if let param { writer.value(param) } else { writer.null() }
            writer.member("code", code)
            writer.endObject()
            writer.endObject()
        }
    }

    private static func type(of kind: GatewayError.Kind) -> String {
        switch kind {
        case .malformedHTTP, .requestTooLarge, .headerTooLarge, .uriTooLong, .requestTimeout, .unsupportedMediaType,
            .expectationFailed, .unsupportedTransferCoding, .unsupportedVersion, .invalidRequest, .unsupported,
            .contextTooLong, .blocked, .authentication, .missingKey, .routeNotFound, .methodNotAllowed,
            .modelNotFound, .conversationLost, .cancelled, .upstreamRejected:
            "invalid_request_error"
        case .permission: "permission_error"
        case .rateLimited: "rate_limit_error"
        case .quotaExhausted: "insufficient_quota"
        case .upstreamUnreachable, .upstreamTLS, .upstreamReset, .upstreamTimeout, .upstreamTruncated,
            .upstreamBadResponse, .upstreamError, .upstreamTooLarge, .upstreamAuth, .upstreamUnavailable,
            .upstreamInvalidOutput, .noAccountAvailable, .overloaded, .shuttingDown, .internalError:
            "server_error"
        }
    }
}

extension HTTPAnswer {
    static func openAI(_ error: GatewayError) -> HTTPAnswer {
        var answer = HTTPAnswer.openAIJSON(status: error.httpStatus)
        OpenAIErrorBody(error).write(to: &answer.body)
        if error.isHopelessToRepeat { answer.head.fields.append("x-should-retry", "false") }
        return answer
    }

    /// - Returns: An answer whose body is still to be written.
    static func openAIJSON(status: Int = 200) -> HTTPAnswer {
        HTTPAnswer(status: status, fields: ["content-type": "application/json"])
    }
}

extension GatewayError {
    /// The official clients repeat a 429 or a 5xx twice within seconds; that cannot help when an allowance is used up
    /// or every account rests for longer than a minute.
    fileprivate var isHopelessToRepeat: Bool {
        if isHopeless { return true }
        return switch kind {
        case .quotaExhausted: true
        case .noAccountAvailable: retryAfter.map { $0 > .seconds(60) } ?? true
        case .rateLimited: retryAfter.map { $0 > .seconds(60) } ?? false
        default: false
        }
    }
}
