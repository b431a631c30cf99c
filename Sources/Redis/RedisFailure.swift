/// Why there is no reply.
public enum RedisFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// There is no connection, and nobody waits for one.
    case notConnected
    /// Too many failures in a row: Redis is left alone for a while.
    case resting
    /// Commands wait that were not sent yet, and there is no room for one more.
    case overloaded
    case timedOut
    case connectionLost(String)
    /// Redis refuses the command, in its own words.
    case refused(String)
    /// The reply is not of the form that was asked for.
    case malformed

    public var description: String {
        switch self {
        case .notConnected: "there is no connection to Redis"
        case .resting: "Redis has failed several times in a row and is left alone for a while"
        case .overloaded: "too many commands wait for Redis"
        case .timedOut: "Redis did not reply in time"
        case .connectionLost(let why): "the connection to Redis was lost: \(why)"
        case .refused(let words): "Redis refuses: \(words)"
        case .malformed: "Redis replied in a form that was not asked for"
        }
    }
}

/// Leaves Redis alone after failures in a row, so that a server which takes connections and does not reply costs
/// nobody its timeout again and again.
struct RedisBreaker: Sendable, Equatable {
    static let mostFailures = 5
    static let openFor: Int64 = 5_000_000

    private(set) var failures = 0
    private var openUntil: Int64 = .min

    /// - Parameter now: In microseconds.
    func isOpen(_ now: Int64) -> Bool { now < openUntil }

    mutating func succeed() { self = RedisBreaker() }

    /// When the pause is over one failure is enough to begin the next one.
    mutating func fail(_ now: Int64) {
        guard !isOpen(now) else { return }
        failures = min(failures + 1, Self.mostFailures)
        if failures == Self.mostFailures { openUntil = now &+ Self.openFor }
    }
}
