import PolluxCore

/// When a request came by each place on its way: what metrics, the `server-timing` field and usage records are made of.
///
/// Two waits are not the gateway's doing and are kept apart: for the client's body, and for an account to come free.
struct VisitMarks: Sendable, Equatable {
    let arrival: Instant
    /// The request was read and allowed; the search for an account begins.
    private(set) var admitted: Instant?
    /// The first account was in hand.
    private(set) var leased: Instant?
    /// The first attempt, and the one under way.
    private(set) var firstAttempt: Instant?
    private(set) var attempt: Instant?
    /// The first content of the attempt under way.
    private(set) var firstByte: Instant?
    private(set) var end: Instant?
    /// How long the client took to send its body.
    private(set) var receiving = Duration.zero
    /// How long the request stood in line for an account.
    private(set) var queued = Duration.zero
    private var waitingSince: Instant?

    init(arrival: Instant) { self.arrival = arrival }

    // MARK: What happened

    mutating func received(from start: Instant, to end: Instant) { receiving = receiving + (end - start) }
    mutating func admit(_ now: Instant) { admitted = now }

    mutating func wait(_ isWaiting: Bool, _ now: Instant) {
        if let since = waitingSince { queued = queued + (now - since) }
        waitingSince = isWaiting ? now : nil
    }

    mutating func begin(_ now: Instant) {
        leased = leased ?? now
        firstAttempt = firstAttempt ?? now
        attempt = now
        firstByte = nil
    }

    mutating func content(_ now: Instant) { firstByte = firstByte ?? now }
    mutating func finish(_ now: Instant) { end = end ?? now }

    // MARK: What follows from it

    /// From arrival to the end; `nil` while it runs.
    var total: Duration? { end.map { $0 - arrival } }
    /// From arrival to the first content from the upstream.
    var untilFirstByte: Duration? { firstByte.map { $0 - arrival } }
    /// The upstream's share of it: from the beginning of the attempt that answered.
    var upstreamFirstByte: Duration? {
        guard let attempt, let firstByte else { return nil }
        return firstByte - attempt
    }
    /// The gateway's own share: from arrival to the first attempt, less the waits that are not its doing.
    var overhead: Duration? { firstAttempt.map { max(.zero, $0 - arrival - receiving - queued) } }

    /// The value of a `server-timing` field, in milliseconds, as far as is known `now`. The parts do not overlap:
    ///
    /// - `queue`: in line for an account;
    /// - `account`: from admission to the attempt under way, the line not counted: the choice, attempts that failed;
    /// - `upstream`: from the beginning of that attempt to its first content;
    /// - `total`: from arrival until now.
    func serverTiming(_ now: Instant) -> String {
        var parts: [(String, Duration)] = [("queue", queued)]
        if let admitted, let attempt {
            parts.append(("account", max(.zero, attempt - admitted - queued)))
            parts.append(("upstream", (firstByte ?? now) - attempt))
        }
        parts.append(("total", now - arrival))
        return parts.map { "\($0.0);dur=\(Self.milliseconds($0.1))" }.joined(separator: ", ")
    }

    /// `1234 µs` → `1.2`
    private static func milliseconds(_ duration: Duration) -> String {
        let tenths = max(0, duration.microseconds) / 100
        return "\(tenths / 10).\(tenths % 10)"
    }
}
