import PolluxCore
import PolluxSimulator
import Testing

/// Section 13 for clients of the Gemini format: the same faults, the same codes as reasons, whole, as events and as an
/// array.
@Suite("Upstream faults in the Gemini format (reliability requirements, section 13)", .serialized)
struct GeminiFormatFaultTests {
    @Test(
        "openai-compatible: before the first byte the client gets a status and one error object",
        arguments: OpenAICompatibleFaults.before, GeminiForm.allCases)
    func openAIBefore(_ fault: Fault, _ form: GeminiForm) async throws {
        try await check(fault, .openAICompatible, form)
    }

    @Test(
        "gemini-business: before the first byte the client gets a status and one error object",
        arguments: GeminiBusinessFaults.before, GeminiForm.allCases)
    func businessBefore(_ fault: Fault, _ form: GeminiForm) async throws {
        try await check(fault, .geminiBusiness, form)
    }

    @Test(
        "openai-compatible: behind text, the text is kept, a bare error follows, and the connection is cut",
        arguments: OpenAICompatibleFaults.after, [GeminiForm.events, .array])
    func openAIAfter(_ fault: LateFault, _ form: GeminiForm) async throws {
        try await check(fault, .openAICompatible, form)
    }

    @Test(
        "gemini-business: behind text, the text is kept, a bare error follows, and the connection is cut",
        arguments: GeminiBusinessFaults.after, [GeminiForm.events, .array])
    func businessAfter(_ fault: LateFault, _ form: GeminiForm) async throws {
        try await check(fault, .geminiBusiness, form)
    }

    @Test(
        "openai-compatible: a fault behind text is a plain error for a whole answer",
        arguments: OpenAICompatibleFaults.after)
    func openAIAfterWhole(_ fault: LateFault) async throws { try await checkWhole(fault, .openAICompatible) }

    @Test(
        "gemini-business: a fault behind text is a plain error for a whole answer",
        arguments: GeminiBusinessFaults.after)
    func businessAfterWhole(_ fault: LateFault) async throws { try await checkWhole(fault, .geminiBusiness) }

    @Test(
        "F-25 … F-27: an upstream's oddities change nothing",
        arguments: ["nodone", "crlf", "cr", "bom", "nospace", "multiline", "fields", "comments", "split", "interim"],
        GeminiForm.allCases)
    func oddStreams(_ marks: String, _ form: GeminiForm) async throws {
        try await TestGateway.with { gateway in
            let prompt = "[[sim:\(marks)]] caf\u{E9} \u{4F60}\u{597D} \u{1F468}\u{200D}\u{1F469} \u{2028} end"
            let answer = GeminiAnswer(try gateway.generate(prompt, form), form)
            #expect(answer.isWhole)
            #expect(answer.text == "echo[sim-large|turn=1]: \(prompt)")
            #expect(answer.finishReasons == ["STOP"])
        }
    }

    @Test("F-28: without an account the client is told when to come back", arguments: GeminiForm.allCases)
    func noAccount(_ form: GeminiForm) async throws {
        try await TestGateway.with { gateway in
            _ = try gateway.generate("[[sim:http=429,retry-after=90]]", form)
            let reply = try gateway.generate("hello", form)
            #expect(reply.status == 503 || reply.status == 429, "\(reply.text)")
            let error = try #require(reply.json["error"])
            #expect(error.isGeminiError)
            #expect(error.retryDelay.map { (60...90).contains($0) } == true, "\(error.text)")
            #expect(reply.head["retry-after"].flatMap { Int($0) }.map { (60...90).contains($0) } == true)
        }
    }
}

/// No case may take longer; a hang fails here.
private let limit = Duration.seconds(10)

/// Thoughts are delivered only where they are asked for, and some faults come behind thoughts.
private let withThoughts = #","generationConfig":{"thinkingConfig":{"includeThoughts":true}}"#

private func check(_ fault: Fault, _ family: Family, _ form: GeminiForm) async throws {
    var setup = family.setup(fault.settings)
    let raw = try fault.cause.rawUpstream()
    defer { raw?.stop() }
    setup.localURL = try fault.cause.localURL(raw)
    try await TestGateway.with(setup) { gateway in
        var prompt = "hello"
        if case .prompt(let marks) = fault.cause { prompt = "[[sim:\(marks)]] hello" }
        if case .order(let rule) = fault.cause { try gateway.simulator(family).control.add(rule) }
        let reply = try gateway.generate(prompt, form, model: family.model, deadline: .within(limit))
        #expect(reply.fault == nil)
        #expect(reply.status == fault.status, "\(reply.text)")
        let error = try #require(reply.json["error"])
        #expect(error.isGeminiError, "\(reply.text)")
        #expect(error["code"]?.int == fault.status)
        #expect(error.geminiReason == fault.code)
        #expect(reply.head["content-type"] == "application/json; charset=UTF-8")
        #expect(fault.retryAfter.accepts(reply.head["retry-after"]), "\(reply.head["retry-after"] ?? "none")")
        #expect((error.retryDelay != nil) == (fault.retryAfter != .absent), "\(reply.text)")
        if let requests = fault.requests { #expect(gateway.answerRequests(family).count == requests) }
    }
}

private func check(_ fault: LateFault, _ family: Family, _ form: GeminiForm) async throws {
    // Retries stay on: after the first byte they must not happen all the same.
    try await TestGateway.with(family.setup(fault.settings, topLevel: "retry: {max_retries: 2}")) { gateway in
        // Slow, so that text and fault do not come in one read: the gateway would have sent nothing yet.
        let reply = try gateway.generate(
            "[[sim:\(fault.prompt),slow=40]] a text of some length", form, model: family.model, members: withThoughts,
            deadline: .within(limit))
        #expect(reply.status == 200)
        #expect(reply.fault == .closedEarly, "only a cut makes every client notice")
        let answer = GeminiAnswer(reply, form)
        #expect(answer.text.hasPrefix("echo[") || !answer.thoughts.isEmpty, "what came is kept: \(reply.text)")
        let error = try #require(answer.error, "the last thing is an error: \(reply.text)")
        #expect(error.isGeminiError, "\(error.text)")
        #expect(error.geminiReason == fault.code)
        #expect(!reply.text.hasSuffix("\n\n") && !reply.text.hasSuffix("]"), "\(reply.text)")
        #expect(!answer.isWhole && answer.finishReasons.isEmpty)
        #expect(gateway.answerRequests(family).count == 1, "one upstream request per committed stream")
    }
}

private func checkWhole(_ fault: LateFault, _ family: Family) async throws {
    try await TestGateway.with(family.setup(fault.settings)) { gateway in
        let reply = try gateway.generate(
            "[[sim:\(fault.prompt)]] a text of some length", model: family.model, deadline: .within(limit))
        #expect(reply.fault == nil)
        #expect(reply.json["error"]?.isGeminiError == true, "\(reply.text)")
        #expect(reply.json["error"]?.geminiReason == fault.code, "\(reply.text)")
        #expect(gateway.answerRequests(family).count == 1)
    }
}
