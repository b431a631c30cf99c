/// So many requests at a time. Each holds a lease until it ends.
///
/// In memory a lease is a count: the request gives it back, whatever becomes of it. On Redis it is a member of a sorted
/// set with an end, which its gateway moves on: the leases of a gateway that has died end by themselves.
public struct ConcurrencyLeases: Sendable, Hashable {
    public let limit: Int64

    /// How long a lease on Redis is good for, and how often it is renewed.
    public static let life = Duration.seconds(30)
    public static let renewalEvery = Duration.seconds(10)

    /// When some request ends, nobody can foresee; a second is polite.
    static let politeWait: Int64 = 1_000_000

    public init(limit: Int64) { self.limit = max(0, limit) }

    /// - Parameter held: Leases that are out.
    /// - Returns: The outcome, and the count when everything that decides with it allows the request.
    public func decide(held: Int64) -> (outcome: LimitOutcome, held: Int64) {
        if held < limit {
            return (.allowed(remaining: limit - held - 1, resetAfter: 0), held + 1)
        }
        return (
            .limited(remaining: 0, resetAfter: 0, retryAfter: limit > 0 ? Self.politeWait : LimitOutcome.never), held
        )
    }
}
