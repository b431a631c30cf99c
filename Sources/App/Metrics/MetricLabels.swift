import PolluxCore
import PolluxFrontends

/// The statuses that answers have, as the values of the label `code`.
enum StatusCode {
    private static let known = [
        200, 201, 202, 204, 206, 301, 302, 303, 304, 307, 400, 401, 403, 404, 405, 406, 408, 409, 410, 411, 412, 413,
        414, 415, 417, 421, 422, 428, 429, 431, 499, 500, 501, 502, 503, 504, 505,
    ]
    static let labels = known.map(String.init) + ["other"]

    static func column(_ status: Int) -> Int { known.firstIndex(of: status) ?? known.count }
}

/// What became of a request for an answer.
enum RequestResult: Int, CaseIterable {
    case ok, refused, failed, cancelled

    static let labels = allCases.map { "\($0)" }

    /// - Parameter isBroken: The answer ended in an error though its status says otherwise.
    init(status: Int, isBroken: Bool) {
        switch status {
        case 499: self = .cancelled
        case 400..<500: self = .refused
        case 500...: self = .failed
        default: self = isBroken ? .failed : .ok
        }
    }
}

/// What became of an attempt.
enum AttemptResult: Int, CaseIterable {
    case ok, failed, cancelled

    static let labels = allCases.map { "\($0)" }

    init(_ failure: GatewayError.Kind?) {
        self = failure == nil ? .ok : failure == .cancelled ? .cancelled : .failed
    }
}

/// What can go wrong with an attempt, by the codes that clients know (reliability requirements, section 13).
enum FailureClass {
    private static let kinds: [GatewayError.Kind] = [
        .upstreamUnreachable, .upstreamTLS, .upstreamReset, .upstreamTimeout, .upstreamTruncated, .upstreamBadResponse,
        .upstreamError, .upstreamTooLarge, .upstreamAuth, .upstreamRejected, .upstreamUnavailable,
        .upstreamInvalidOutput, .rateLimited, .quotaExhausted, .modelNotFound, .contextTooLong, .blocked,
        .conversationLost, .shuttingDown, .internalError,
    ]
    static let labels = kinds.map(\.clientCode) + ["other"]

    static func column(_ kind: GatewayError.Kind) -> Int { kinds.firstIndex(of: kind) ?? kinds.count }
}

/// What became of a message to the operator.
enum NotificationResult: Int, CaseIterable {
    case sent, failed, dropped

    static let kinds = ["webhook", "command"]
    static let columns: [[MetricLabel]] = kinds.flatMap { kind in
        allCases.map { [MetricLabel("kind", kind), MetricLabel("result", "\($0)")] }
    }

    func column(_ kind: String) -> Int {
        (Self.kinds.firstIndex(of: kind) ?? 0) * Self.allCases.count + rawValue
    }
}
