/// What must outlive a restart about one account of one provider (B-7). Times are civil, and cut to their maxima when
/// they are read back: the clock may have been wrong.
public struct AccountMemory: Sendable, Equatable {
    public var provider: String
    public var accountID: String
    /// Rests, quotas, breakers, findings and counters; its form is the pool's own (`AccountMemory+JSON`).
    public var body: JSON

    public init(provider: String, accountID: String, body: JSON) {
        (self.provider, self.accountID, self.body) = (provider, accountID, body)
    }
}
