public import PolluxCore

/// The HTTP client: libcurl, driven by the event loop that the calling task runs on.
///
/// HTTP/1.1 to `http` upstreams, HTTP/2 (if offered) to `https` ones. Connections are kept and shared by all requests
/// of one loop. Redirects, cookies, `.netrc` and the proxy variables of the environment are left alone. Answers are
/// asked for as they are: an encoding that the request did not allow fails with `upstreamBadResponse`.
///
/// A kept connection may turn out dead when the next request is sent on it. libcurl then sends the request once more on
/// another connection; a second time is refused here, so that one `send` reaches an upstream at most twice, the first
/// time in vain. `statistics.repeatedSends` counts them (reliability requirement T-10).
public struct CurlTransport: HTTPTransport {
    private let engine: CurlEngine
    private let deadlines: TransferDeadlines
    private let network: NetworkOptions

    /// Release the last copy before the loops stop: closing its connections is work for them.
    ///
    /// - Parameter fallback: Serves tasks that run on no loop.
    public init(
        fallback: EventLoop, deadlines: TransferDeadlines = TransferDeadlines(),
        network: NetworkOptions = NetworkOptions()
    ) {
        self.init(engine: CurlEngine(fallback: fallback), deadlines: deadlines, network: network)
    }

    private init(engine: CurlEngine, deadlines: TransferDeadlines, network: NetworkOptions) {
        (self.engine, self.deadlines, self.network) = (engine, deadlines, network)
    }

    /// The same client and connections with other values for what a request leaves open: one per provider.
    public func with(deadlines: TransferDeadlines, network: NetworkOptions) -> CurlTransport {
        CurlTransport(engine: engine, deadlines: deadlines, network: network)
    }

    public func send(_ request: UpstreamRequest) async throws(GatewayError) -> UpstreamResponse {
        try await engine.send(
            request, deadlines: request.deadlines ?? deadlines, network: request.network ?? network, judge: nil)
    }

    /// Totals since the start, over all loops.
    public var statistics: TransportStatistics { engine.counters.snapshot }
}

/// What a client has done so far.
public struct TransportStatistics: Sendable, Equatable {
    /// Transfers begun.
    public var transfers = 0
    /// Sockets opened, happy-eyeballs tries included.
    public var connections = 0
    /// Requests that libcurl sent once more because a kept connection was dead.
    public var repeatedSends = 0
}
