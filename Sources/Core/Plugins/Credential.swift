/// The secret material of one account, as its source published it.
///
/// The values are named as in the source (`secure_c_ses`, `api_key`); the provider that uses the account knows which it
/// needs and says what is missing.
public struct Credential: Sendable, Equatable {
    /// Unique within its pool, stable across restarts: an e-mail address, `account_1`, `key-3f2a`. Not a secret.
    public var accountID: String
    public var values: [String: Secret]
    /// Not to be used from this moment on; `nil` when unknown.
    public var expiresAt: WallTime?
    /// The operator switched the account off.
    public var isDisabled: Bool
    /// This account's own proxy; `nil` takes the provider's.
    public var proxy: Secret?
    /// The account's share of the work in relation to others: 2 gets twice as many requests as 1.
    public var weight: Int

    public init(
        accountID: String, values: [String: Secret], expiresAt: WallTime? = nil, isDisabled: Bool = false,
        proxy: Secret? = nil, weight: Int = 1
    ) {
        (self.accountID, self.values, self.expiresAt) = (accountID, values, expiresAt)
        (self.isDisabled, self.proxy, self.weight) = (isDisabled, proxy, weight)
    }

    public subscript(name: String) -> Secret? { values[name] }
}

/// The right to use one account for one attempt.
public protocol AccountLease: Sendable {
    var credential: Credential { get }
    /// Replaces the secret. Returns once the new value is durable, so that it may be used.
    func rotate(to credential: Credential) async throws(GatewayError)
}
