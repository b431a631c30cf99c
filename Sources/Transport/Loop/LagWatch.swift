import PolluxCore

extension EventLoop {
    /// Tells again and again how late a timer of this loop fires: for as long, whatever the loop does keeps everybody
    /// waiting. Goes by the system's clock, whatever clock the loop has, and wakes the loop once per interval.
    ///
    /// From any thread; ends with the loop.
    ///
    /// - Parameter report: Called on the loop. Up to a millisecond is the timers' own precision.
    public func watchLag(every interval: Duration, _ report: @escaping @Sendable (Duration) -> Void) {
        execute { [weak self] in self?.measureLag(every: interval, report) }
    }

    private func measureLag(every interval: Duration, _ report: @escaping @Sendable (Duration) -> Void) {
        let due = Instant.monotonicNow + interval
        // Weak: a loop that has stopped keeps its timers, and they must not keep it.
        _ = schedule(atSystem: due) { [weak self] in
            report(max(.zero, Instant.monotonicNow - due))
            self?.measureLag(every: interval, report)
        }
    }
}
