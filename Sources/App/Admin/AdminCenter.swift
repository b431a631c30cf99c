import PolluxAdmin
import PolluxCore
import PolluxStorage
import PolluxTransport

/// The admin API of one process with everything that it administers. Outlives every reload.
final class AdminCenter: Sendable {
    let api: AdminAPI
    let access: AdminAccess
    let events: EventHub
    let accounts: AccountDesk
    let settings: SettingsDesk
    let olderPaths: OlderPaths
    let worker: any TaskExecutor

    init(_ host: GatewayHost, _ state: GatewayState, _ settings: SettingsDesk) {
        (self.settings, events) = (settings, state.events)
        worker = host.worker
        let (time, prober) = (host.gateway.time, AccountProber(loops: host.loops))
        access = AdminAccess(time: time)
        accounts = AccountDesk(book: state.book, prober: prober) { host.gateway }
        let keys = KeyDesk(
            registry: host.keys, store: state.store, settingsKeys: { host.gateway.settings.keys }, time: time,
            limitProblems: Self.limitProblems)
        let control = GatewayDesk(
            gateway: { host.gateway }, settings: settings, keys: keys, prober: prober, events: events,
            startedAt: time.wallNow,
            stateFolder: state.store is StateStore ? host.gateway.settings.state.folder : nil)
        let media = MediaDesk { host.gateway }
        api = AdminAPI(
            AdminBackend(
                accounts: accounts, keys: keys, settings: settings, control: control, media: media,
                usage: state.store,
                audit: state.store, events: events, time: time, log: host.log))
        olderPaths = OlderPaths(
            api: api, accounts: accounts, isAdminKey: settings.isAdminKey, time: time,
            swap: CookieSwap(api: api, accounts: accounts),
            gallery: OlderGallery(api: api, media: media, time: time))
    }

    /// Limits sent as JSON are read as those of the settings file are.
    @Sendable private static func limitProblems(_ limits: JSON) -> [AdminError.Detail] {
        LimitSet.read(limits).issues.map { AdminError.Detail(param: $0.path, $0.message) }
    }

    /// The file was read again at a signal.
    func hasReloaded(_ loaded: SettingsLoader.Loaded) {
        let plan = ReloadPlan(from: settings.current.meant, to: loaded.meant, warnings: loaded.warnings)
        settings.take(loaded)
        events.publish(.reloaded(plan))
    }
}
