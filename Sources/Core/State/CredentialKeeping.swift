/// Makes what a provider has rotated durable before anybody uses it; what a pool asks.
public protocol CredentialKeeping: Sendable {
    /// Returns once the new value is durable, or is remembered until the disk takes it. Not ended by cancellation: the
    /// old value may be worth nothing already.
    ///
    /// - Parameters:
    ///   - basis: What the provider had in hand.
    ///   - use: Takes what is in force from now on. Called at most once, before this returns.
    func keep(
        _ credential: Credential, replacing basis: Credential, use: (Credential) -> Void
    ) async throws(GatewayError)
}
