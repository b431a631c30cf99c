import PolluxCore

/// A timer for a deadline that moves all the time and is hardly ever reached.
///
/// Moving the deadline away costs nothing: the timer fires at the old one, asks where the deadline is now, and goes on.
/// It also outlives its user: a handle that serves one request after the other arms it about once a minute.
/// Belongs to the loop's thread.
final class LazyTimer {
    private let loop: EventLoop
    private let goesBySystem: Bool
    private let check: (Instant) -> Instant?
    private var timer: LoopTimer?
    private var armedFor = Instant.distantFuture

    /// - Parameters:
    ///   - goesBySystem: Also beside a stepped clock.
    ///   - check: Called with the time when the timer fires; does what is due and returns the next deadline.
    init(on loop: EventLoop, goesBySystem: Bool = false, check: @escaping (Instant) -> Instant?) {
        (self.loop, self.goesBySystem, self.check) = (loop, goesBySystem, check)
    }

    /// Makes sure that `check` runs at `deadline`, or some time before.
    func require(by deadline: Instant) {
        guard timer == nil || deadline < armedFor else { return }
        timer?.cancel()
        armedFor = deadline
        let fire = { [weak self] () -> Void in self?.fire() }
        timer = goesBySystem ? loop.schedule(atSystem: deadline, fire) : loop.schedule(at: deadline, fire)
    }

    func cancel() {
        timer?.cancel()
        timer = nil
    }

    private func fire() {
        timer = nil
        if let next = check(goesBySystem ? loop.systemNow : loop.now) { require(by: next) }
    }
}
