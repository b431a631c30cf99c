import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxApp

@Suite("Gateways that share their limits on Redis (reliability requirements, 10.7)", .serialized)
struct SharedLimitTests {
    private func setup(_ limits: String, _ redis: RedisServer, members: String = "") -> GatewaySetup {
        var setup = GatewaySetup(
            topLevel: "rate_limit: {store: redis, url: \"\(redis.url)\"\(members)}\nretry: {max_retries: 0}")
        setup.keys = "[{name: tester, key: \(GatewaySetup.clientKey), limits: \(limits)}]"
        setup.local = ", pool: {max_in_flight: 64}"
        return setup
    }

    @Test("fifty clients at once, half of them at each of two gateways, never get one answer more than the burst")
    func twoGateways() async throws {
        let redis = try RedisServer()
        let setup = setup("{requests: 1/1h, burst: 20}", redis)
        try await TestGateway.with(setup) { one in
            try await TestGateway.with(setup) { two in
                for gateway in [one, two] { #expect(try gateway.chat("hello").status == 200) }
                let clients = try (0..<50).map { try RawClient(port: $0 % 2 == 0 ? one.port : two.port) }
                let request = TestGateway.request("POST", "/v1/chat/completions", body: TestGateway.chatBody("hello"))
                for client in clients { try client.send(request) }
                let statuses = try clients.map { try $0.reply().status }
                #expect(statuses.count { $0 == 200 } == 18)
                #expect(statuses.count { $0 == 429 } == 32)
                let counts = [one, two].map { $0.answerRequests(.openAICompatible).count }
                #expect(counts.reduce(0, +) == 20 && counts.allSatisfy { $0 > 0 }, "\(counts)")
            }
        }
    }

    @Test("tokens and requests at a time are shared, too")
    func tokensAndLeases() async throws {
        let redis = try RedisServer()
        let setup = setup("{tokens: 5000/1h, concurrency: 1}", redis)
        try await TestGateway.with(setup) { one in
            try await TestGateway.with(setup) { two in
                let client = try one.startChat("[[sim:slow=20,chunks=20]] slowly")
                _ = try client.head()
                #expect(try two.chat("hello").errorMessage.contains("1 request at a time"))
                while try client.piece() != nil {}
                let next = try #require(try Self.answer(of: two))
                let left = next.head["x-ratelimit-remaining-tokens"].flatMap { Int($0) } ?? 0
                #expect((3500..<5000 - 1024).contains(left), "one's answer is spent, its reservation is not: \(left)")
            }
        }
    }

    /// Redis hears of an end a moment after the client has.
    private static func answer(of gateway: TestGateway) throws -> Reply? {
        var reply: Reply?
        let isAnswered = try eventually {
            reply = try gateway.chat("hello")
            return reply?.status == 200
        }
        return isAnswered ? reply : nil
    }

    @Test("local: while Redis is away each gateway keeps its share of the limit")
    func local() async throws {
        let redis = try RedisServer()
        let setup = setup("{requests: 1/1h, burst: 8}", redis, members: ", on_redis_failure: local, nodes: 2")
        try await TestGateway.with(setup) { gateway in
            #expect(try gateway.chat("hello").head["x-ratelimit-remaining-requests"] == "7")
            redis.kill()
            let statuses = try (0..<10).map { _ in try gateway.chat("hello").status }
            #expect(statuses.count { $0 == 200 } == 4)
            #expect(statuses.count { $0 == 429 } == 6)
            #expect(gateway.log.contains { $0.contains("rate limits cannot be shared") })
            try redis.start()
            let isBack = try eventually(within: .seconds(10)) {
                try gateway.chat("hello").head["x-ratelimit-remaining-requests"] == "7"
            }
            #expect(isBack, "a Redis that comes back empty counts anew")
            #expect(gateway.log.contains { $0.contains("rate limits are shared again") })
        }
    }

    @Test("open: while Redis is away everything passes")
    func open() async throws {
        let redis = try RedisServer()
        let setup = setup("{requests: 1/1h, burst: 1}", redis, members: ", on_redis_failure: open")
        try await TestGateway.with(setup) { gateway in
            #expect(try gateway.chat("hello").status == 200)
            #expect(try gateway.chat("hello").status == 429)
            redis.kill()
            for _ in 0..<10 {
                let reply = try gateway.chat("hello")
                #expect(reply.status == 200 && reply.head["x-ratelimit-limit-requests"] == nil)
            }
        }
    }

    @Test("closed: while Redis is away nothing passes that has a limit")
    func closed() async throws {
        let redis = try RedisServer()
        var setup = setup("{requests: 1/1h, burst: 5}", redis, members: ", on_redis_failure: closed")
        setup.keys = setup.keys.dropLast() + ", {name: free, key: another-client-key-9}]"
        try await TestGateway.with(setup) { gateway in
            #expect(try gateway.chat("hello").status == 200)
            redis.kill()
            let refused = try gateway.chat("hello")
            #expect(refused.status == 503 && refused.errorCode == "rate_limit_unavailable")
            #expect(refused.head["retry-after"] == "1")
            let body = TestGateway.chatBody("hello")
            let free = try gateway.ask("POST", "/v1/chat/completions", key: "another-client-key-9", body: body)
            #expect(free.status == 200)
        }
    }

    @Test("a Redis that hangs stops nobody")
    func frozen() async throws {
        let redis = try RedisServer()
        let setup = setup("{requests: 1/1h, burst: 40}", redis)
        try await TestGateway.with(setup) { gateway in
            let first = try gateway.chat("hello")
            #expect(first.status == 200)
            redis.freeze()
            for _ in 0..<30 {
                let reply = try gateway.chat("hello")
                #expect(reply.status == 200)
            }
            redis.thaw()
            let records = gateway.log.filter { $0.contains("rate limits cannot be shared") }
            #expect(records.count == 1 && records.allSatisfy { $0.contains("Redis did not reply in time") })
        }
    }

    @Test("the gateway starts without its Redis, and uses it once it is there")
    func late() async throws {
        let redis = try RedisServer()
        redis.kill()
        let setup = setup("{requests: 1/1h, burst: 9}", redis)
        try await TestGateway.with(setup) { gateway in
            #expect(try gateway.chat("hello").head["x-ratelimit-remaining-requests"] == "8")
            try redis.start()
            let isShared = try eventually(within: .seconds(10)) {
                _ = try gateway.chat("hello")
                return gateway.log.contains { $0.contains("rate limits are shared again") }
            }
            #expect(isShared)
        }
    }

    private func unlimited(_ topLevel: String) -> GatewaySetup {
        var setup = GatewaySetup(topLevel: topLevel + "\nretry: {max_retries: 0}")
        setup.keys = "[{name: tester, key: \(GatewaySetup.clientKey), limits: {requests: 1/1h, burst: 9}}]"
        return setup
    }

    @Test("a reload that moves limits to Redis has its connection before the first request comes")
    func reloadToRedis() async throws {
        let redis = try RedisServer()
        try await TestGateway.with(unlimited("")) { gateway in
            #expect(try gateway.chat("hello").head["x-ratelimit-remaining-requests"] == "8")
            try await gateway.reload(
                self.unlimited("rate_limit: {store: redis, url: \"\(redis.url)\", on_redis_failure: closed}"))
            // Closed: without the connection this would be 503.
            let reply = try gateway.chat("hello")
            #expect(reply.status == 200 && reply.head["x-ratelimit-remaining-requests"] == "8")
        }
    }

    @Test("a reload to a Redis that cannot be used fails, says so, and changes nothing")
    func reloadToNowhere() async throws {
        let redis = try RedisServer()
        redis.kill()
        try await TestGateway.with(unlimited("")) { gateway in
            _ = try gateway.chat("hello")
            let next = self.unlimited("rate_limit: {store: redis, url: \"\(redis.url)\"}")
            let error = await #expect(throws: GatewayError.self) { try await gateway.reload(next) }
            let sentence = error?.message ?? ""
            #expect(sentence.hasPrefix("Redis at unix://") && sentence.contains("see that it runs"), "\(sentence)")
            #expect(error?.param == "rate_limit.url")
            #expect(try gateway.chat("hello").head["x-ratelimit-remaining-requests"] == "7", "counted where it was")
        }
    }

    @Test("a reload that leaves the address as it is keeps the connection")
    func reload() async throws {
        let redis = try RedisServer()
        try await TestGateway.with(setup("{requests: 1/1h, burst: 9}", redis)) { gateway in
            for remaining in [8, 7, 6] {
                let reply = try gateway.chat("hello")
                #expect(reply.head["x-ratelimit-remaining-requests"] == String(remaining))
                try await gateway.reload(self.setup("{requests: 1/1h, burst: 9}", redis))
            }
            #expect(!gateway.log.contains { $0.contains("rate limits cannot be shared") })
        }
    }
}
