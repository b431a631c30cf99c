/// One request being served and the way to answer it. Made by the HTTP server, used by one task on the loop's thread.
///
/// The server owns framing (Content-Length or chunked, HEAD, keep-alive); the handler decides what is said. A handler
/// that returns without answering makes the server send a 500.
public protocol HTTPExchange: AnyObject, Sendable {
    var head: HTTPRequestHead { get }
    /// The address of the peer's socket, without its port: `127.0.0.1`, `::1`.
    var peerAddress: String { get }
    /// Declared by Content-Length; `nil` for a chunked body, 0 for none.
    var declaredBodyLength: Int? { get }
    /// True once a byte of the answer was handed to the socket: the commit point.
    var isCommitted: Bool { get }

    /// Reads the whole body, decoded from chunks; sends `100 Continue` first when the client waits for it.
    ///
    /// - Throws: `GatewayError` of kind `requestTooLarge` (413), `requestTimeout` (408), `malformedHTTP` (400) or
    ///   `cancelled` when the client has gone. The connection closes after the error's answer.
    func readBody() async throws(GatewayError) -> [UInt8]

    /// Sends a whole answer. `Content-Length` and `Connection` are added by the server.
    ///
    /// - Throws: `cancelled` when the client has gone.
    func respond(_ answer: HTTPAnswer) async throws(GatewayError)

    /// Sends the head of a streamed answer (chunked; ended by closing for HTTP/1.0) together with the first bytes. One
    /// with a `bodyLength` has just so many.
    func startStream(_ head: HTTPResponseHead, firstBytes: [UInt8]) async throws(GatewayError)

    /// Sends a piece of a streamed answer in one write. Suspends while the client takes less than we have for it.
    func write(_ bytes: [UInt8]) async throws(GatewayError)

    /// Ends a streamed answer properly, with its last bytes in the same write.
    func finishStream(lastBytes: [UInt8]) async throws(GatewayError)

    /// Ends the answer by closing the connection without its proper end, so that the client sees a cut.
    func abortStream()

    /// Arms the commit clock: if the handler has sent nothing within `delay`, the server starts the stream itself with
    /// `head` and `firstBytes`, so that a slow upstream does not look dead. `startStream` disarms it.
    func commitLater(_ head: HTTPResponseHead, firstBytes: [UInt8], after delay: Duration)
    /// Disarms the commit clock.
    func commitNoLonger()

    /// Cancels the handler's task at `deadline`; what it awaits then throws `cancelled`, and `isExpired` tells why.
    /// Answering stays possible.
    func expire(at deadline: Instant)
    /// True when the deadline of `expire(at:)` ended the work.
    var isExpired: Bool { get }

    /// While a stream is open and nothing was written for `interval`, the server sends `bytes` by itself.
    func keepAlive(_ bytes: [UInt8], every interval: Duration)
}

extension HTTPExchange {
    /// Ends a streamed answer properly.
    public func finishStream() async throws(GatewayError) { try await finishStream(lastBytes: []) }
}

/// What the HTTP server calls for each request, in a task on the connection's loop. The task is cancelled when the
/// client goes away.
public protocol HTTPRequestHandler: Sendable {
    func handle(_ exchange: any HTTPExchange) async
    /// The answer to a request that never became one: a malformed head, a header timeout, too many connections.
    func answer(for error: GatewayError) -> HTTPAnswer
}
