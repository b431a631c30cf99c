public import PolluxCore

/// libcurl for hosts that clients name (reliability requirement S-4).
///
/// An engine of its own: neither connections nor resolved names are shared with those of trusted upstreams. Each
/// transfer opens a connection of its own, over which nothing else ever goes, straight to an address that its judge let
/// through: never by a proxy, which would look the name up once more. HTTP/1.1, no credentials, no cookies, no
/// redirects, no compression.
public struct CurlUntrustedTransport: UntrustedTransport {
    private let engine: CurlEngine

    /// Release the last copy before the loops stop.
    ///
    /// - Parameter fallback: Serves tasks that run on no loop.
    public init(fallback: EventLoop) { engine = CurlEngine(fallback: fallback) }

    public func get(_ request: UntrustedRequest) async throws(GatewayError) -> UpstreamResponse {
        var get = UpstreamRequest(.get, request.url.text, fields: ["user-agent": "pollux", "accept": "*/*"])
        get.maxResponseBytes = request.maxBytes
        return try await engine.send(
            get, deadlines: request.deadlines, network: NetworkOptions(), judge: request.judge)
    }

    /// Totals since the start, over all loops.
    public var statistics: TransportStatistics { engine.counters.snapshot }
}
