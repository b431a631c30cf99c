import PolluxCore
import PolluxTransport
import Testing

/// Runs `body` as a request handler would: in a task on an event loop, with a client that uses the same loop.
func withScriptedClient<Result: Sendable>(
    deadlines: TransferDeadlines = TransferDeadlines(), network: NetworkOptions = NetworkOptions(),
    time: (any SteppedTime)? = nil, _ body: @escaping @Sendable (CurlTransport) async throws -> Result
) async throws -> Result {
    let loop = try EventLoop(name: "client", time: time)
    try loop.start()
    defer { loop.stop() }
    return try await Task(executorPreference: loop) {
        try await body(CurlTransport(fallback: loop, deadlines: deadlines, network: network))
    }.value
}

extension CurlTransport {
    func get(_ url: String) async throws(GatewayError) -> UpstreamResponse {
        try await send(UpstreamRequest(.get, url))
    }

    /// The whole body of a GET as text.
    func text(_ url: String) async throws(GatewayError) -> String {
        String(decoding: try await get(url).body.collect(), as: UTF8.self)
    }

    func expect(_ text: String, from url: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let answer = try await self.text(url)
        #expect(answer == text, sourceLocation: sourceLocation)
    }

    /// The error that a GET, its body included, ends with.
    func failure(_ url: String, maxResponseBytes: Int = 1 << 20, compressed: Bool = false) async -> GatewayError? {
        var request = UpstreamRequest(.get, url)
        request.maxResponseBytes = maxResponseBytes
        request.acceptsCompression = compressed
        do throws(GatewayError) {
            _ = try await send(request).body.collect()
            return nil
        } catch {
            return error
        }
    }
}
