import PolluxCore
import PolluxFrontends

/// Errors that no frontend claims.
enum PlainErrors {
    static func answer(_ error: GatewayError, requestID: String) -> HTTPAnswer {
        var answer = StandardFrontends.answer(for: error)
        answer.head.fields.append("x-content-type-options", "nosniff")
        answer.head.fields.append("x-request-id", requestID)
        return RetryFields.adding(to: answer, error)
    }
}

/// `Retry-After`, in whole seconds and, for the SDKs that read it, in milliseconds.
enum RetryFields {
    /// For a 429 or 503 whose cause names no time (requirements F-17 and F-22).
    static let usualWait = Duration.seconds(5)

    static func adding(to answer: HTTPAnswer, _ error: GatewayError) -> HTTPAnswer {
        let isTemporary = answer.head.status == 429 || answer.head.status == 503
        let unnamed = isTemporary ? usualWait : nil
        guard let wait = error.retryAfter ?? unnamed, answer.head.status >= 400 else { return answer }
        var answer = answer
        answer.head.fields.append("retry-after", String(max(1, wait.secondsRoundedUp)))
        answer.head.fields.append("retry-after-ms", String(max(1, wait.millisecondsRoundedUp)))
        return answer
    }
}
