/// A clock that stands still until somebody moves it. Whoever keeps timers by it follows it, and is told of each step.
///
/// Production has none: its loops read the system's clock. In tests it makes every deadline exact: a timer fires when,
/// and only when, the test moves the clock to its moment.
public protocol SteppedTime: TimeSource {
    /// From now on the follower is asked and told at each step. It is not kept alive.
    func add(_ follower: any TimeFollower)
    func remove(_ follower: any TimeFollower)
    /// A follower has set a timer.
    func willWake(at moment: Instant)
}

/// Keeps timers by a stepped clock.
public protocol TimeFollower: AnyObject, Sendable {
    /// The next timer's moment. From any thread but the follower's own.
    var nextMoment: Instant? { get }
    func hasTimer(at moment: Instant) -> Bool
    /// The clock has moved. Returns once what is due has run, with all that it queued.
    func catchUp()
}
