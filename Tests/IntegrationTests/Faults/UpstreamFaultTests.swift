import PolluxCore
import PolluxSimulator
import PolluxTesting
import Testing

@Suite("Upstream faults (reliability requirements, section 13)", .serialized)
struct UpstreamFaultTests {
    @Test(
        "openai-compatible: before the first byte the client gets a status and one error object",
        arguments: OpenAICompatibleFaults.before, [false, true])
    func openAIBefore(_ fault: Fault, isStreamed: Bool) async throws {
        try await check(fault, .openAICompatible, isStreamed: isStreamed)
    }

    @Test(
        "gemini-business: before the first byte the client gets a status and one error object",
        arguments: GeminiBusinessFaults.before, [false, true])
    func businessBefore(_ fault: Fault, isStreamed: Bool) async throws {
        try await check(fault, .geminiBusiness, isStreamed: isStreamed)
    }

    @Test(
        "openai-compatible: behind text, the text is kept, one error event follows, and nothing is tried again",
        arguments: OpenAICompatibleFaults.after)
    func openAIAfter(_ fault: LateFault) async throws {
        try await check(fault, .openAICompatible)
    }

    @Test(
        "gemini-business: behind text, the text is kept, one error event follows, and nothing is tried again",
        arguments: GeminiBusinessFaults.after)
    func businessAfter(_ fault: LateFault) async throws {
        try await check(fault, .geminiBusiness)
    }

    @Test(
        "openai-compatible: a fault behind text is a plain error for a client that wants the answer whole",
        arguments: OpenAICompatibleFaults.after)
    func openAIAfterWhole(_ fault: LateFault) async throws {
        try await checkWhole(fault, .openAICompatible)
    }

    @Test(
        "gemini-business: a fault behind text is a plain error for a client that wants the answer whole",
        arguments: GeminiBusinessFaults.after)
    func businessAfterWhole(_ fault: LateFault) async throws {
        try await checkWhole(fault, .geminiBusiness)
    }

    @Test(
        "F-2: a certificate that nobody vouches for is refused, unless it is the provider's ca_file"
    )
    func untrustedCertificate() async throws {
        try await BlockingThread.run {
            let folder = try TemporaryFolder()
            let (key, certificate) = (folder.path + "/key.pem", folder.path + "/cert.pem")
            let maker = try ChildProcess(
                "/usr/bin/openssl",
                ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
                    + ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
                    + ["-keyout", key, "-out", certificate])
            try #require(maker.waitForExit() == 0)
            let server = try ChildProcess(
                "/usr/bin/openssl",
                ["s_server", "-accept", "127.0.0.1:0", "-key", key, "-cert", certificate, "-www"])
            let line = try server.line(with: "ACCEPT 127.0.0.1:")
            var setup = Family.openAICompatible.setup()
            setup.localURL = "https://127.0.0.1:\(line.split(separator: ":").last ?? "")/v1"
            try await TestGateway.with(setup) { gateway in
                let reply = try gateway.chat("hello")
                #expect(reply.errorCode == "upstream_tls_error")
            }
            setup.local = OpenAICompatibleFaults.impatient + ", ca_file: \"\(certificate)\""
            try await TestGateway.with(setup) { gateway in
                let reply = try gateway.chat("hello")
                #expect(reply.errorCode != "upstream_tls_error")
            }
        }
    }
}

/// No case may take longer; a hang fails here.
private let limit = Duration.seconds(10)

private func check(_ fault: Fault, _ family: Family, isStreamed: Bool) async throws {
    var setup = family.setup(fault.settings)
    let raw = try fault.cause.rawUpstream()
    defer { raw?.stop() }
    setup.localURL = try fault.cause.localURL(raw)
    try await TestGateway.with(setup) { gateway in
        var prompt = "hello"
        if case .prompt(let marks) = fault.cause { prompt = "[[sim:\(marks)]] hello" }
        if case .order(let rule) = fault.cause { try gateway.simulator(family).control.add(rule) }
        let reply = try gateway.chat(prompt, model: family.model, stream: isStreamed, deadline: .within(limit))
        #expect(reply.fault == nil)
        #expect(reply.status == fault.status, "\(reply.text)")
        #expect(reply.errorCode == fault.code)
        #expect(reply.isErrorEnvelope, "\(reply.text)")
        #expect(reply.head["content-type"] == "application/json")
        let id = try #require(reply.head["x-request-id"])
        let record = gateway.log.first { $0.contains("attempt failed") && $0.contains(id) }
        #expect(record?.contains("\"attempt\":1,") == true, "each failed attempt is logged")
        #expect(record?.contains("\"account\":\"\"") == false, "with its account")
        #expect(fault.retryAfter.accepts(reply.head["retry-after"]), "\(reply.head["retry-after"] ?? "none")")
        if let requests = fault.requests { #expect(gateway.answerRequests(family).count == requests) }
    }
}

private func check(_ fault: LateFault, _ family: Family) async throws {
    // Retries stay on: after the first byte they must not happen all the same.
    try await TestGateway.with(family.setup(fault.settings, topLevel: "retry: {max_retries: 2}")) { gateway in
        // Slow, so that text and fault do not come in one read: the gateway would have sent nothing yet.
        let reply = try gateway.chat(
            "[[sim:\(fault.prompt),slow=40]] a text of some length", model: family.model, stream: true,
            deadline: .within(limit))
        let answer = StreamedAnswer(reply)
        #expect(reply.status == 200)
        #expect(reply.fault == nil, "the chunked body must end properly")
        #expect(answer.text.hasPrefix("echo[") || !answer.reasoning.isEmpty, "what came is kept: \(reply.text)")
        let error = try #require(answer.lastError, "the last event is an error: \(reply.text)")
        #expect(Reply.isError(error), "\(error.text)")
        #expect(error["code"]?.string == fault.code)
        #expect(!answer.hasDone)
        #expect(answer.finishReason == nil)
        #expect(gateway.answerRequests(family).count == 1, "one upstream request per committed stream")
    }
}

private func checkWhole(_ fault: LateFault, _ family: Family) async throws {
    try await TestGateway.with(family.setup(fault.settings)) { gateway in
        let reply = try gateway.chat(
            "[[sim:\(fault.prompt)]] a text of some length", model: family.model, deadline: .within(limit))
        #expect(reply.fault == nil)
        #expect(reply.errorCode == fault.code, "\(reply.text)")
        #expect(reply.isErrorEnvelope, "\(reply.text)")
        #expect(gateway.answerRequests(family).count == 1)
    }
}
