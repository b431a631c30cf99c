import PolluxCore

/// What Acme's refusals mean. Kind: what the client is told and whether another attempt may follow. Scope and effect:
/// what rests. The upstream's own words go into `detail`, for the log.
enum AcmeFailure {
    /// `{"fail": "no_credit", "why": "…"}` behind a status that is no success.
    static func error(for response: UpstreamResponse) async -> GatewayError {
        var words: [UInt8] = []
        do { words = try await response.body.collect(upTo: 64 << 10) } catch { /* The status says enough. */  }
        var error = meaning(of: response.status)
        error.upstreamStatus = response.status
        error.detail = "status \(response.status): \(String(decoding: words.prefix(512), as: UTF8.self))"
        if let seconds = response.fields["retry-after"].flatMap({ Int($0) }), (0...86_400).contains(seconds) {
            error.retryAfter = .seconds(seconds)
        }
        return error
    }

    /// `{"fail": "overloaded"}` in the middle of an answer.
    static func error(code: String) -> GatewayError {
        var error = meaning(of: ["no_credit": 402, "too_fast": 429, "overloaded": 503][code] ?? 500)
        error.detail = "inside an answer: \(code.prefix(128))"
        return error
    }

    private static func meaning(of status: Int) -> GatewayError {
        switch status {
        case 401, 403:
            GatewayError(
                .upstreamAuth, .account, "the upstream refused the gateway's key; tell the operator",
                accountEffect: .rejectCredential)
        case 402, 429:
            GatewayError(
                .rateLimited, .account, "the upstream's limit is reached; try again later", accountEffect: .cool)
        case 404: GatewayError(.modelNotFound, .accountModel, "the upstream does not know this model; list the models")
        case 400, 413, 422: GatewayError(.upstreamRejected, .request, "the upstream rejected this request; shorten it")
        case 503: GatewayError(.upstreamUnavailable, .endpoint, "the upstream is overloaded; try again later")
        case 500...599: GatewayError(.upstreamError, .endpoint, "the upstream failed; try again")
        default: GatewayError(.upstreamBadResponse, .endpoint, "the upstream answered with an unexpected status")
        }
    }
}
