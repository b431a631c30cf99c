import PolluxCore
import Synchronization

/// A gateway that is built and not yet in force.
struct GatewayPlan: Sendable {
    let gateway: Gateway
    let services: [NamedService]
    let parts: [UpstreamPlan]
    /// Told of the settings when they come into force.
    let fetching: MediaFetching
    /// Limits go on being counted where the old gateway counted them.
    var keepsRateLimits = false

    /// Providers that the old gateway had, too, and that go on as they are; and so, under a name that no provider has,
    /// the place where limits are counted.
    var keptProviders: Set<String> {
        Set(parts.filter(\.isKept).map(\.upstream.name) + (keepsRateLimits ? [RateLimitBackend.serviceOwner] : []))
    }

    /// Brings the accounts up to the new settings. The one step that touches what an old gateway uses as well: its
    /// pools are shared, so that leases, rests and refused credentials are known on both sides.
    func takeOver() {
        fetching.change(gateway.settings.media, listeningOn: gateway.settings.server.listen.port)
        for part in parts { part.takeOver() }
    }
}

/// One upstream of a gateway that is not yet in force.
struct UpstreamPlan: Sendable {
    let upstream: Upstream
    let rules: AccountPoolState.Rules
    let isKept: Bool
    let log: Logger
    private let book: AccountBook?
    private let time: any TimeSource
    private let sources: [String]
    /// Sources that the pool knows and the settings no longer name.
    private let gone: [String]
    /// Takes the gone sources away once the new ones have spoken; `nil` when there is nothing to wait for.
    let handover: SourceHandover?

    /// - Parameter sources: Under `credentials:`.
    init(
        upstream: Upstream, rules: AccountPoolState.Rules, sources: [String], isKept: Bool, log: Logger,
        book: AccountBook?, time: any TimeSource
    ) {
        (self.upstream, self.rules, self.isKept, self.log) = (upstream, rules, isKept, log)
        (self.book, self.time, self.sources) = (book, time, sources)
        let known = upstream.pool.sourceNames
        let gone = known.filter {
            $0 != CredentialFeed.settingsSource && $0 != AccountRecord.adminSource && !sources.contains($0)
        }
        let fresh = Set(sources).subtracting(known)
        self.gone = gone
        let mustWait = !gone.isEmpty && !fresh.isEmpty
        handover =
            mustWait
            ? SourceHandover(awaiting: fresh) { Self.remove(gone, from: upstream, book, time.wallNow) } : nil
    }

    func takeOver() {
        upstream.pool.change(rules)
        let own = upstream.provider.ownCredentials
        CredentialFeed.mask(own, log)
        // Also judges the accounts of all sources by what this provider needs.
        if let book {
            attach(to: book)
            book.publish(own, from: CredentialFeed.settingsSource, to: upstream.name, now: time.wallNow)
        } else {
            let update = AccountBook.Update(
                source: CredentialFeed.settingsSource, credentials: own, isNews: true)
            CredentialFeed.tell(update, to: upstream, log)
        }
        if handover == nil { Self.remove(gone, from: upstream, book, time.wallNow) }
    }

    /// A source that is about to go may still have accounts that its successor will name.
    private func attach(to book: AccountBook) {
        let expected = Set(sources + [CredentialFeed.settingsSource] + (handover == nil ? [] : gone))
        book.attach(upstream.name, sources: expected, now: time.wallNow) { [upstream, log] updates in
            for update in updates { CredentialFeed.tell(update, to: upstream, log) }
        }
    }

    private static func remove(_ sources: [String], from upstream: Upstream, _ book: AccountBook?, _ now: WallTime) {
        if !sources.isEmpty { book?.forget(sources: sources, of: upstream.name, now: now) }
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
