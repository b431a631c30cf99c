import PolluxCore

/// What is sent back, decided before anything is sent.
enum WebReply: Sendable {
    case whole(HTTPAnswer, verdict: String)
    /// Frames, one write each.
    case stream(WebStream, verdict: String)

    /// Whole frames with their length known.
    static func framed(_ frames: [[JSON]], status: Int = 200, verdict: String) -> WebReply {
        .whole(
            HTTPAnswer(status: status, fields: framedFields, body: WebFraming.response(frames)), verdict: verdict)
    }

    static func text(
        _ text: String, type: String = "text/plain; charset=utf-8", status: Int = 200, verdict: String = "ok"
    ) -> WebReply {
        .whole(HTTPAnswer(status: status, fields: ["content-type": type], body: Array(text.utf8)), verdict: verdict)
    }

    /// An error as a page, which is how the web app's servers answer outside the protocol.
    static func page(status: Int, verdict: String) -> WebReply {
        text(
            "<!doctype html><html><head><title>Error \(status)</title></head><body></body></html>",
            type: "text/html; charset=utf-8", status: status, verdict: verdict)
    }

    static let framedFields: HTTPFields = ["content-type": "application/json; charset=utf-8"]

    var status: Int {
        switch self {
        case .whole(let answer, _): answer.head.status
        case .stream: 200
        }
    }

    func send(over call: SimulatedCall, delay: Duration) async throws(GatewayError) {
        switch self {
        case .whole(let answer, let verdict): try await call.answer(answer, verdict: verdict)
        case .stream(let stream, let verdict): try await stream.send(over: call, delay: delay, verdict: verdict)
        }
    }
}

/// A request that is refused, with the answer that says so.
struct WebRefusal: Error, Sendable {
    let reply: WebReply

    init(_ reply: WebReply) { self.reply = reply }

    /// A page with this status.
    init(status: Int, _ reason: String) { reply = .page(status: status, verdict: "refused: \(reason)") }
}
