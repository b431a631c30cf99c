/// Sends requests to upstreams. Providers receive one through their context and never know the library behind it.
public protocol HTTPTransport: Sendable {
    /// Sends a request and returns once the head of the answer has arrived. Never follows redirects, keeps no cookies.
    ///
    /// Cancelling the task ends the transfer at once.
    /// - Throws: `GatewayError` with scope `endpoint` and one of the kinds `upstreamUnreachable`, `upstreamTLS`,
    ///   `upstreamReset`, `upstreamTimeout`, `upstreamBadResponse`, `upstreamTooLarge`, or `cancelled`.
    func send(_ request: UpstreamRequest) async throws(GatewayError) -> UpstreamResponse
}

/// A request to an upstream. What is `nil` takes the value that the operator set for the provider.
public struct UpstreamRequest: Sendable {
    public var method: HTTPMethod
    /// Absolute, `http` or `https`, percent-encoded.
    public var url: String
    public var fields: HTTPFields
    /// `nil` sends no body at all; an empty one sends `Content-Length: 0`.
    public var body: [UInt8]?
    public var deadlines: TransferDeadlines?
    public var network: NetworkOptions?
    /// The account's own proxy, or `direct` for none; `nil` takes the one of `network`.
    public var proxy: Secret?
    /// Bounds the body, counted after decompression. Over it the transfer fails with `upstreamTooLarge`.
    public var maxResponseBytes = 128 << 20
    /// Offers `gzip` and `deflate`, which pays for large answers from far away. Off, an encoded answer is refused.
    public var acceptsCompression = false

    public init(_ method: HTTPMethod, _ url: String, fields: HTTPFields = [:], body: [UInt8]? = nil) {
        (self.method, self.url, self.fields, self.body) = (method, url, fields, body)
    }
}

/// The timers of one transfer (reliability requirements T-1).
public struct TransferDeadlines: Sendable, Equatable {
    /// Name lookup, TCP and TLS.
    public var connect: Duration
    /// From the start until the first byte of the answer's head; interim 1xx answers do not count.
    public var firstByte: Duration
    /// Between two reads of the body. Time in which the reader itself holds the transfer does not count.
    public var gap: Duration
    /// The whole transfer.
    public var total: Duration

    public init(
        connect: Duration = .seconds(5), firstByte: Duration = .seconds(60), gap: Duration = .seconds(45),
        total: Duration = .seconds(300)
    ) {
        (self.connect, self.firstByte, self.gap, self.total) = (connect, firstByte, gap, total)
    }
}

/// How an upstream is reached.
public struct NetworkOptions: Sendable, Equatable {
    /// `http://`, `https://`, `socks5://` or `socks5h://` URL, user info allowed; `nil` connects directly.
    public var proxy: Secret?
    /// Hosts reached without the proxy.
    public var noProxy: [String]
    /// PEM file that replaces the system's certificate authorities.
    public var caFile: String?

    public init(proxy: Secret? = nil, noProxy: [String] = [], caFile: String? = nil) {
        (self.proxy, self.noProxy, self.caFile) = (proxy, noProxy, caFile)
    }
}

public struct UpstreamResponse: Sendable {
    public let status: Int
    public let fields: HTTPFields
    public let body: any UpstreamBody

    public init(status: Int, fields: HTTPFields, body: any UpstreamBody) {
        (self.status, self.fields, self.body) = (status, fields, body)
    }
}

/// The body of an answer, pulled piece by piece by one reader. Nothing is read ahead beyond a small buffer, so a slow
/// reader slows the upstream; releasing the body ends the transfer.
public protocol UpstreamBody: AnyObject, Sendable {
    /// The next bytes, at least one, decompressed; `nil` at the proper end.
    ///
    /// - Throws: as `HTTPTransport.send`, and `upstreamTruncated` when the body breaks off.
    func next() async throws(GatewayError) -> [UInt8]?
    /// True when `next()` would return without waiting.
    var isReady: Bool { get }
    /// The reader has all it wants, though not the end: the transfer gets a moment to end by itself, so that its
    /// connection can serve again. The last call before the body is released.
    func endSoon()
}

extension UpstreamBody {
    public func endSoon() {}

    /// The rest of the body.
    ///
    /// - Throws: `upstreamTooLarge` above `limit` bytes.
    public func collect(upTo limit: Int = 128 << 20) async throws(GatewayError) -> [UInt8] {
        guard var whole = try await next() else { return [] }
        while let piece = try await next() {
            guard piece.count <= limit - whole.count else {
                throw GatewayError(.upstreamTooLarge, .endpoint, "the upstream's answer is larger than \(limit) bytes")
            }
            whole += piece
        }
        return whole
    }
}
