/// Reads one answer out of an upstream's server-sent events; `SSEAnswer` pulls the events and hands them over.
public protocol SSEAnswerDecoder: Sendable {
    /// Appends what one event means, nothing if it means nothing. `ended` is the last event: what follows is not read.
    ///
    /// - Throws: What the upstream says went wrong, or `upstreamBadResponse`. What was appended before is delivered
    ///   first.
    mutating func decode(_ event: SSEEvent, into events: inout [ModelEvent]) throws(GatewayError)
    /// The body has ended. Appends what the answer still needs, up to `ended`, if the format lets an answer end so.
    ///
    /// - Throws: `upstreamTruncated` by default: the upstream's answer broke off.
    mutating func end(into events: inout [ModelEvent]) throws(GatewayError)
}

extension SSEAnswerDecoder {
    public mutating func end(into events: inout [ModelEvent]) throws(GatewayError) {
        throw GatewayError(.upstreamTruncated, .endpoint, "the upstream's answer broke off; try again")
    }
}

/// An answer that comes as server-sent events. Nothing is read before it is asked for; behind `ended`, or an error, the
/// transfer is ended too.
public struct SSEAnswer<Decoder: SSEAnswerDecoder>: EventSource {
    private let body: any UpstreamBody
    private var source: SSEEventBody?
    private var decoder: Decoder
    private var pending: [ModelEvent] = []
    private var position = 0
    private var failure: GatewayError?

    /// - Parameters:
    ///   - time: Bounds how long a stream may go on with nothing but comments.
    ///   - maxEventBytes: The limit for one event.
    public init(_ body: any UpstreamBody, _ decoder: Decoder, time: any TimeSource, maxEventBytes: Int = 16 << 20) {
        (self.body, self.decoder) = (body, decoder)
        source = SSEEventBody(body, time: time, maxEventBytes: maxEventBytes)
    }

    public var isReady: Bool { position < pending.count || failure != nil || (source?.isReady ?? true) }

    public mutating func next() async throws(GatewayError) -> ModelEvent? {
        while position == pending.count {
            if let failure { throw failure }
            guard source != nil else { return nil }
            pending.removeAll(keepingCapacity: true)
            position = 0
            await read()
        }
        position += 1
        return pending[position - 1]
    }

    private mutating func read() async {
        do {
            if let event = try await source?.next() {
                try decoder.decode(event, into: &pending)
            } else {
                try decoder.end(into: &pending)
                if pending.last != .ended { pending.append(.ended) }
            }
        } catch {
            (failure, source) = (error, nil)
        }
        guard pending.last == .ended else { return }
        source = nil
        // The end of the body mostly came along, or comes soon: then its connection can serve again.
        if body.isReady { _ = try? await body.next() } else { body.endSoon() }
    }
}
