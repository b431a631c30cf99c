/// The bounds of the HTTP server (reliability requirements H-1 to H-12). Sizes are bytes.
public struct HTTPServerLimits: Sendable, Equatable {
    /// The request line without its line end.
    public var maxRequestLine = 8 << 10
    /// All header lines with their line ends.
    public var maxHeaderBytes = 32 << 10
    public var maxHeaderFields = 100
    /// For a whole head, from its first byte on.
    public var headerTimeout: Duration = .seconds(10)
    /// A request's body, decoded from chunks.
    public var maxBodyBytes = 32 << 20
    /// For a whole body, and a second more for each 64 KiB that were declared or have come.
    public var bodyTimeout: Duration = .seconds(15)
    /// For the first byte of the next request, and of the first one.
    public var idleTimeout: Duration = .seconds(60)
    public var maxConnections = 1024
    /// Per address; an IPv6 network of 64 bits counts as one.
    public var maxConnectionsPerIP = 64
    /// Whether connections from this host are free of `maxConnectionsPerIP`.
    public var exemptsLoopback = true
    public var maxRequestsPerConnection = 1000
    /// Kept of what a client sends ahead while a request runs; then reading stops.
    public var pipelinedBytes = 64 << 10
    /// For a client to take any byte of what is waiting for it.
    public var writeTimeout: Duration = .seconds(30)
    /// Kept of one answer for a slow client; then its writer waits.
    public var unsentBuffer = 256 << 10

    public init() {}

    /// How long a body of so many bytes may take.
    func bodyDuration(_ bytes: Int) -> Duration {
        bodyTimeout + .microseconds(Int64(clamping: bytes / 65536) * 1_000_000)
    }

    var parserLimits: HTTPRequestParser.Limits {
        HTTPRequestParser.Limits(
            maxRequestLine: maxRequestLine, maxHeaderBytes: maxHeaderBytes, maxHeaderFields: maxHeaderFields)
    }
}
