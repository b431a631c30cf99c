import PolluxSimulator

/// Section 13 for a provider of kind `gemini-business`, where it applies, with the reactions of the Gemini Business
/// protocol notes, section 10. Thoughts are delivered, so what happens behind them happens behind the first byte.
enum GeminiBusinessFaults {
    static let impatient = ", timeouts: {first_byte: 400ms, gap: 400ms}"

    static let before: [Fault] = signIn + session + answer

    static let signIn: [Fault] = [
        order("F-16", "getoxsrf", 401, 502, "upstream_auth_error"),
        order("F-16", "getoxsrf", 403, 502, "upstream_auth_error"),
        order("F-17", "getoxsrf", 429, 429, "rate_limit_exceeded", 7, .within(6...7)),
        order("F-21", "getoxsrf", 500, 502, "upstream_error"),
        order("F-22", "getoxsrf", 503, 503, "upstream_unavailable", nil, .within(1...60)),
    ]

    static let session: [Fault] = [
        order("F-17", "widgetCreateSession", 429, 429, "rate_limit_exceeded", 7, .within(6...7)),
        order("F-20", "widgetCreateSession", 504, 504, "upstream_timeout"),
        order("F-21", "widgetCreateSession", 500, 502, "upstream_error"),
        order("F-22", "widgetCreateSession", 503, 503, "upstream_unavailable", 9, .within(8...9)),
    ]

    static let answer: [Fault] = [
        Fault("F-5", "stall in the body", .prompt("slow=5000"), 504, "upstream_timeout", settings: impatient),
        prompt("F-10", "nothing but an end", "empty", 502, "upstream_bad_response"),
        prompt("F-11", "429 in band", "inband=429", 429, "rate_limit_exceeded", .within(1...60)),
        prompt("F-11", "500 in band", "inband=500", 502, "upstream_error"),
        prompt("F-11", "503 in band", "inband=503", 503, "upstream_unavailable", .within(1...60)),
        prompt("F-11", "state FAILED", "failed,empty", 502, "upstream_error"),
        prompt("F-16", "status 403", "http=403", 502, "upstream_auth_error"),
        prompt(
            "F-17", "429 that names a time", "http=429,retry-after=7", 429, "rate_limit_exceeded", .within(6...7)),
        prompt("F-17", "status 429", "http=429", 429, "rate_limit_exceeded", .within(1...60)),
        prompt("F-18", "status 400", "http=400", 400, "upstream_rejected"),
        prompt("F-20", "status 504", "http=504", 504, "upstream_timeout"),
        prompt("F-21", "status 500", "http=500", 502, "upstream_error"),
        prompt("F-22", "status 503", "http=503", 503, "upstream_unavailable", .within(1...60)),
        // A token may be too old: the provider makes a new one, once.
        Fault("F-16", "status 401, also for a new token", .prompt("http=401"), 502, "upstream_auth_error", requests: 2),
    ]

    static let after: [LateFault] = [
        LateFault("F-6", "cut behind thoughts", "cut=0", "upstream_truncated"),
        LateFault("F-6", "cut behind text", "cut=2", "upstream_truncated"),
        LateFault("F-10", "thoughts and no answer", "thoughts-only", "upstream_bad_response"),
        LateFault("F-11", "500 in band behind text", "late-inband=500", "upstream_error"),
        LateFault("F-11", "429 in band behind text", "late-inband=429", "rate_limit_exceeded"),
        LateFault("F-11", "state FAILED behind text", "failed", "upstream_error"),
    ]

    private static func prompt(
        _ row: String, _ what: String, _ marks: String, _ status: Int, _ code: String,
        _ retryAfter: Fault.RetryAfter = .absent
    ) -> Fault {
        Fault(row, what, .prompt(marks), status, code, retryAfter)
    }

    private static func order(
        _ row: String, _ method: String, _ upstream: Int, _ status: Int, _ code: String, _ sent: Int? = nil,
        _ retryAfter: Fault.RetryAfter = .absent
    ) -> Fault {
        Fault(
            row, "\(method) answers \(upstream)",
            .order(FaultRule(method: method, status: upstream, times: 5, retryAfter: sent)), status, code, retryAfter,
            requests: 0)
    }
}
