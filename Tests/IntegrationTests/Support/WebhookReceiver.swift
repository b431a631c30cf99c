import PolluxCore
import PolluxTransport
import Synchronization

/// A web server of our own that takes messages, on a port of the system's choice.
final class WebhookReceiver: HTTPRequestHandler {
    struct Message: Sendable {
        let path: String
        let fields: HTTPFields
        let body: [UInt8]
        var json: JSON { (try? JSON.parse(body)) ?? .null }
    }

    private struct State {
        var messages: [Message] = []
        var statuses: [Int]
    }

    private let state: Mutex<State>
    private let loops: LoopGroup

    /// - Parameter statuses: One for each message; then 200.
    private init(_ statuses: [Int]) throws {
        state = Mutex(State(statuses: statuses))
        loops = try LoopGroup(count: 1)
    }

    /// Runs the body with a receiver and its URL.
    static func with<Result>(
        _ statuses: [Int] = [], _ body: (WebhookReceiver, String) async throws -> Result
    ) async throws -> Result {
        let receiver = try WebhookReceiver(statuses)
        let server = HTTPServer(loops: receiver.loops, handler: receiver)
        let port = try server.listen(host: "127.0.0.1", port: 0)
        defer { receiver.loops.stop() }
        return try await body(receiver, "http://127.0.0.1:\(port)/a-token-in-the-path")
    }

    var messages: [Message] { state.withLock { $0.messages } }

    func handle(_ exchange: any HTTPExchange) async {
        let body = (try? await exchange.readBody()) ?? []
        let status = state.withLock { state in
            let head = exchange.head
            state.messages.append(Message(path: String(head.path), fields: head.fields, body: body))
            return state.statuses.isEmpty ? 200 : state.statuses.removeFirst()
        }
        let fields: HTTPFields = status == 302 ? ["location": "/elsewhere"] : [:]
        try? await exchange.respond(HTTPAnswer(status: status, fields: fields))
    }

    func answer(for error: GatewayError) -> HTTPAnswer { HTTPAnswer(status: error.httpStatus) }
}
