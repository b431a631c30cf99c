import PolluxCore
import PolluxTransport
import Testing

/// The strictness table of the Swift stack notes (section 2.2) and the rules P-1, P-2, H-1, H-2 and H-10, over a
/// socket.
@Suite("What the server accepts on the wire")
struct WireTableTests {
    private static let follower = "GET /smuggled HTTP/1.1\r\nHost: gateway.test\r\n\r\n"

    @Test("every row is answered as the table says")
    func rows() async throws {
        try await withServer { server in
            for row in WireRow.all { check(row, server.connect()) }
        }
    }

    /// The follower tells framing errors: behind an accepted request it must be answered, behind a refused one never.
    private func check(_ row: WireRow, _ client: TestClient) {
        client.send(row.bytes + Array(Self.follower.utf8))
        let answer = client.answer()
        #expect(answer?.status == row.status, "\(row)")
        if row.status == 200 {
            #expect(client.answer()?.text == "GET /smuggled 0", "\(row)")
        } else {
            #expect(answer?.fields["connection"] == "close", "\(row)")
            client.halfClose()
            let rest = client.rest()
            #expect(rest.bytes.isEmpty, "\(row): \(String(decoding: rest.bytes, as: UTF8.self))")
            #expect(rest.end == .closed, "\(row)")
        }
    }

    @Test("every row is answered the same when its bytes come one by one")
    func rowsByteByByte() async throws {
        try await withServer { server in
            for row in WireRow.all where row.bytes.count < 300 {
                let client = server.connect()
                for byte in row.bytes where !client.send([byte]) { break }
                #expect(client.answer()?.status == row.status, "\(row)")
            }
        }
    }

    @Test("the accepted forms mean what they say")
    func meaning() async throws {
        try await withServer { exchange throws(GatewayError) in
            let head = exchange.head
            let text = "\(head.target)|\(head.fields["host"] ?? "-")|\(head.fields["x-a"] ?? "-")"
            try await exchange.respond(HTTPAnswer(status: 200, body: Array(text.utf8)))
        } _: { server in
            let client = server.connect()
            for (request, expected) in [
                ("GET http://other.test/v1?q HTTP/1.1\r\nHost: gateway.test\r\n", "/v1?q|other.test|-"),
                ("GET http://other.test:81 HTTP/1.1\r\nHost: gateway.test\r\n", "/|other.test:81|-"),
                ("GET http://other.test?q=1 HTTP/1.1\r\nHost: gateway.test\r\n", "/?q=1|other.test|-"),
                ("OPTIONS * HTTP/1.1\r\nHost: gateway.test\r\n", "*|gateway.test|-"),
                ("GET / HTTP/1.1\r\nHost:gateway.test \r\nX-A:\t a b \t\r\n", "/|gateway.test|a b"),
                ("GET / HTTP/1.1\r\nHost: a\r\nX-a: grün\r\n", "/|a|grün"),
            ] {
                client.send(request + "\r\n")
                #expect(client.answer()?.text == expected)
            }
        }
    }
}
