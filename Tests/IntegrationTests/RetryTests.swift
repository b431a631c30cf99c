import PolluxCore
import PolluxSimulator
import Testing

@Suite("Second attempts and resting accounts", .serialized)
struct RetryTests {
    @Test(
        "another account takes over before the first byte",
        arguments: ["http=429", "http=401", "http=403", "http=500", "http=503", "drop", "html"], [false, true])
    func anotherAccount(_ marks: String, isStreamed: Bool) async throws {
        try await TestGateway.with(Self.twoKeys) { gateway in
            try gateway.simulator(.openAICompatible).control.add(
                FaultRule(account: GatewaySetup.firstKey, method: "chat.completions", directives: "[[sim:\(marks)]]"))
            let reply = try gateway.chat("hello", stream: isStreamed)
            #expect(reply.status == 200)
            let text = isStreamed ? StreamedAnswer(reply).text : reply.answerText
            #expect(text == "echo[sim-large|turn=1]: hello")
            let accounts = gateway.answerRequests(.openAICompatible).map(\.account)
            #expect(accounts == [GatewaySetup.firstKey, GatewaySetup.secondKey])
            #expect(reply.head["x-pollux-provider"] == "local")
            #expect(reply.head["x-pollux-attempts"] == "2")
        }
    }

    @Test("an answer and an error after an attempt name the provider; a refusal before one does not")
    func namesProvider() async throws {
        var setup = Family.geminiBusiness.setup()
        setup.topLevel = "cors: {allowed_origins: [\"https://chat.example.org\"]}"
        try await TestGateway.with(setup) { gateway in
            let message: JSON = ["role": "user", "content": "hello"]
            for isStreamed in [false, true] {
                let body: JSON = [
                    "model": .string(Family.geminiBusiness.model), "messages": [message], "stream": .bool(isStreamed),
                    "temperature": 0.5, "seed": 7,
                ]
                let reply = try gateway.ask(
                    "POST", "/v1/chat/completions", fields: ["Origin: https://chat.example.org"], body: body.text)
                #expect(reply.status == 200)
                #expect(reply.head["x-pollux-provider"] == "business")
                #expect(reply.head["x-pollux-attempts"] == "1")
                #expect(reply.head["x-pollux-ignored"] == "temperature, seed")
                let exposed = reply.head["access-control-expose-headers"] ?? ""
                #expect(["provider", "attempts", "ignored"].allSatisfy { exposed.contains("x-pollux-\($0)") })
            }
            let failed = try gateway.chat("[[sim:http=500]]", model: Family.geminiBusiness.model)
            #expect(failed.status == 502)
            #expect(failed.head["x-pollux-provider"] == "business")
            #expect(failed.head["x-pollux-attempts"] != nil)
            let unknown = try gateway.chat("hello", model: "nothing")
            #expect(unknown.status == 404)
            #expect(unknown.head["x-pollux-provider"] == nil)
        }
    }

    @Test("another Gemini Business account takes over, whichever step fails", arguments: Self.businessFaults)
    func anotherBusinessAccount(_ rule: FaultRule) async throws {
        var setup = Family.geminiBusiness.setup(topLevel: "")
        setup.accounts = BusinessAccount.samples(2)
        let accounts = setup.accounts.map(\.csesidx)
        try await TestGateway.with(setup) { gateway in
            var rule = rule
            rule.account = accounts[0]
            try gateway.simulator(.geminiBusiness).control.add(rule)
            let reply = try gateway.chat("hello", model: Family.geminiBusiness.model)
            #expect(reply.status == 200)
            #expect(reply.answerText?.hasSuffix("hello") == true)
            #expect(gateway.answerRequests(.geminiBusiness).last?.account == accounts[1])
        }
    }

    @Test("no request costs more than 1 + max_retries attempts", arguments: [0, 1, 2, 3])
    func boundedAttempts(_ maxRetries: Int) async throws {
        var setup = Self.twoKeys
        setup.topLevel = "retry: {max_retries: \(maxRetries)}"
        try await TestGateway.with(setup) { gateway in
            let reply = try gateway.chat("[[sim:http=500]]")
            #expect(reply.errorCode == "upstream_error")
            // Each account once, then the last one once more: a third account does not exist.
            #expect(gateway.answerRequests(.openAICompatible).count <= 1 + maxRetries)
            #expect(gateway.answerRequests(.openAICompatible).count >= min(1 + maxRetries, 2))
        }
    }

