import PolluxCore

/// An absolute deadline that is moved often and reached rarely. Moving it later costs nothing: the timer finds out when
/// it fires. Belongs to the loop's thread.
final class MovingDeadline {
    private let loop: EventLoop
    private let action: () -> Void
    private var timer: LoopTimer?
    private(set) var instant = Instant.distantFuture

    /// - Parameter action: Called when the deadline has passed; it is then cleared.
    init(_ loop: EventLoop, action: @escaping () -> Void) { (self.loop, self.action) = (loop, action) }

    func set(_ instant: Instant) {
        self.instant = instant
        guard timer.map({ instant < $0.deadline }) ?? true else { return }
        timer?.cancel()
        timer = loop.schedule(at: instant) { [unowned self] in fire() }
    }

    /// Nothing will happen until the next `set`.
    func clear() { instant = .distantFuture }

    /// Frees the timer too.
    func cancel() {
        clear()
        timer?.cancel()
        timer = nil
    }

    private func fire() {
        timer = nil
        if instant <= loop.now {
            clear()
            action()
        } else if instant < .distantFuture {
            set(instant)
        }
    }
}
