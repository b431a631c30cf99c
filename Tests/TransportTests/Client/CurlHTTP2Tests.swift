import PolluxCore
import PolluxTransport
import Testing

/// Against `nghttpd`, where it is installed.
@Suite("HTTP client: HTTP/2", .enabled(if: ScriptedTLSServer.hasHTTP2), .timeLimit(.minutes(1)))
struct CurlHTTP2Tests {
    @Test("32 requests at a time share one connection")
    func multiplexing() async throws {
        try await withHTTP2Server { client, url in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<32 {
                    group.addTask {
                        for _ in 0..<4 {
                            let body = Array("request \(number)".utf8)
                            let response = try await client.send(UpstreamRequest(.post, url + "echo", body: body))
                            let echo = try await response.body.collect()
                            #expect(response.status == 200)
                            #expect(echo == body)
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(client.statistics.connections == 1)
        }
    }

    @Test("a paused reader holds its own stream, and other streams go on")
    func pausedStream() async throws {
        try await withHTTP2Server { client, url in
            let slow = try await client.get(url + "zeros").body
            var total = try await slow.next()?.count ?? 0
            #expect(total <= 160 << 10)
            for _ in 0..<5 {
                let response = try await client.send(UpstreamRequest(.post, url + "echo", body: [1, 2, 3]))
                let echo = try await response.body.collect()
                #expect(echo == [1, 2, 3])
            }
            while let piece = try await slow.next() { total += piece.count }
            #expect(total == 20_000_000)
            #expect(client.statistics.connections == 1)
        }
    }

    @Test("cancelling one stream leaves the connection to the others")
    func cancelledStream() async throws {
        try await withHTTP2Server { client, url in
            _ = try await client.get(url + "zeros").body.next()
            let response = try await client.send(UpstreamRequest(.post, url + "echo", body: [1]))
            let echo = try await response.body.collect()
            #expect(echo == [1])
            #expect(client.statistics.connections == 1)
        }
    }

    private func withHTTP2Server(
        _ body: @escaping @Sendable (CurlTransport, String) async throws -> Void
    ) async throws {
        let server = try ScriptedTLSServer.http2(size: 20_000_000)
        defer { server.stop() }
        let network = NetworkOptions(caFile: server.certificateFile)
        try await withScriptedClient(network: network) { try await body($0, server.url) }
    }
}
