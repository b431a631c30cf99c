import PolluxAdmin
import PolluxCore

/// The stored media of a running gateway for the admin API.
struct MediaDesk: MediaAdministration {
    let gateway: @Sendable () -> Gateway

    /// The panel reaches the gateway as it does; only an address that the operator has named is one for others.
    func files() -> [AdministeredMedia] {
        let gateway = gateway()
        let (media, server, now) = (gateway.media, gateway.settings.server, gateway.time.wallNow)
        let base = server.publicURL ?? server.mount
        return media.store.list(now: now).map {
            AdministeredMedia(file: $0, url: base + media.links.target(of: $0, now: now))
        }
    }

    func delete(_ name: String) async -> Bool { await gateway().media.store.remove(name) }

    func sweep() async -> [StoredMedia] {
        let gateway = gateway()
        return await gateway.media.store.sweep(now: gateway.time.wallNow)
    }

    var expireAfter: Duration? { gateway().settings.media.expireAfter }
}
