/// What became of a request, for logs and headers: every attempt, in order.
public struct AttemptRecord: Sendable, Equatable {
    public struct Attempt: Sendable, Equatable {
        public var provider: String
        public var accountID: String
        /// The model's name at the provider.
        public var model: String
        /// `nil` for the one that answered, or still runs.
        public var failure: GatewayError.Kind?

        public init(provider: String, accountID: String, model: String, failure: GatewayError.Kind? = nil) {
            (self.provider, self.accountID, self.model, self.failure) = (provider, accountID, model, failure)
        }
    }

    public var list: [Attempt]

    public init(_ list: [Attempt] = []) { self.list = list }

    /// How many there were.
    public var attempts: Int { list.count }
    /// Of the last attempt; empty when there was none.
    public var provider: String { list.last?.provider ?? "" }
    public var accountID: String { list.last?.accountID ?? "" }
    public var model: String { list.last?.model ?? "" }

    mutating func begin(_ leased: LeasedCandidate) {
        list.append(
            Attempt(
                provider: leased.target.provider, accountID: leased.lease.accountID, model: leased.target.model))
    }

    mutating func fail(_ error: GatewayError) {
        guard !list.isEmpty else { return }
        list[list.count - 1].failure = error.kind
    }
}
