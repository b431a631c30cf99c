/// Where the gateway's time comes from. Everything asks here, so that a test can hold and advance it.
///
/// The deadlines of real sockets are the one exception: they live in the event loop.
public protocol TimeSource: Sendable {
    /// Monotonic: for durations, limits and timeouts.
    var now: Instant { get }
    /// Civil: for records, cookie expiry and token claims.
    var wallNow: WallTime { get }
    /// Suspends until `deadline`. Returns early, by throwing `GatewayError.cancelled`, when the task is cancelled.
    func sleep(until deadline: Instant) async throws(GatewayError)
}
