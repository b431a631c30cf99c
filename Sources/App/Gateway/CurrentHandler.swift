import PolluxCore
import Synchronization

/// Hands each request to the gateway in force. It ends under the settings that it began with, whatever comes in
/// between.
final class CurrentHandler: HTTPRequestHandler {
    private let current: Mutex<Generation>

    init(_ handler: GatewayHandler) { current = Mutex(Generation(handler)) }

    func handle(_ exchange: any HTTPExchange) async {
        // Counted before anybody can retire it.
        let generation = current.withLock { generation in
            generation.enter()
            return generation
        }
        await generation.handler.handle(exchange)
        generation.leave()
    }

    func answer(for error: GatewayError) -> HTTPAnswer { current.withLock { $0 }.handler.answer(for: error) }

    /// From now on requests go to another one.
    ///
    /// - Parameter whenIdle: Called once the last request of the old one has ended, perhaps at once.
    func replace(with handler: GatewayHandler, whenIdle: @escaping @Sendable () -> Void) {
        let next = Generation(handler)
        let old = current.withLock { generation in
            defer { generation = next }
            return generation
        }
        old.retire(whenIdle)
    }
}

/// The requests of one gateway.
private final class Generation: Sendable {
    private struct State {
        var running = 0
        var whenIdle: (@Sendable () -> Void)?
    }

    let handler: GatewayHandler
    private let state = Mutex(State())

    init(_ handler: GatewayHandler) { self.handler = handler }

    func enter() { state.withLock { $0.running += 1 } }

    func leave() {
        let whenIdle = state.withLock { state -> (@Sendable () -> Void)? in
            state.running -= 1
            return state.running == 0 ? state.whenIdle.take() : nil
        }
        whenIdle?()
    }

    func retire(_ whenIdle: @escaping @Sendable () -> Void) {
        let isIdle = state.withLock { state in
            if state.running > 0 { state.whenIdle = whenIdle }
            return state.running == 0
        }
        if isIdle { whenIdle() }
    }
}
