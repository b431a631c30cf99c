import PolluxCore
import PolluxTransport
import Testing

@Suite("HTTP client: TLS", .timeLimit(.minutes(1)))
struct CurlTLSTests {
    @Test("an unknown certificate is refused, unless the provider's file vouches for it (F-2)")
    func certificate() async throws {
        let server = try ScriptedTLSServer.http1()
        defer { server.stop() }
        try await withScriptedClient { client in
            let refused = await client.failure(server.url)
            #expect(refused?.kind == .upstreamTLS)
            #expect(refused?.detail.hasPrefix("libcurl 60") == true)

            var request = UpstreamRequest(.get, server.url)
            request.network = NetworkOptions(caFile: server.certificateFile)
            let response = try await client.send(request)
            #expect(response.status == 200)
            let page = try await response.body.collect()
            #expect(!page.isEmpty)

            request.url = "https://localhost:\(server.port)/"
            let wrongName = await #expect(throws: GatewayError.self) { try await client.send(request) }
            #expect(wrongName?.kind == .upstreamTLS)

            request.network = NetworkOptions(caFile: "/nonexistent.pem")
            let noFile = await #expect(throws: GatewayError.self) { try await client.send(request) }
            #expect(noFile?.kind == .upstreamTLS)
        }
    }

    @Test("a plain server behind an https URL is a TLS failure (F-2)")
    func plainServer() async throws {
        let upstream = try ScriptedUpstream(.write("HTTP/1.1 400 Bad Request\r\n\r\n"))
        defer { upstream.stop() }
        try await withScriptedClient { client in
            #expect(await client.failure("https://127.0.0.1:\(upstream.port)/")?.kind == .upstreamTLS)
        }
    }

    @Test("a server that stays silent in the handshake runs into the connect deadline")
    func silentServer() async throws {
        let upstream = try ScriptedUpstream(.stall)
        defer { upstream.stop() }
        try await withScriptedClient(deadlines: TransferDeadlines(connect: .milliseconds(150))) { client in
            #expect(await client.failure("https://127.0.0.1:\(upstream.port)/")?.kind == .upstreamTimeout)
        }
    }
}
