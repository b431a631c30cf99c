public import PolluxCore

/// The loops' clock, which is the system's but in tests, with sleeping done by the loops' timers.
public struct LoopTime: TimeSource {
    private let fallback: EventLoop

    /// - Parameter fallback: The loop that keeps the timers of tasks which run on none.
    public init(fallback: EventLoop) { self.fallback = fallback }

    public var now: Instant { fallback.exactNow }
    public var wallNow: WallTime { fallback.wallNow }

    public func sleep(until deadline: Instant) async throws(GatewayError) {
        let sleeper = Sleeper(loop: EventLoop.current ?? fallback)
        let woken = await withTaskCancellationHandler {
            await withCheckedContinuation { sleeper.start(until: deadline, $0) }
        } onCancel: {
            sleeper.cancel()
        }
        guard woken else { throw .cancelled }
    }
}

/// One sleep. Unchecked: its state is touched on the loop's thread only.
private final class Sleeper: @unchecked Sendable {
    private let loop: EventLoop
    private var continuation: CheckedContinuation<Bool, Never>?
    private var timer: LoopTimer?
    private var isCancelled = false

    init(loop: EventLoop) { self.loop = loop }

    func start(until deadline: Instant, _ continuation: CheckedContinuation<Bool, Never>) {
        guard loop.isCurrent else {
            return loop.execute { self.start(until: deadline, continuation) }
        }
        guard !isCancelled else { return continuation.resume(returning: false) }
        self.continuation = continuation
        timer = loop.schedule(at: deadline) { self.end(true) }
    }

    /// From any thread. Cancelling may overtake the start, so it is remembered.
    func cancel() {
        loop.execute {
            self.isCancelled = true
            self.end(false)
        }
    }

    private func end(_ result: Bool) {
        timer?.cancel()
        timer = nil
        continuation?.resume(returning: result)
        continuation = nil
    }
}
