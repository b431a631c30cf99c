import Synchronization

/// What a pool that outlives its settings is told when they change.
extension AccountPool {
    /// From now on other rules hold. Leases, rests, conditions, rotated secrets and who waits stay as they are.
    public func change(_ rules: AccountPoolState.Rules) {
        change { state in if state.rules.rules != rules { state.rules.change(rules) } }
    }

    /// The sources that have published, in the order in which they did first.
    public var sourceNames: [String] { state.withLock { $0.sources.map(\.name) } }

    /// Forgets a source that is no more. Accounts that no other source names leave.
    public func remove(source: String, problem: (Credential) -> String?) {
        update(source: source, [], problem: problem)
        state.withLock { state in
            state.sources.removeAll { $0.name == source && $0.credentials.isEmpty }
        }
    }
}
