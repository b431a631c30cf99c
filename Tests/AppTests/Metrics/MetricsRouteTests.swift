import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxApp

@Suite("Who may read the metrics")
struct MetricsRouteTests {
    private static let adminKey = "the-admin-key-of-this-test-1"

    private func ask(
        _ fields: HTTPFields = ["host": "127.0.0.1:7860"], access: String = "loopback", peer: String = "127.0.0.1",
        path: String = "/metrics", method: HTTPMethod = .get, times: Int = 1
    ) async throws -> (FakeExchange, HTTPFields) {
        let world = try GatewayWorld(
            """
            server: {path_prefix: team/a}
            metrics: {access: \(access)}
            admin: {key: \(Self.adminKey)}
            keys: [{name: a, key: a-client-key-of-the-test}]
            """)
        let handler = GatewayHandler(world.gateway, worker: globalConcurrentExecutor)
        for _ in 1..<times { await handler.handle(FakeExchange(method, path, fields: fields, peer: peer)) }
        let exchange = FakeExchange(method, path, fields: fields, peer: peer)
        await handler.handle(exchange)
        return (exchange, exchange.sentFields)
    }

    private func status(_ exchange: FakeExchange) -> Int {
        if case .answer(let status, _) = exchange.sent.first { return status }
        return 0
    }

    @Test(
        "a program on this machine that names this machine",
        arguments: ["127.0.0.1:7860", "localhost:7860", "LOCALHOST", "[::1]:7860", "127.8.9.1"],
        ["/metrics", "/team/a/metrics"])
    func local(host: String, path: String) async throws {
        let (exchange, fields) = try await ask(["host": host], path: path)
        #expect(status(exchange) == 200)
        #expect(fields["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
        #expect(fields["cache-control"] == "no-store")
    }

    @Test("peers of every spelling of loopback", arguments: ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
    func loopbackPeers(peer: String) async throws {
        #expect(status(try await ask(peer: peer).0) == 200)
    }

    @Test("nobody from elsewhere", arguments: ["10.0.0.1", "::ffff:10.0.0.1", "fe80::1", "", "127.0.0.1.example"])
    func elsewhere(peer: String) async throws {
        #expect(status(try await ask(peer: peer).0) == 401)
    }

    @Test(
        "nobody for whom a proxy on this machine asks, nor a web page under its own name",
        arguments: [
            ["host": "127.0.0.1", "x-forwarded-for": "10.0.0.1"], ["host": "127.0.0.1", "forwarded": "for=10.0.0.1"],
            ["host": "127.0.0.1", "x-real-ip": "10.0.0.1"], ["host": "127.0.0.1", "via": "1.1 proxy"],
            ["host": "llm.example.org"], ["host": "127.0.0.1.evil.example"],
            ["host": "127.0.0.1:7860", "origin": "https://evil.example"],
        ] as [HTTPFields])
    func proxied(fields: HTTPFields) async throws {
        #expect(status(try await ask(fields).0) == 401)
    }

    @Test(
        "whoever has the admin key, from anywhere, unless they are switched off",
        arguments: ["loopback", "admin", "off"])
    func adminKey(access: String) async throws {
        let fields: HTTPFields = ["host": "llm.example.org", "authorization": "Bearer \(Self.adminKey)"]
        let (exchange, _) = try await ask(fields, access: access, peer: "10.0.0.1")
        #expect(status(exchange) == (access == "off" ? 404 : 200))
    }

    @Test(
        "`admin` lets no program in without the key, `off` knows no such path",
        arguments: [("admin", 401), ("off", 404)])
    func local(access: String, expected: Int) async throws {
        #expect(status(try await ask(access: access).0) == expected)
    }

    @Test("a client's key opens nothing, and wrong keys are throttled")
    func wrongKey() async throws {
        let fields: HTTPFields = ["host": "x.example", "authorization": "Bearer a-client-key-of-the-test"]
        #expect(status(try await ask(fields).0) == 401)
        let (exchange, answer) = try await ask(fields, times: 6)
        #expect(status(exchange) == 429)
        #expect(answer["retry-after"] == "60")
    }

    @Test("other methods are refused")
    func method() async throws {
        #expect(status(try await ask(method: .post).0) == 405)
        #expect(status(try await ask(method: .head).0) == 200)
    }
}
