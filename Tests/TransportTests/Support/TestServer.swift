import PolluxCore
import PolluxTransport
import Synchronization

/// A server on a free port with a closure as its handler; ended by `stop()`.
final class TestServer: Sendable {
    let port: UInt16
    let server: HTTPServer
    let loops: LoopGroup
    let warnings: Log

    init(
        limits: HTTPServerLimits = HTTPServerLimits(), loops count: Int = 1, host: String = "127.0.0.1",
        time: (any SteppedTime)? = nil,
        _ handle: @escaping @Sendable (any HTTPExchange) async throws(GatewayError) -> Void = echo
    ) throws {
        loops = try LoopGroup(count: count, time: time)
        let warnings = Log()
        self.warnings = warnings
        server = HTTPServer(loops: loops, limits: limits, handler: ClosureHandler(body: handle)) { warnings.add($0) }
        port = try server.listen(host: host, port: 0)
    }

    func connect(receiveBuffer: Int32? = nil) -> TestClient { TestClient(port: port, receiveBuffer: receiveBuffer) }

    /// Lets the loops take in what is already in their sockets, and run what follows from it.
    func settle() async {
        for loop in loops.loops {
            for _ in 0..<50 {
                await withCheckedContinuation { continuation in loop.execute { continuation.resume() } }
            }
        }
    }

    /// Ends all connections and the threads. Clients must be closed or their requests ended.
    func stop() async {
        server.beginDrain()
        server.cancelAll()
        _ = await server.waitUntilIdle(until: LoopTime(fallback: loops.loops[0]).now + .seconds(5))
        loops.stop()
    }
}

/// Runs `body` against a server and stops the server afterwards.
func withServer(
    limits: HTTPServerLimits = HTTPServerLimits(), loops: Int = 1, time: (any SteppedTime)? = nil,
    _ handle: @escaping @Sendable (any HTTPExchange) async throws(GatewayError) -> Void = echo,
    _ body: (TestServer) async throws -> Void
) async throws {
    let server = try TestServer(limits: limits, loops: loops, time: time, handle)
    do {
        try await body(server)
    } catch {
        await server.stop()
        throw error
    }
    await server.stop()
}

/// Answers 200 with `METHOD target` and the body's length.
@Sendable func echo(_ exchange: any HTTPExchange) async throws(GatewayError) {
    let body = try await exchange.readBody()
    let text = "\(exchange.head.method.rawValue) \(exchange.head.target) \(body.count)"
    try await exchange.respond(HTTPAnswer(status: 200, body: Array(text.utf8)))
}

struct ClosureHandler: HTTPRequestHandler {
    let body: @Sendable (any HTTPExchange) async throws(GatewayError) -> Void

    func handle(_ exchange: any HTTPExchange) async {
        do throws(GatewayError) {
            try await body(exchange)
        } catch {
            if !exchange.isCommitted { try? await exchange.respond(answer(for: error)) }
        }
    }

    func answer(for error: GatewayError) -> HTTPAnswer {
        HTTPAnswer(
            status: status(error.kind), fields: ["content-type": "application/json"],
            body: Array(error.kind.rawValue.utf8))
    }

    private func status(_ kind: GatewayError.Kind) -> Int {
        switch kind {
        case .malformedHTTP: 400
        case .methodNotAllowed: 405
        case .requestTimeout: 408
        case .requestTooLarge: 413
        case .uriTooLong: 414
        case .unsupportedMediaType: 415
        case .expectationFailed: 417
        case .headerTooLarge: 431
        case .unsupportedTransferCoding: 501
        case .overloaded: 503
        case .unsupportedVersion: 505
        default: 500
        }
    }
}

/// Lines that several threads write.
final class Log: Sendable {
    private let state = Mutex<[String]>([])
    var lines: [String] { state.withLock { $0 } }
    func add(_ line: String) { state.withLock { $0.append(line) } }
}

/// Something that happens once and may be waited for.
final class Signal: Sendable {
    private struct State {
        var hasFired = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }
    private let state = Mutex(State())

    func fire() {
        let waiters = state.withLock { state in
            state.hasFired = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    func wait() async {
        await withCheckedContinuation { continuation in
            let hasFired = state.withLock { state in
                if !state.hasFired { state.waiters.append(continuation) }
                return state.hasFired
            }
            if hasFired { continuation.resume() }
        }
    }
}
