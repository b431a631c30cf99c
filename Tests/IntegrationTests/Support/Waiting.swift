import Glibc

/// What a helper could not do.
struct TestFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// A point in time that nothing in a test may pass. Real time: the sockets and processes are real.
struct Deadline: Sendable {
    private let end: ContinuousClock.Instant

    static func within(_ duration: Duration) -> Deadline { Deadline(end: ContinuousClock.now + duration) }

    var hasPassed: Bool { ContinuousClock.now >= end }

    /// For `poll`: at least 0.
    var millisecondsLeft: Int32 {
        let left = (end - ContinuousClock.now).components
        return Int32(clamping: max(0, left.seconds * 1000 + left.attoseconds / 1_000_000_000_000_000))
    }
}

/// Waits for a condition that another thread or process brings about.
///
/// - Returns: Whether it came true in time.
func eventually(within limit: Duration = .seconds(5), _ condition: () throws -> Bool) rethrows -> Bool {
    let deadline = Deadline.within(limit)
    while try !condition() {
        if deadline.hasPassed { return false }
        poll(nil, 0, 5)
    }
    return true
}
