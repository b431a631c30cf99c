public import PolluxCore
internal import Synchronization

/// A lease without a pool, that remembers how its secret was replaced.
public final class RecordedLease: AccountLease {
    private let state: Mutex<[Credential]>

    public init(_ credential: Credential) { state = Mutex([credential]) }

    /// The newest one.
    public var credential: Credential { state.withLock { $0[$0.count - 1] } }
    /// In the order they came; without the first.
    public var rotations: [Credential] { state.withLock { Array($0.dropFirst()) } }

    public func rotate(to credential: Credential) async throws(GatewayError) {
        state.withLock { $0.append(credential) }
    }
}
