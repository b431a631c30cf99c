import PolluxCore

/// How many accounts of a provider are in which state, for each class of work.
enum AccountFigures {
    static func samples(_ upstream: Upstream) -> [MetricSample] {
        QuotaClass.allCases.flatMap { quotaClass in
            let shortage = upstream.pool.shortage(for: quotaClass)
            let counts = [
                ("ready", shortage.ready + shortage.busy + shortage.paced), ("cooling", shortage.cooling),
                ("suspended", shortage.suspended), ("quota_exhausted", shortage.spent),
            ]
            let unusable = shortage.unusable.map { (state(of: $0.key), $0.value) }.sorted { $0.0 < $1.0 }
            return (counts + unusable).filter { $0.0 == "ready" || $0.1 > 0 }.map { state, count in
                let labels = [
                    MetricLabel("provider", upstream.name), MetricLabel("state", state),
                    MetricLabel("class", quotaClass.rawValue),
                ]
                return MetricSample(labels, .count(count))
            }
        }
    }

    /// The pool's words in those of `AccountState`.
    private static func state(of word: String) -> String {
        switch word {
        case "rejected by the upstream": AccountState.credentialRejected.rawValue
        case "restricted by the upstream": AccountState.restricted.rawValue
        case "waiting for a person": AccountState.needsHuman.rawValue
        case "at the end of the trial": AccountState.trialEnded.rawValue
        case "expired", "disabled": word
        default: "incomplete"
        }
    }
}
