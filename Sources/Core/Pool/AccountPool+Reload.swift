import Synchronization

/// What a pool that outlives its settings is told when they change.
extension AccountPool {
    /// From now on other rules hold. Leases, rests, conditions, rotated secrets and who waits stay as they are.
    public func change(_ rules: AccountPoolState.Rules) {
        let (now, wallNow) = (time.now, time.wallNow)
        let bells = state.withLock { state -> [WaitLine.Bell] in
            guard state.rules.rules != rules else { return [] }
            state.rules.change(rules)
            return state.line.count > 0 ? state.serve(now, wallNow) : []
        }
        ring(bells)
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
