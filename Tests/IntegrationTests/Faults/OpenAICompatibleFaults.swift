import PolluxCore
import PolluxSimulator

/// Section 13 for a provider of kind `openai-compatible`. Not here: F-8 (HTTP/2), F-15 (its timer of 120 s is tested on
/// a manual clock), F-28 (see the retries).
enum OpenAICompatibleFaults {
    /// Short enough to wait for, long enough for a busy machine to answer everything else.
    static let impatient = ", timeouts: {first_byte: 400ms, gap: 400ms}"

    static let before: [Fault] = unreachable + broken + refused

    static let unreachable: [Fault] = [
        Fault("F-1", "connection refused", .address(.refused), 502, "upstream_unreachable"),
        Fault("F-1", "unknown host", .address(.unknownHost), 502, "upstream_unreachable"),
        Fault("F-2", "TLS to a port that speaks plain", .address(.plainBehindHTTPS), 502, "upstream_tls_error"),
        Fault("F-3", "closed without a reply", .prompt("drop"), 502, "upstream_reset"),
        Fault("F-3", "reset without a reply", .prompt("drop=reset"), 502, "upstream_reset"),
        Fault("F-4", "no byte in time", .prompt("headerstall"), 504, "upstream_timeout", settings: impatient),
        Fault("F-4", "half a head, then nothing", .prompt("halfhead"), 504, "upstream_timeout", settings: impatient),
        Fault("F-4", "head only", .prompt("stall=0"), 504, "upstream_timeout", settings: impatient),
    ]

    static let broken: [Fault] = [
        Fault("F-6", "chunked body without end", .prompt("cut=0"), 502, "upstream_truncated"),
        Fault(
            "F-6", "body shorter than its length",
            .bytes("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{\"choices\":[{"),
            502, "upstream_truncated"),
        Fault("F-7", "reset in the body", .prompt("reset=0"), 502, "upstream_reset"),
        Fault("F-9", "malformed JSON in an event", .prompt("badjson=0"), 502, "upstream_bad_response"),
        Fault(
            "F-9", "wrong shape", .order(FaultRule(method: "chat.completions", status: 200, body: ["choices": "none"])),
            502, "upstream_bad_response"),
        Fault("F-9", "bad chunk", .prompt("badchunk=0"), 502, "upstream_bad_response"),
        Fault("F-9", "bad status line", .prompt("badstatus"), 502, "upstream_bad_response"),
        Fault("F-9", "head above 64 KiB", .prompt("bighead"), 502, "upstream_bad_response"),
        Fault(
            "F-9", "broken encoding",
            .bytes("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 9\r\n\r\nnot gzip!"), 502,
            "upstream_bad_response"),
        Fault("F-10", "a web page with 200", .prompt("html"), 502, "upstream_bad_response"),
        Fault("F-10", "an empty body with 200", .prompt("emptybody"), 502, "upstream_bad_response"),
        Fault(
            "F-11", "error event of a known kind", .prompt("errorevent=429,at=0"), 429, "rate_limit_exceeded",
            .within(1...60)),
        Fault("F-11", "error event", .prompt("errorevent,at=0"), 502, "upstream_error"),
        Fault(
            "F-11", "error object as the whole body",
            .order(FaultRule(method: "chat.completions", status: 500, isInBand: true)), 502, "upstream_error"),
        Fault(
            "F-12", "event above the limit", .prompt("big=200000"), 502, "upstream_too_large",
            settings: ", max_event_bytes: 64KiB"),
        Fault("F-24", "no finish reason and no text", .prompt("nofinish,empty"), 502, "upstream_truncated"),
    ]

    static let refused: [Fault] = [
        status("F-16", 401, 502, "upstream_auth_error"), status("F-16", 403, 502, "upstream_auth_error"),
        status("F-17", 429, 429, "rate_limit_exceeded", "7", .within(6...7)),
        Fault(
            "F-17", "status 429 with a date",
            .bytes("HTTP/1.1 429 Limited\r\nretry-after: Wed, 01 Jan 2200 00:00:00 GMT\r\ncontent-length: 0\r\n\r\n"),
            429, "rate_limit_exceeded", .within(86_399...86_400)),
        status("F-17", 429, 429, "rate_limit_exceeded", "soon", .within(1...60)),
        status("F-17", 429, 429, "rate_limit_exceeded", nil, .within(1...60)),
        status("F-18", 400, 400, "upstream_rejected"), status("F-18", 413, 413, "upstream_rejected"),
        status("F-18", 422, 400, "upstream_rejected"),
        Fault(
            "F-18", "prompt too long",
            .order(
                FaultRule(
                    method: "chat.completions", status: 400,
                    body: [
                        "error": [
                            "message": "too many tokens", "type": "invalid_request_error", "param": "messages",
                            "code": "context_length_exceeded",
                        ]
                    ])), 400, "context_length_exceeded"),
        Fault(
            "F-18", "prompt blocked",
            .order(
                FaultRule(
                    method: "chat.completions", status: 400,
                    body: [
                        "error": [
                            "message": "no", "type": "invalid_request_error", "param": nil, "code": "content_filter",
                        ]
                    ])), 400, "content_filter"),
        status("F-19", 404, 404, "model_not_found"),
        status("F-20", 408, 504, "upstream_timeout"), status("F-20", 504, 504, "upstream_timeout"),
        status("F-21", 500, 502, "upstream_error"), status("F-21", 502, 502, "upstream_error"),
        status("F-22", 503, 503, "upstream_unavailable", "9", .within(8...9)),
        status("F-22", 503, 503, "upstream_unavailable", nil, .within(1...60)),
        status("F-22", 529, 503, "upstream_unavailable", nil, .within(1...60)),
        Fault("F-23", "a redirect", .prompt("redirect"), 502, "upstream_bad_response"),
    ]

    static let after: [LateFault] = [
        LateFault("F-5", "stall", "stall=2", "upstream_timeout", settings: impatient),
        LateFault("F-6", "FIN inside an event", "cut=2", "upstream_truncated"),
        LateFault("F-7", "reset", "reset=2", "upstream_reset"),
        LateFault("F-9", "malformed JSON in an event", "badjson=2", "upstream_bad_response"),
        LateFault("F-9", "bad chunk", "badchunk=2", "upstream_bad_response"),
        LateFault("F-11", "error event", "errorevent,at=2", "upstream_error"),
        LateFault("F-11", "error event of a known kind", "errorevent=429,at=2", "rate_limit_exceeded"),
        LateFault("F-24", "clean end without a finish reason", "nofinish", "upstream_truncated"),
    ]

    private static func status(
        _ row: String, _ upstream: Int, _ status: Int, _ code: String, _ sent: String? = nil,
        _ retryAfter: Fault.RetryAfter = .absent
    ) -> Fault {
        let field = sent.map { ",retry-after=\($0)" } ?? ""
        return Fault(row, "status \(upstream)\(field)", .prompt("http=\(upstream)\(field)"), status, code, retryAfter)
    }
}
