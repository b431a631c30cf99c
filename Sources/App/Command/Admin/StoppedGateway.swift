import Glibc
import PolluxAdmin
import PolluxCore
import PolluxStorage
import PolluxTransport

/// The state of a gateway that is stopped, behind the very operations that a running one has. It holds the state folder
/// meanwhile, so that no gateway starts in between.
///
/// Nothing of the upstreams is watched here: accounts stand as they were when the gateway stopped, with what time has
/// done to their rests since.
final class StoppedGateway: AdminDoor {
    let notice: String?
    private let folder: StateFolder
    private let host: GatewayHost
    private let center: AdminCenter

    /// - Parameter folder: Held by the caller, and from now on by this.
    init(_ folder: StateFolder, _ invocation: Invocation) async throws(GatewayError) {
        umask(0o077)
        ProcessSetup.ignoreBrokenPipes()
        let (path, registry, environment) = (
            SettingsOption.path(invocation), invocation.registry, invocation.environment
        )
        let read: SettingsDesk.Reading = { changes in
            try SettingsLoader(registry: registry, environment: environment).read(path: path, patch: changes)
        }
        var loaded = try Self.loaded(read, .object(JSONObject()))
        let settings = loaded.settings
        host = try await GatewayHost.resuming(
            settings: settings, invocation: invocation, logsTo: .nowhere
        ) { time, log throws(GatewayError) in try StateStore.open(settings.state, time: time, log: log) }
        guard let state = host.state else {
            throw GatewayError(.internalError, .request, "the state folder cannot be opened")
        }
        let changes = try await state.store.settingsPatch()
        if changes.patch.object?.isEmpty == false {
            loaded = try Self.loaded(read, changes.patch)
            host.adopt(try host.plan(loaded.settings))
        }
        host.keys.load(try await state.store.keys())
        for upstream in host.gateway.upstreams { state.book.recall(upstream.name) }
        center = AdminCenter(
            host, state, SettingsDesk(LiveSettings(loaded: loaded, changes: changes, read: read), host, state.store))
        self.folder = folder
        notice = "no gateway is running; this is about the state it left in \(settings.state.folder)"
    }

    private static func loaded(
        _ read: SettingsDesk.Reading, _ changes: JSON
    ) throws(GatewayError) -> SettingsLoader.Loaded {
        do { return try read(changes) } catch let error as GatewayError { throw error } catch {
            throw GatewayError(.internalError, .request, "\(error)")
        }
    }

    var adminKey: Secret? { host.gateway.settings.adminKey }
    var now: WallTime { host.gateway.time.wallNow }

    func answer(_ ask: AdminAsk) async throws(AdminError) -> JSON {
        var fields: HTTPFields = [:]
        if !ask.body.isEmpty { fields.append("content-type", ask.bodyType.rawValue) }
        let request = AdminRequest(
            method: ask.method, path: ask.path, query: ask.query, fields: fields,
            caller: AdminCaller(actor: "command line"))
        let reply = try await center.api.run(try center.api.prepare(request), body: ask.body)
        guard case .json(let body) = reply.content else { return .null }
        return body
    }

    /// Writes what has changed, and lets a gateway start again.
    func close() async {
        await host.saveState()
        host.stop()
        folder.release()
    }
}
