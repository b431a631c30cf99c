/// A kind of failure that says how well an upstream works, and nothing about limits, credentials or the request.
///
/// Breakers count these alone. A limit has its own rest, a refused credential its own finding, and what the client did
/// wrong proves that somebody answers.
public enum FaultClass: Int, Sendable, CaseIterable {
    /// There was no way to the upstream: its name, its port, TLS.
    case network
    /// The connection broke.
    case reset
    /// It took too long.
    case timeout
    /// The upstream said that it failed or is overloaded.
    case server
    /// What came was no answer: another form, a page, cut off.
    case answer

    /// As it stands in a sentence: "5 server errors in a row".
    var noun: String {
        switch self {
        case .network: "failed connections"
        case .reset: "broken connections"
        case .timeout: "timeouts"
        case .server: "server errors"
        case .answer: "unusable answers"
        }
    }
}

extension GatewayError {
    /// What breakers count this as; `nil` for what is neutral to them.
    ///
    /// A failure with an effect on the account rests there already, and one that is about the request or the
    /// conversation says nothing about the upstream.
    public var faultClass: FaultClass? {
        guard accountEffect == .none, scope != .request, scope != .session else { return nil }
        switch kind {
        case .upstreamUnreachable, .upstreamTLS: return .network
        case .upstreamReset: return .reset
        case .upstreamTimeout: return .timeout
        case .upstreamError, .upstreamUnavailable: return .server
        case .upstreamTruncated, .upstreamBadResponse, .upstreamTooLarge: return .answer
        default: return nil
        }
    }
}
