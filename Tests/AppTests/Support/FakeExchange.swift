import PolluxCore
import Synchronization

/// A request without a socket: what is sent to the client is written down.
final class FakeExchange: HTTPExchange {
    enum Sent: Equatable {
        case answer(Int, String)
        case start(Int, String)
        case write(String)
        case finish(String)
        case abort
    }

    private struct State {
        var sent: [Sent] = []
        var fields = HTTPFields()
        var isExpired = false
        var clock: (head: HTTPResponseHead, bytes: [UInt8], delay: Duration)?
        var keepAlive: (bytes: [UInt8], interval: Duration)?
        var deadline: Instant?
        var isGone = false
    }

    let head: HTTPRequestHead
    let peerAddress: String
    private let body: [UInt8]
    private let state = Mutex(State())

    init(
        _ method: HTTPMethod = .post, _ target: String = "/v1/chat/completions", fields: HTTPFields = [:],
        body: String = "", peer: String = "127.0.0.1"
    ) {
        head = HTTPRequestHead(method: method, target: target, fields: fields)
        (peerAddress, self.body) = (peer, Array(body.utf8))
    }

    var declaredBodyLength: Int? { body.count }
    var sent: [Sent] { state.withLock { $0.sent } }
    /// The fields of the answer's head.
    var sentFields: HTTPFields { state.withLock { $0.fields } }
    var isCommitted: Bool { state.withLock { !$0.sent.isEmpty } }
    var isExpired: Bool { state.withLock { $0.isExpired } }
    var deadline: Instant? { state.withLock { $0.deadline } }
    var commitDelay: Duration? { state.withLock { $0.clock?.delay } }
    var keepAliveInterval: Duration? { state.withLock { $0.keepAlive?.interval } }

    /// The commit clock strikes.
    func strike() {
        state.withLock { state in
            guard let clock = state.clock, state.sent.isEmpty else { return }
            state.fields = clock.head.fields
            state.sent.append(.start(clock.head.status, String(decoding: clock.bytes, as: UTF8.self)))
        }
    }

    /// The client goes away: what is sent from now on fails.
    func leave() { state.withLock { $0.isGone = true } }
    /// The deadline passes.
    func pass() { state.withLock { $0.isExpired = true } }

    func readBody() async throws(GatewayError) -> [UInt8] { body }

    func respond(_ answer: HTTPAnswer) async throws(GatewayError) {
        try note(.answer(answer.head.status, String(decoding: answer.body, as: UTF8.self)), answer.head.fields)
    }

    func startStream(_ head: HTTPResponseHead, firstBytes: [UInt8]) async throws(GatewayError) {
        try note(.start(head.status, String(decoding: firstBytes, as: UTF8.self)), head.fields)
    }

    func write(_ bytes: [UInt8]) async throws(GatewayError) {
        try note(.write(String(decoding: bytes, as: UTF8.self)))
    }

    func finishStream(lastBytes: [UInt8]) async throws(GatewayError) {
        try note(.finish(String(decoding: lastBytes, as: UTF8.self)))
    }

    func abortStream() { state.withLock { $0.sent.append(.abort) } }

    func commitLater(_ head: HTTPResponseHead, firstBytes: [UInt8], after delay: Duration) {
        state.withLock { $0.clock = (head, firstBytes, delay) }
    }

    func commitNoLonger() { state.withLock { $0.clock = nil } }

    func expire(at deadline: Instant) { state.withLock { $0.deadline = deadline } }

    func keepAlive(_ bytes: [UInt8], every interval: Duration) { state.withLock { $0.keepAlive = (bytes, interval) } }

    private func note(_ sent: Sent, _ fields: HTTPFields? = nil) throws(GatewayError) {
        let isGone = state.withLock { state in
            if state.isGone { return true }
            if let fields { state.fields = fields }
            state.sent.append(sent)
            return false
        }
        if isGone { throw .cancelled }
    }
}
