import PolluxCore
import PolluxSimulator
import Testing

@Suite("Clients that leave, and requests that take too long", .serialized)
struct CancellationTests {
    enum Farewell: CaseIterable, Sendable { case fin, rst }

    @Test(
        "a client that leaves in the middle of a stream ends the upstream's work within a second",
        arguments: Family.allCases, Farewell.allCases)
    func leavingStream(_ family: Family, _ farewell: Farewell) async throws {
        try await TestGateway.with(family.setup()) { gateway in
            let client = try gateway.startChat(Self.longPrompt, model: family.model)
            _ = try client.head()
            _ = try client.piece()
            try Self.leave(client, farewell, gateway, family)
        }
    }

    @Test(
        "a client that leaves before its whole answer is made ends the upstream's work as well",
        arguments: Family.allCases, Farewell.allCases)
    func leavingWhole(_ family: Family, _ farewell: Farewell) async throws {
        try await TestGateway.with(family.setup()) { gateway in
            let client = try gateway.startChat(Self.longPrompt, model: family.model, stream: false)
            #expect(eventually { gateway.answerRequests(family).first?.status == 200 })
            try Self.leave(client, farewell, gateway, family)
        }
    }

    @Test(
        "a client that leaves before the upstream said anything ends the upstream's work", arguments: Farewell.allCases)
    func leavingEarly(_ farewell: Farewell) async throws {
        let family = Family.openAICompatible
        try await TestGateway.with(family.setup()) { gateway in
            let client = try gateway.startChat("[[sim:headerstall]]")
            #expect(eventually { !gateway.answerRequests(family).isEmpty })
            try Self.leave(client, farewell, gateway, family)
        }
    }

    @Test("a client that closes behind [DONE] is no abort", arguments: Farewell.allCases)
    func leavingAfterDone(_ farewell: Farewell) async throws {
        try await TestGateway.with { gateway in
            let client = try gateway.startChat("hello")
            _ = try client.head()
            var body: [UInt8] = []
            while !String(decoding: body, as: UTF8.self).contains("[DONE]"), let piece = try client.piece() {
                body += piece
            }
            if farewell == .fin { client.close() } else { client.reset() }
            #expect(try Self.ended(gateway, .openAICompatible) != nil)
            #expect(eventually { gateway.log.contains { $0.contains("\"route\":\"/chat/completions\"") } })
            #expect(!gateway.log.contains { $0.contains("499") })
        }
    }

    @Test("X-Request-Timeout ends a stalled request with 504", arguments: [false, true])
    func shortRequestTimeout(isStreamed: Bool) async throws {
        try await TestGateway.with { gateway in
            let start = ContinuousClock.now
            let reply = try gateway.chat("[[sim:headerstall]]", stream: isStreamed, fields: ["X-Request-Timeout: 0.3"])
            #expect(reply.status == 504)
            #expect(reply.errorCode == "upstream_timeout")
            #expect(ContinuousClock.now - start < .seconds(3))
            #expect(try Self.ended(gateway, .openAICompatible) == .cutByClient)
        }
    }

    @Test("a deadline in the middle of a stream is an error event", arguments: Family.allCases)
    func deadlineInStream(_ family: Family) async throws {
        try await TestGateway.with(family.setup()) { gateway in
            let client = try RawClient(port: gateway.port)
            let body = TestGateway.chatBody(Self.longPrompt, model: family.model, stream: true)
            try client.send(
                TestGateway.request(
                    "POST", "/v1/chat/completions", fields: ["X-Request-Timeout: 1.5"], body: body))
            let reply = try client.reply()
            let answer = StreamedAnswer(reply)
            #expect(reply.fault == nil)
            #expect(answer.lastError?["code"]?.string == "upstream_timeout", "\(reply.text)")
            #expect(!answer.hasDone)
            #expect(answer.finishReason == nil)
        }
    }

    @Test("X-Request-Timeout that is no time is refused", arguments: ["soon", "0", "-1", "nan", "inf"])
    func badRequestTimeout(_ value: String) async throws {
        try await TestGateway.with { gateway in
            let reply = try gateway.chat("hello", fields: ["X-Request-Timeout: \(value)"])
            #expect(reply.status == 400)
            #expect(reply.isErrorEnvelope)
            #expect(gateway.answerRequests(.openAICompatible).isEmpty)
        }
    }

    @Test("a slow upstream is passed on event by event")
    func slowButMoving() async throws {
        try await TestGateway.with { gateway in
            let reply = try gateway.chat("[[sim:slow=100,chunks=5]] a slow text", stream: true)
            #expect(StreamedAnswer(reply).endsWithDone)
            let texts = reply.arrivals.count
            #expect(texts >= 5, "each event leaves when it comes: \(texts) pieces")
            let span = try #require(reply.arrivals.last).time - (try #require(reply.arrivals.first)).time
            #expect(span > .milliseconds(300))
        }
    }
}

extension CancellationTests {
    /// Keeps both upstreams busy for many seconds, with text early.
    private static let longPrompt =
        "[[sim:slow=250,chunks=400]] " + String(repeating: "a long text that comes slowly ", count: 40)

    private static func leave(
        _ client: RawClient, _ farewell: Farewell, _ gateway: TestGateway, _ family: Family
    ) throws {
        #expect(try gateway.pool(family == .openAICompatible ? "local" : "business").shortage().busy == 1)
        if farewell == .fin { client.close() } else { client.reset() }
        let left = ContinuousClock.now
        #expect(try ended(gateway, family) == .cutByClient)
        #expect(ContinuousClock.now - left < .seconds(1))
        let pool = try gateway.pool(family == .openAICompatible ? "local" : "business")
        #expect(eventually(within: .seconds(1)) { pool.shortage().ready == 1 }, "the account is free again")
        #expect(eventually { gateway.log.contains { $0.contains("\"status\":499") } })
    }

    /// How the upstream's first answer ended.
    private static func ended(_ gateway: TestGateway, _ family: Family) throws -> Journal.Ending? {
        _ = eventually { gateway.answerRequests(family).first.map { $0.ending != .open } ?? false }
        return gateway.answerRequests(family).first?.ending
    }
}
