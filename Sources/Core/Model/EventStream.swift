/// The events of one answer, pulled. Nothing runs between two calls of `next()`, so a slow reader slows the upstream,
/// and dropping the stream drops the upstream body, which ends the transfer.
public struct EventStream: Sendable {
    private var source: any EventSource

    public init(_ source: any EventSource) { self.source = source }

    /// `nil` before `.ended` is a truncated answer.
    public mutating func next() async throws(GatewayError) -> ModelEvent? { try await source.next() }

    /// True when `next()` would return without waiting, so that what is ready goes out in one write.
    public var isReady: Bool { source.isReady }
}

public protocol EventSource: Sendable {
    mutating func next() async throws(GatewayError) -> ModelEvent?
    var isReady: Bool { get }
}

extension EventSource {
    public var isReady: Bool { false }
}
