public import PolluxCore
internal import Synchronization

/// A request without a socket: what the gateway sends is kept.
public final class MemoryExchange: HTTPExchange {
    private struct State {
        var reply = MemoryReply()
        var isExpired = false
    }

    public let head: HTTPRequestHead
    public let peerAddress: String
    private let body: [UInt8]
    private let state = Mutex(State())

    public init(head: HTTPRequestHead, body: [UInt8] = [], peerAddress: String = "127.0.0.1") {
        (self.head, self.body, self.peerAddress) = (head, body, peerAddress)
    }

    /// What was sent so far.
    public var reply: MemoryReply { state.withLock { $0.reply } }

    public var declaredBodyLength: Int? { body.count }
    public var isCommitted: Bool { state.withLock { $0.reply.status != 0 } }
    public var isExpired: Bool { state.withLock { $0.isExpired } }

    public func readBody() async throws(GatewayError) -> [UInt8] { body }

    public func respond(_ answer: HTTPAnswer) async throws(GatewayError) {
        try start(answer.head, [answer.body], end: .whole)
    }

    public func startStream(_ head: HTTPResponseHead, firstBytes: [UInt8]) async throws(GatewayError) {
        try start(head, [firstBytes], end: .open)
    }

    public func write(_ bytes: [UInt8]) async throws(GatewayError) { try append(bytes, end: .open) }

    public func finishStream(lastBytes: [UInt8]) async throws(GatewayError) { try append(lastBytes, end: .whole) }

    public func abortStream() { state.withLock { $0.reply.end = .cut } }

    /// Not armed: the caller's clock stands still while the answer is made.
    public func commitLater(_ head: HTTPResponseHead, firstBytes: [UInt8], after delay: Duration) {}

    public func commitNoLonger() {}

    public func expire(at deadline: Instant) {}

    public func keepAlive(_ bytes: [UInt8], every interval: Duration) {}

    private func start(
        _ head: HTTPResponseHead, _ pieces: [[UInt8]], end: MemoryReply.End
    ) throws(GatewayError) {
        if Task.isCancelled { throw .cancelled }
        state.withLock { state in
            precondition(state.reply.status == 0, "an answer was begun twice")
            state.reply = MemoryReply(head: head, pieces: pieces.filter { !$0.isEmpty }, end: end)
        }
    }

    private func append(_ bytes: [UInt8], end: MemoryReply.End) throws(GatewayError) {
        if Task.isCancelled { throw .cancelled }
        state.withLock { state in
            precondition(state.reply.end == .open && state.reply.status != 0, "no stream is open")
            if !bytes.isEmpty { state.reply.pieces.append(bytes) }
            state.reply.end = end
        }
    }
}

/// What a client got.
public struct MemoryReply: Sendable, Equatable {
    public enum End: Sendable, Equatable {
        /// Nothing came, or the stream was never ended.
        case open
        case whole
        /// By closing the connection in the middle.
        case cut
    }

    /// 0 as long as nothing was sent.
    public var status: Int
    public var fields: HTTPFields
    /// A whole answer in one, a streamed one write by write.
    public var pieces: [[UInt8]]
    public var end: End

    init(head: HTTPResponseHead = HTTPResponseHead(status: 0), pieces: [[UInt8]] = [], end: End = .open) {
        (status, fields, self.pieces, self.end) = (head.status, head.fields, pieces, end)
    }

    public var body: [UInt8] { Array(pieces.joined()) }
    public var text: String { String(decoding: body, as: UTF8.self) }
    /// The body read as JSON; `nil` when it is none.
    public var json: JSON? {
        do { return try JSON.parse(body) } catch { return nil }
    }
}
