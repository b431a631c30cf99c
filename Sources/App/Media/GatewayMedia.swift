import PolluxCore

/// A gateway's media: how those of requests are brought in, where those that models made are kept, and what leads
/// there.
struct GatewayMedia: Sendable {
    /// Outlives every reload.
    let store: any MediaKeeping
    let links: MediaLinks
    private let intake: any MediaTaking

    /// - Parameter old: Of the gateway whose place this one's takes.
    init(
        _ settings: MediaSettings, _ environment: GatewayEnvironment, _ metrics: GatewayMetrics,
        after old: GatewayMedia?
    ) {
        store = old?.store ?? environment.mediaStore ?? MemoryMediaStore(settings.rules, time: environment.time)
        links = old?.links ?? MediaLinks(stateKey: environment.state?.hashKey)
        // What may be fetched is looked up for each request, so that a provider that a reload keeps follows it.
        intake = Self.intake(environment, metrics, store, links)
    }

    private static func intake(
        _ environment: GatewayEnvironment, _ metrics: GatewayMetrics, _ store: any MediaStoring, _ links: MediaLinks
    ) -> any MediaTaking {
        let (time, fetching) = (environment.time, environment.fetching)
        return GuardedIntake(
            environment.untrusted, time: time, log: environment.log,
            own: .init(store: store, name: { links.ownName(at: $0, now: time.wallNow) }),
            rules: { fetching.rules(now: time.now) }, count: { metrics.fetched($0) })
    }

    /// What providers see of it.
    var access: MediaAccess { MediaAccess(intake: intake, store: store) }
}

extension MediaSettings {
    var rules: MediaRules { MediaRules(maxBytes: maxBytes, expireAfter: expireAfter) }
}
