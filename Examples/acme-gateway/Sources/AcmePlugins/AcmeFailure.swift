import PolluxCore

/// `{"fail": "no_credit", "why": "…"}`: what Acme says when it refuses, behind a status or in the middle of an answer.
enum AcmeFailure {
    static func error(for response: UpstreamResponse, now: WallTime) async -> GatewayError {
        await response.failure(now: now) { body in
            UpstreamFailure(message: body["why"]?.string ?? "", code: body["fail"]?.string ?? "")
        }
    }

    static func error(code: String) -> GatewayError {
        let status = ["no_credit": 402, "too_fast": 429, "overloaded": 503][code] ?? 500
        return .upstream(inAnswer: UpstreamFailure(code: String(code.prefix(128)), status: status))
    }
}
