public import PolluxCore

/// A clock on which nobody waits: whoever sleeps moves it to the end of that sleep at once.
///
/// For code that may pause on its own account, where `ManualTime` would need somebody to move it.
public struct HurriedTime: TimeSource {
    private let base: ManualTime

    public init(_ base: ManualTime = ManualTime()) { self.base = base }

    public var now: Instant { base.now }
    public var wallNow: WallTime { base.wallNow }

    public func advance(by duration: Duration) { base.advance(by: duration) }

    public func sleep(until deadline: Instant) async throws(GatewayError) {
        if Task.isCancelled { throw .cancelled }
        if deadline > base.now { base.advance(by: deadline - base.now) }
    }
}
