import PolluxCore
import Synchronization

/// A gateway that is built and not yet in force.
struct GatewayPlan: Sendable {
    let gateway: Gateway
    let services: [NamedService]
    let parts: [UpstreamPlan]

    /// Providers that the old gateway had, too, and that go on as they are.
    var keptProviders: Set<String> { Set(parts.filter(\.isKept).map(\.upstream.name)) }

    /// Brings the accounts up to the new settings. The one step that touches what an old gateway uses as well: its
    /// pools are shared, so that leases, rests and refused credentials are known on both sides.
    func takeOver() {
        for part in parts { part.takeOver() }
    }
}

/// One upstream of a gateway that is not yet in force.
struct UpstreamPlan: Sendable {
    let upstream: Upstream
    let rules: AccountPoolState.Rules
    let isKept: Bool
    let log: Logger
    /// Sources that the pool knows and the settings no longer name.
    private let gone: [String]
    /// Takes the gone sources away once the new ones have spoken; `nil` when there is nothing to wait for.
    let handover: SourceHandover?

    /// - Parameter sources: Under `credentials:`.
    init(upstream: Upstream, rules: AccountPoolState.Rules, sources: [String], isKept: Bool, log: Logger) {
        (self.upstream, self.rules, self.isKept, self.log) = (upstream, rules, isKept, log)
        let known = upstream.pool.sourceNames
        let gone = known.filter { $0 != CredentialFeed.settingsSource && !sources.contains($0) }
        let fresh = Set(sources).subtracting(known)
        self.gone = gone
        let mustWait = !gone.isEmpty && !fresh.isEmpty
        handover = mustWait ? SourceHandover(awaiting: fresh) { Self.remove(gone, from: upstream) } : nil
    }

    func takeOver() {
        upstream.pool.change(rules)
        // Also judges the accounts of all sources by what this provider needs.
        CredentialFeed.publish(
            upstream.provider.ownCredentials, from: CredentialFeed.settingsSource, to: [upstream], log)
        if handover == nil { Self.remove(gone, from: upstream) }
    }

    private static func remove(_ sources: [String], from upstream: Upstream) {
        for source in sources {
            upstream.pool.remove(source: source) { upstream.provider.problem(with: $0) }
        }
    }
}

/// Keeps the accounts of sources that are gone until those in their place have published, so that a source which was
/// only renamed does not lose what is known about its accounts.
final class SourceHandover: Sendable {
    private let awaited: Mutex<Set<String>>
    private let finish: @Sendable () -> Void

    init(awaiting sources: Set<String>, finish: @escaping @Sendable () -> Void) {
        awaited = Mutex(sources)
        self.finish = finish
    }

    /// A source has published, or has failed: nobody waits for it any longer.
    func hasSpoken(_ source: String) {
        let isLast = awaited.withLock { $0.remove(source) != nil && $0.isEmpty }
        if isLast { finish() }
    }
}
