public import PolluxCore
import Synchronization

/// An HTTP/1.1 server on a group of event loops. TLS and HTTP/2 are the business of a reverse proxy in front of it.
///
/// Each request runs `HTTPRequestHandler.handle` in a task on its connection's loop; the task is cancelled when the
/// client goes away. One request at a time is served per connection; what a client sends ahead waits.
public final class HTTPServer: Sendable {
    private let workers: [ServerWorker]
    private let state: ServerState

    /// - Parameters:
    ///   - loops: Must run longer than the server's requests.
    ///   - warn: Receives what an operator should look at, at most once a minute.
    public init(
        loops: LoopGroup, limits: HTTPServerLimits = HTTPServerLimits(), handler: any HTTPRequestHandler,
        warn: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        let state = ServerState(limits: limits, warn: warn)
        self.state = state
        workers = loops.loops.map { ServerWorker(loop: $0, state: state, handler: handler) }
    }

    /// Starts to accept connections. May be called for several addresses.
    ///
    /// - Parameters:
    ///   - host: A numeric IPv4 or IPv6 address, or `localhost`; `::` takes both families.
    ///   - port: 0 lets the system choose.
    /// - Returns: The port.
    /// - Throws: `invalidRequest` for an address that is none, `internalError` when it cannot be had; the message
    ///   says what to do.
    @discardableResult
    public func listen(host: String, port: UInt16) throws(GatewayError) -> UInt16 {
        let (sockets, port) = try ListeningSocket.open(host: host, port: port, count: workers.count)
        for (worker, socket) in zip(workers, sockets) {
            worker.loop.execute { worker.listen(on: socket) }
        }
        return port
    }

    /// Other limits from now on; a deadline that runs keeps its end. Whether loopback is exempt stays as it was.
    public func change(_ limits: HTTPServerLimits) {
        state.change(limits)
        for worker in workers { worker.loop.execute { worker.change(limits) } }
    }

    public var openConnections: Int { state.openConnections }
    /// Requests whose handler has not returned.
    public var requestsInFlight: Int { state.requestsInFlight }

    /// Stops accepting, closes idle connections, and lets every further answer carry `Connection: close`.
    public func beginDrain() {
        state.beginDrain()
        for worker in workers { worker.loop.execute { worker.beginDrain() } }
    }

    /// After `beginDrain()`: waits until no connection is open and no handler runs.
    ///
    /// - Returns: False when `deadline` came first.
    public func waitUntilIdle(until deadline: Instant) async -> Bool {
        await withCheckedContinuation { continuation in
            let id = state.addWaiter(continuation)
            let (loop, state) = (workers[0].loop, state)
            loop.execute { loop.schedule(at: deadline) { state.expireWaiter(id) } }
        }
    }

    /// Cancels the task of every running request. Handlers may still send the end of their answers.
    public func cancelAll() {
        for worker in workers { worker.loop.execute { worker.cancelAll() } }
    }
}
