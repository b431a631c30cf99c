import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxApp

@Suite("Events over a socket", .serialized)
struct AdminEventTests {
    private static func listen(_ gateway: TestGateway, _ query: String = "") throws -> RawClient {
        let client = try RawClient(port: gateway.port)
        try client.send(
            TestGateway.request("GET", "/admin/api/v1/events\(query)", key: GatewaySetup.adminKey))
        let head = try client.head()
        #expect(head.status == 200 && head["content-type"] == "text/event-stream")
        #expect(try client.piece() == Array(": listening\n\n".utf8))
        return client
    }

    @Test("a listener hears of changes and requests as they happen, and of nothing secret")
    func hearing() async throws {
        try await TestGateway.with(.administered()) { gateway in
            let client = try Self.listen(gateway)
            _ = try gateway.admin("POST", "keys", #"{"name":"team"}"#)
            var text = String(decoding: try #require(try client.piece()), as: UTF8.self)
            #expect(text.contains("event: admin.changed\n") && text.contains("keys.create"))
            #expect(!text.contains("plx_"))
            _ = try gateway.chat("a prompt of mine")
            text = String(decoding: try #require(try client.piece()), as: UTF8.self)
            #expect(text.contains("event: request.ended\n") && text.contains("\"status\":200"))
            #expect(!text.contains("a prompt of mine"))
        }
    }

    @Test("the end of the gateway ends the stream, and does not wait for it")
    func drain() async throws {
        try await TestGateway.with(.administered()) { gateway in
            let client = try Self.listen(gateway, "?names=account.")
            let start = ContinuousClock.now
            await gateway.running.drain()
            #expect(ContinuousClock.now - start < .seconds(10))
            #expect(throws: (any Error).self) { while try client.piece() != nil {} }
        }
    }
}
