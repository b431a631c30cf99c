import PolluxCore
import Testing

/// The faults of `WebFaultTests` for clients of the Gemini format: the same codes as reasons, whole, as events and as
/// an array.
@Suite("gemini-web: upstream faults in the Gemini format", .serialized)
struct WebGeminiFaultTests {
    @Test(
        "before the first byte the client gets a status and one error object", arguments: WebFaultTests.beforeText,
        GeminiForm.allCases)
    func before(_ row: WebFaultTests.Row, _ form: GeminiForm) async throws {
        try await WebUpstream.with { gateway, upstream in
            let reply = try gateway.generate("!sim \(row.directive)\nHello", form, model: "gemini-flash")
            try Self.check(reply, row)
            #expect(try upstream.questions().count == row.questions)
            #expect(!reply.text.contains("google.com"))
        }
    }

    @Test("a page that fails is told before any question", arguments: WebFaultTests.pages, GeminiForm.allCases)
    func page(_ row: WebFaultTests.Row, _ form: GeminiForm) async throws {
        try await WebUpstream.with(WebFaultTests.fixedModels) { gateway, upstream in
            try upstream.change("amber", ["init": .string(row.directive)])
            try Self.check(try gateway.generate("Hello", form, model: "gemini-flash"), row)
            #expect(try upstream.questions().isEmpty)
        }
    }

    private static func check(_ reply: Reply, _ row: WebFaultTests.Row) throws {
        #expect(reply.fault == nil)
        #expect(reply.status == row.status, "\(reply.text)")
        #expect(reply.head["content-type"] == "application/json; charset=UTF-8")
        let error = try #require(reply.json["error"])
        #expect(error.isGeminiError, "\(reply.text)")
        #expect(error["code"]?.int == row.status)
        #expect(error.geminiReason == row.code)
        let waits = [reply.head["retry-after"].flatMap { Double($0) }, error.retryDelay]
        if let range = row.retryAfter {
            #expect(waits.allSatisfy { $0.map { range.contains(Int($0)) } == true }, "\(waits) \(reply.text)")
        } else {
            #expect(waits == [nil, nil])
        }
    }

    @Test(
        "behind text that cannot be read back, the text is kept, a bare error follows, and the connection is cut",
        arguments: WebFaultTests.late, [GeminiForm.events, .array])
    func after(_ directive: String, _ form: GeminiForm) async throws {
        try await WebUpstream.with(", history: temporary", topLevel: "retry: {max_retries: 2}") { gateway, upstream in
            let reply = try gateway.generate(
                "!sim say One two three four five six\n!sim \(directive) x", form, model: "gemini-flash")
            let answer = GeminiAnswer(reply, form)
            #expect(reply.status == 200)
            #expect(reply.fault == .closedEarly, "only a cut makes every client notice")
            #expect(answer.text.hasPrefix("One"), "\(reply.text)")
            #expect(answer.error?.isGeminiError == true, "\(reply.text)")
            #expect(answer.error?.geminiReason == "upstream_truncated")
            #expect(!answer.isWhole && answer.finishReasons.isEmpty)
            #expect(try upstream.questions().count == 1)
        }
    }

    @Test("a fault behind text is a plain error for a whole answer", arguments: WebFaultTests.late)
    func afterWhole(_ directive: String) async throws {
        try await WebUpstream.with(", history: temporary") { gateway, upstream in
            let reply = try gateway.generate(
                "!sim say One two three four five six\n!sim \(directive) x", model: "gemini-flash")
            #expect(reply.fault == nil)
            #expect(reply.json["error"]?.isGeminiError == true, "\(reply.text)")
            #expect(reply.json["error"]?.geminiReason == "upstream_truncated")
            #expect(try upstream.questions().count == 1)
        }
    }

    @Test("what a stream broke off is read back, and the answer is whole", arguments: [GeminiForm.events, .array])
    func readBack(_ form: GeminiForm) async throws {
        try await WebUpstream.with { gateway, upstream in
            let reply = try gateway.generate(
                "!sim say One two three four five six\n!sim truncate x", form, model: "gemini-flash")
            let answer = GeminiAnswer(reply, form)
            #expect(answer.isWhole, "\(reply.text)")
            #expect(answer.text == "One two three four five six")
            #expect(answer.finishReasons == ["STOP"])
            #expect(try upstream.questions().count == 1)
        }
    }
}
