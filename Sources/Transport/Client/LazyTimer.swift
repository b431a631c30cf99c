import PolluxCore

/// A timer for a deadline that moves all the time and is hardly ever reached.
///
/// Moving the deadline away costs nothing: the timer fires at the old one, asks where the deadline is now, and goes on.
/// It also outlives its user: a handle that serves one request after the other arms it about once a minute.
/// Belongs to the loop's thread.
final class LazyTimer {
    private let loop: EventLoop
    private let check: (Instant) -> Instant?
    private var timer: LoopTimer?
    private var armedFor = Instant.distantFuture

    /// - Parameter check: Called with the time when the timer fires; does what is due and returns the next deadline.
    init(on loop: EventLoop, check: @escaping (Instant) -> Instant?) { (self.loop, self.check) = (loop, check) }

    /// Makes sure that `check` runs at `deadline`, or some time before.
    func require(by deadline: Instant) {
        guard timer == nil || deadline < armedFor else { return }
        timer?.cancel()
        armedFor = deadline
        timer = loop.schedule(at: deadline) { [weak self] in self?.fire() }
    }

    func cancel() {
        timer?.cancel()
        timer = nil
    }

    private func fire() {
        timer = nil
        if let next = check(loop.now) { require(by: next) }
    }
}
