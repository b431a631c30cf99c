import PolluxCore

/// Writes an answer's events to the client as they come, in the client's format.
///
/// The head is held back until the first event that a client can use, so that an error before it is still an HTTP
/// status; at most `commitAfter` once the upstream has accepted, then the stream opens with a keep-alive (T-6).
final class StreamingSink: AnswerSink {
    private let exchange: any HTTPExchange
    private let makeEncoder: () -> any ResponseEncoder
    /// Asked when the head is written: until then, another attempt may change them.
    private let extraFields: () -> [HTTPFields.Field]
    private var encoder: any ResponseEncoder
    private var pending: [UInt8] = []
    private var hasContent = false

    private static let commitAfter = Duration.seconds(10)
    private static let keepAliveEvery = Duration.seconds(15)

    init(
        _ exchange: any HTTPExchange, extraFields: @escaping () -> [HTTPFields.Field],
        makeEncoder: @escaping () -> any ResponseEncoder
    ) {
        (self.exchange, self.extraFields, self.makeEncoder) = (exchange, extraFields, makeEncoder)
        encoder = makeEncoder()
    }

    var isCommitted: Bool { exchange.isCommitted }

    func begin(_ target: RouteTarget, attempt: Int) {
        guard attempt > 1 else { return }
        // The clock of a failed attempt must not open the stream while the next one may still fail.
        exchange.commitNoLonger()
        encoder = makeEncoder()
        pending.removeAll(keepingCapacity: true)
        hasContent = false
    }

    /// The clock of a failed attempt must not open the stream while the next one may still fail.
    func attemptFailed() { exchange.commitNoLonger() }

    func upstreamAccepted() {
        guard !exchange.isCommitted else { return }
        exchange.commitLater(head, firstBytes: encoder.keepAlive, after: Self.commitAfter)
        // Also for a stream that the commit clock starts before the first event has come.
        exchange.keepAlive(encoder.keepAlive, every: Self.keepAliveEvery)
    }

    func take(_ event: ModelEvent, more: Bool) async throws(GatewayError) {
        if event == .ended { return }
        if !exchange.isCommitted, let error = encoder.error(insteadOf: event) { throw error }
        encoder.encode(event, into: &pending)
        hasContent = hasContent || event.isContent
        guard hasContent || exchange.isCommitted else { return }
        if more, pending.count < 64 << 10 { return }
        try await flush()
    }

    /// Ends the answer: properly, or with the error in the client's format.
    ///
    /// Bytes before an abort go out in a write of their own: some clients notice an error only if it comes alone.
    func finish(after error: GatewayError?) async throws(GatewayError) {
        if error != nil { encoder.releaseHeld(into: &pending) }
        var closing: [UInt8] = []
        switch encoder.finish(after: error, into: &closing) {
        case .clean:
            pending += closing
            guard exchange.isCommitted else {
                try await exchange.startStream(head, firstBytes: pending)
                return try await exchange.finishStream()
            }
            try await exchange.finishStream(lastBytes: pending)
        case .abort:
            try await flush()
            pending = closing
            try await flush()
            exchange.abortStream()
        }
    }

    private func flush() async throws(GatewayError) {
        guard !pending.isEmpty else { return }
        if exchange.isCommitted {
            try await exchange.write(pending)
        } else {
            try await exchange.startStream(head, firstBytes: pending)
        }
        pending.removeAll(keepingCapacity: true)
    }

    private var head: HTTPResponseHead {
        var head = encoder.head
        for field in extraFields() { head.fields.append(field.name, field.value) }
        return head
    }
}