    @Test("what only the request is at fault for is tried once", arguments: [400, 404, 413, 422])
    func hopeless(_ status: Int) async throws {
        try await TestGateway.with(Self.twoKeys) { gateway in
            _ = try gateway.chat("[[sim:http=\(status)]]")
            #expect(gateway.answerRequests(.openAICompatible).count == 1)
        }
    }

    @Test("a failing network rests no account", arguments: ["drop=reset", "http=503", "headerstall"])
    func networkRestsNobody(_ marks: String) async throws {
        let setup = Family.openAICompatible.setup(OpenAICompatibleFaults.impatient)
        try await TestGateway.with(setup) { gateway in
            let reply = try gateway.chat("[[sim:\(marks)]]")
            #expect(reply.status >= 500)
            #expect(try gateway.pool("local").shortage().ready == 1)
            #expect(try gateway.chat("hello").status == 200)
        }
    }

    @Test("a 429 rests its account for as long as the upstream asked, and the next requests avoid it")
    func limitedAccountRests() async throws {
        try await TestGateway.with(Self.twoKeys) { gateway in
            try gateway.simulator(.openAICompatible).control.add(
                FaultRule(account: GatewaySetup.firstKey, status: 429, retryAfter: 77))
            for _ in 0..<4 { #expect(try gateway.chat("hello").status == 200) }
            let accounts = gateway.answerRequests(.openAICompatible).compactMap(\.account)
            #expect(accounts == [GatewaySetup.firstKey] + Array(repeating: GatewaySetup.secondKey, count: 4))
            let shortage = try gateway.pool("local").shortage()
            #expect((shortage.cooling, shortage.ready) == (1, 1))
            let wait = try #require(shortage.firstBack)
            #expect(wait > .seconds(60) && wait <= .seconds(77))
        }
    }

    @Test("a rejected credential keeps its account out")
    func rejectedAccountStaysOut() async throws {
        try await TestGateway.with(Self.twoKeys) { gateway in
            try gateway.simulator(.openAICompatible).control.add(FaultRule(account: GatewaySetup.firstKey, status: 401))
            for _ in 0..<3 { #expect(try gateway.chat("hello").status == 200) }
            #expect(gateway.answerRequests(.openAICompatible).count == 4)
            #expect(try gateway.pool("local").shortage().unusable == ["rejected by the upstream": 1])
        }
    }

    @Test("F-28: with every account resting, the client learns how many, why, and when to come back")
    func allResting() async throws {
        try await TestGateway.with(Self.twoKeys) { gateway in
            try gateway.simulator(.openAICompatible).control.add(FaultRule(status: 429, times: 2, retryAfter: 50))
            let limited = try gateway.chat("hello")
            #expect(limited.status == 429)
            #expect(limited.errorCode == "rate_limit_exceeded")
            let reply = try gateway.chat("hello", stream: true)
            #expect(reply.status == 503)
            #expect(reply.errorCode == "no_account_available")
            #expect(reply.errorMessage.contains("2 accounts, 2 cooling down (the first is back in "))
            #expect(Fault.RetryAfter.within(30...50).accepts(reply.head["retry-after"]))
            #expect(gateway.answerRequests(.openAICompatible).count == 2)
        }
    }

    @Test("requests beyond max_in_flight wait for their turn and are all served")
    func waitingRequestsAreServed() async throws {
        try await TestGateway.with(Family.openAICompatible.setup()) { gateway in
            let clients = try (0..<6).map { try gateway.startChat("[[sim:slow=5]] number \($0)", stream: false) }
            for (number, client) in clients.enumerated() {
                #expect(try client.reply().answerText == "echo[sim-large|turn=1]: [[sim:slow=5]] number \(number)")
            }
            let entries = gateway.answerRequests(.openAICompatible)
            #expect(entries.count == 6)
            // An account is free as soon as its answer is whole, a moment before the upstream's last bytes are out: the
            // next request may meet those, the one after it no more.
            for (earlier, later) in zip(entries, entries.dropFirst(2)) {
                let end = try #require(earlier.ended)
                #expect(end <= later.arrived, "one at a time, as max_in_flight says")
            }
        }
    }

    @Test("a client that gives up while it waits frees its place")
    func leavingTheQueue() async throws {
        var setup = Family.openAICompatible.setup()
        setup.topLevel = "queue: {max_wait: 30s, max_depth: 1}"
        try await TestGateway.with(setup) { gateway in
            let running = try gateway.startChat("[[sim:stall=1]] first")
            _ = try running.head()
            let waiting = try gateway.startChat("second")
            let isRefused = try eventually { try Self.waits(gateway, "third") == nil }
            #expect(isRefused, "the one place in the queue is taken")
            waiting.close()
            var last: RawClient?
            let isFree = try eventually {
                last = try Self.waits(gateway, "fourth")
                return last != nil
            }
            #expect(isFree)
            running.close()
            #expect(try last?.reply().answerText?.hasSuffix("fourth") == true)
            #expect(!gateway.answerRequests(.openAICompatible).contains { $0.body?.text.contains("second") == true })
        }
    }

    @Test("R-6: requests beyond server.max_in_flight are refused at once, while /healthz answers on")
    func overload() async throws {
        var setup = Family.openAICompatible.setup(", pool: {max_in_flight: 10}")
        setup.server = ", max_in_flight: 2"
        try await TestGateway.with(setup) { gateway in
            let running = try (0..<2).map { _ in try gateway.startChat("[[sim:stall=1]] x") }
            for client in running { _ = try client.head() }
            let reply = try gateway.chat("one too many")
            #expect(reply.status == 503)
            #expect(reply.errorCode == "overloaded")
            #expect(reply.isErrorEnvelope)
            #expect(reply.head["retry-after"] == "1")
            #expect(try gateway.ask("GET", "/healthz", key: nil).status == 200)
            running[0].close()
            let isServed = try eventually { try gateway.chat("next").status == 200 }
            #expect(isServed)
        }
    }

    @Test("a request that waited too long is refused")
    func waitedTooLong() async throws {
        var setup = Family.openAICompatible.setup()
        setup.topLevel = "queue: {max_wait: 200ms}"
        try await TestGateway.with(setup) { gateway in
            let running = try gateway.startChat("[[sim:stall=1]] first")
            _ = try running.head()
            let reply = try gateway.chat("second")
            #expect(reply.status == 503)
            #expect(reply.errorCode == "no_account_available")
            #expect(reply.errorMessage.contains("1 at the limit of 1 in flight"))
            #expect(reply.head["retry-after"] == "1")
        }
    }
}

extension RetryTests {
    private static var twoKeys: GatewaySetup {
        var setup = Family.openAICompatible.setup(topLevel: "")
        setup.upstreamKeys = [GatewaySetup.firstKey, GatewaySetup.secondKey]
        return setup
    }

    private static let businessFaults = [
        FaultRule(method: "getoxsrf", status: 401), FaultRule(method: "getoxsrf", status: 500),
        FaultRule(method: "widgetCreateSession", status: 429), FaultRule(method: "widgetCreateSession", status: 403),
        FaultRule(method: "widgetStreamAssist", status: 429), FaultRule(method: "widgetStreamAssist", status: 503),
        FaultRule(method: "widgetStreamAssist", status: 429, isInBand: true),
        FaultRule(method: "widgetStreamAssist", directives: "[[sim:thoughts-only]]"),
        FaultRule(method: "widgetStreamAssist", directives: "[[sim:cut=0]]"),
    ]

    /// - Returns: A client whose request waits; `nil` when it was refused at once.
    private static func waits(_ gateway: TestGateway, _ prompt: String) throws -> RawClient? {
        let client = try gateway.startChat(prompt, stream: false)
        return try client.hasBytes(within: .milliseconds(100)) ? nil : client
    }
}
