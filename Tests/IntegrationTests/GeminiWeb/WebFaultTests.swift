import PolluxCore
import PolluxSimulator
import Testing

/// Section 13 of the reliability requirements for a provider of kind `gemini-web`, with the reactions of the Gemini web
/// protocol notes, section 9, in the OpenAI format.
@Suite("gemini-web: upstream faults", .serialized)
struct WebFaultTests {
    struct Row: Sendable, CustomStringConvertible {
        let row: String
        let directive: String
        let status: Int
        let code: String
        /// Questions that the upstream sees.
        var questions = 1
        var retryAfter: ClosedRange<Int>?
        var description: String { "\(row) \(directive)" }
    }

    static let beforeText = [
        Row(row: "F-9", directive: "http 405", status: 502, code: "upstream_bad_response", questions: 2),
        Row(row: "F-11", directive: "error 1013", status: 502, code: "upstream_error"),
        Row(row: "F-11", directive: "error 1037", status: 429, code: "insufficient_quota", retryAfter: 1...1_209_600),
        Row(row: "F-11", directive: "error 1050", status: 502, code: "upstream_error", questions: 2),
        Row(row: "F-11", directive: "error 1060", status: 503, code: "upstream_unavailable", retryAfter: 1...3600),
        Row(row: "F-11", directive: "error 1096", status: 502, code: "upstream_error", questions: 2),
        Row(row: "F-11", directive: "error 1152", status: 502, code: "upstream_error"),
        Row(row: "F-11", directive: "error 4711", status: 502, code: "upstream_error"),
        Row(row: "F-11", directive: "status 7", status: 502, code: "upstream_auth_error", questions: 2),
        Row(row: "F-11", directive: "status 13", status: 502, code: "upstream_aborted", questions: 2),
        Row(row: "F-11", directive: "drop x", status: 502, code: "upstream_aborted", questions: 2),
        Row(row: "F-16", directive: "http 401", status: 502, code: "upstream_auth_error", questions: 2),
        Row(row: "F-16", directive: "http 403", status: 502, code: "upstream_auth_error", questions: 2),
        Row(row: "F-17", directive: "http 429", status: 429, code: "rate_limit_exceeded", retryAfter: 1...3600),
        Row(row: "F-18", directive: "http 400", status: 400, code: "upstream_rejected", questions: 2),
        Row(row: "F-18", directive: "error 1003", status: 400, code: "upstream_rejected"),
        Row(row: "F-19", directive: "error 1052", status: 404, code: "model_not_found", questions: 2),
        Row(row: "F-20", directive: "http 504", status: 504, code: "upstream_timeout"),
        Row(row: "F-21", directive: "http 500", status: 502, code: "upstream_error"),
        Row(row: "F-22", directive: "http 503", status: 503, code: "upstream_unavailable", retryAfter: 1...3600),
    ]

    @Test(
        "before the first byte the client gets a status and one error object", arguments: beforeText, [false, true])
    func before(_ row: Row, isStreamed: Bool) async throws {
        try await WebUpstream.with { gateway, upstream in
            let reply = try gateway.askWeb("!sim \(row.directive)\nHello", stream: isStreamed)
            #expect(reply.fault == nil)
            #expect(reply.status == row.status, "\(reply.text)")
            #expect(reply.errorCode == row.code)
            #expect(reply.isErrorEnvelope, "\(reply.text)")
            #expect(reply.head["content-type"] == "application/json")
            let retryAfter = reply.head["retry-after"].flatMap { Int($0) }
            if let range = row.retryAfter {
                #expect(retryAfter.map(range.contains) == true, "\(reply.head["retry-after"] ?? "none")")
            } else {
                #expect(retryAfter == nil)
            }
            #expect(try upstream.questions().count == row.questions)
            #expect(!reply.text.contains("google"))
        }
    }

    /// Without a list of models to fetch, the first visit is the client's.
    static let fixedModels = ", models: [{id: gemini-flash, model_id: fbb127bbb056c959}]"

    static let pages = [
        Row(row: "F-16", directive: "consent", status: 502, code: "upstream_auth_error"),
        Row(row: "F-17", directive: "429", status: 429, code: "rate_limit_exceeded", retryAfter: 1...3600),
        Row(row: "F-22", directive: "503", status: 503, code: "upstream_unavailable", retryAfter: 1...3600),
    ]

    @Test("a page that fails is told before any question", arguments: pages)
    func page(_ row: Row) async throws {
        try await WebUpstream.with(Self.fixedModels) { gateway, upstream in
            try upstream.change("amber", ["init": .string(row.directive)])
            let reply = try gateway.askWeb("Hello")
            #expect(reply.status == row.status, "\(reply.text)")
            #expect(reply.errorCode == row.code)
            #expect((reply.head["retry-after"] != nil) == (row.retryAfter != nil))
            #expect(try upstream.questions().isEmpty)
        }
    }

    /// The answer breaks off behind text: in order, or in the middle of a frame.
    static let late = ["truncate", "cut"]

    @Test(
        "behind text that cannot be read back, the text is kept, one error event follows, and nothing is asked again",
        arguments: late)
    func after(_ directive: String) async throws {
        try await WebUpstream.with(", history: temporary", topLevel: "retry: {max_retries: 2}") { gateway, upstream in
            let reply = try gateway.askWeb(
                "!sim say One two three four five six\n!sim \(directive) x", stream: true)
            let answer = StreamedAnswer(reply)
            #expect(reply.status == 200)
            #expect(reply.fault == nil, "the chunked body must end properly")
            #expect(answer.text.hasPrefix("One"), "\(reply.text)")
            #expect(answer.lastError?["code"]?.string == "upstream_truncated", "\(reply.text)")
            #expect(!answer.hasDone)
            #expect(try upstream.questions().count == 1)
        }
    }

    @Test("a fault behind text is a plain error for a whole answer", arguments: late)
    func afterWhole(_ directive: String) async throws {
        try await WebUpstream.with(", history: temporary") { gateway, upstream in
            let reply = try gateway.askWeb("!sim say One two three four five six\n!sim \(directive) x")
            #expect((reply.status, reply.errorCode) == (502, "upstream_truncated"), "\(reply.text)")
            #expect(reply.isErrorEnvelope)
            #expect(try upstream.questions().count == 1)
        }
    }

    @Test("a stall behind text ends at the gap timer and the rest is read back, once it is there")
    func stall() async throws {
        try await WebUpstream.with(", timeouts: {gap: 500ms}") { gateway, upstream in
            let reply = try gateway.askWeb("!sim say One two three\n!sim stall 2", stream: true)
            let answer = StreamedAnswer(reply)
            #expect(answer.text == "One two three", "\(reply.text)")
            #expect(try upstream.questions().count == 1)
            #expect(try upstream.calls("hNvQHb") >= 1)
        }
    }

    @Test("a limited account makes way for another one")
    func otherAccount() async throws {
        // Two at a time: the one account may still be busy with telling its models, and a retry does not wait for it.
        let (settings, retries) = (", pool: {max_in_flight: 2}", "retry: {max_retries: 2}")
        try await WebUpstream.with(settings, accounts: ["amber", "birch"], topLevel: retries) { gateway, upstream in
            upstream.server.control.add(FaultRule(method: "StreamGenerate", times: 1, directives: "!sim http 429"))
            let reply = try gateway.askWeb("Hello")
            #expect(reply.answerText == "turn 1: Hello", "\(reply.text)")
            let accounts = try upstream.questions().compactMap { $0["account"]?.string }
            #expect(Set(accounts) == ["amber", "birch"])
        }
    }
}
