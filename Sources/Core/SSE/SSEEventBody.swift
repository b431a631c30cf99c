/// The events of an upstream's answer, pulled one by one.
///
/// Nothing is read ahead beyond the piece of the body at hand. `isReady` is exact: a writer that encodes events while
/// it holds sends all events of one upstream read in one write, and never lets one wait for a later read.
public struct SSEEventBody: Sendable {
    private let body: any UpstreamBody
    private let time: any TimeSource
    private let payloadLimit: Duration
    private var parser: SSEParser
    private var lookahead = Lookahead.none

    private enum Lookahead { case none, event(SSEEvent), failure(GatewayError) }

    /// - Parameter payloadLimit: How long one call of `next()` may wait while the stream carries nothing but comments.
    ///   It is looked at whenever a piece arrives; silence is the business of the transfer's own gap deadline.
    public init(
        _ body: any UpstreamBody, time: any TimeSource, payloadLimit: Duration = .seconds(120),
        maxEventBytes: Int = 64 << 20
    ) {
        (self.body, self.time, self.payloadLimit) = (body, time, payloadLimit)
        parser = SSEParser(maxEventBytes: maxEventBytes)
    }

    /// The next event; `nil` when the body has ended. Whether that end was cut is for `endedInsideEvent` and for the
    /// provider, who knows its own last event.
    ///
    /// - Throws: as the body, `upstreamTooLarge` for an event beyond the limit, `upstreamTimeout` when only comments
    ///   came for `payloadLimit`.
    public mutating func next() async throws(GatewayError) -> SSEEvent? {
        switch lookahead {
        case .event(let event):
            lookAhead()
            return event
        case .failure(let error): throw error
        case .none: break
        }
        var quietSince = time.now
        while let piece = try await body.next() {
            let payloadBefore = parser.payloadCount
            parser.push(piece)
            if let event = try parser.next() {
                lookAhead()
                return event
            }
            if parser.payloadCount != payloadBefore {
                quietSince = time.now
            } else if time.now - quietSince >= payloadLimit {
                throw GatewayError(
                    .upstreamTimeout, .endpoint, "the upstream kept the stream open but sent nothing; try again",
                    detail: "nothing but comments for \(payloadLimit)")
            }
        }
        return nil
    }

    /// True when `next()` would return without reading from the upstream.
    public var isReady: Bool {
        if case .none = lookahead { false } else { true }
    }

    /// After `nil`: the body ended before its last event did.
    public var endedInsideEvent: Bool { parser.isInsideEvent }

    private mutating func lookAhead() {
        do throws(GatewayError) {
            lookahead = try parser.next().map { .event($0) } ?? .none
        } catch {
            lookahead = .failure(error)
        }
    }
}
