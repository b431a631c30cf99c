import PolluxCore

/// How many accounts of a provider are in which state, for each class of work.
enum AccountFigures {
    /// One sample for each state that some account is in, by the names of `AccountState`; `ready` is always there, so
    /// that an alert on it need not tell "none" from "unknown".
    static func samples(_ upstream: Upstream) -> [MetricSample] {
        let counts = upstream.pool.stateCounts()
        return QuotaClass.allCases.flatMap { quotaClass in
            let states = counts[quotaClass] ?? [:]
            return AccountState.allCases.filter { $0 == .ready || states[$0] != nil }.map { state in
                let labels = [
                    MetricLabel("provider", upstream.name), MetricLabel("state", state.rawValue),
                    MetricLabel("class", quotaClass.rawValue),
                ]
                return MetricSample(labels, .count(states[state] ?? 0))
            }
        }
    }
}
