/// One account of one provider as the store keeps it: what its source said last, what was rotated since, what the
/// operator set, and what the pool remembers.
///
/// A source owns identity, secrets and expiry; the store owns the rest. A field follows its source when the *source's*
/// value has changed since it was read last. An unchanged, stale value of the source never replaces a rotated secret,
/// across restarts too. An edit of the operator's detaches a field until it is reset.
public struct AccountRecord: Sendable, Equatable {
    public var provider: String
    public var accountID: String
    /// The credential source that publishes it; `adminSource` when it was added through the admin API.
    public var source: String
    /// By name: `values.NAME`, `expires_at`, `proxy`, `weight`, `disabled`, `label`.
    public var fields: [String: Field]
    /// Its source no longer names it; kept for 30 days.
    public var goneSince: WallTime?
    /// What the pool remembers (`AccountMemory.body`).
    public var memory: JSON?

    public static let adminSource = "admin"

    public enum Origin: String, Sendable, CaseIterable { case source, rotated, admin }

    public struct Field: Sendable, Equatable {
        /// `nil` for a field that its origin left out on purpose.
        public var value: Secret?
        public var origin: Origin
        /// Of the source's value when it was read last; tells whether the source has something new to say.
        public var sourceFingerprint: String

        public init(value: Secret?, origin: Origin, sourceFingerprint: String = "") {
            (self.value, self.origin, self.sourceFingerprint) = (value, origin, sourceFingerprint)
        }
    }

    public init(
        provider: String, accountID: String, source: String, fields: [String: Field] = [:],
        goneSince: WallTime? = nil, memory: JSON? = nil
    ) {
        (self.provider, self.accountID, self.source, self.fields) = (provider, accountID, source, fields)
        (self.goneSince, self.memory) = (goneSince, memory)
    }
}
