import Glibc
import PolluxCore
import PolluxStorage
import PolluxTransport

/// A host over the state that a gateway has left, with the settings that it would start with. Holds the state folder.
struct StoredHost {
    let host: GatewayHost
    let state: GatewayState
    let live: LiveSettings
    private let folder: StateFolder

    /// - Parameter folder: Held by the caller, and from now on by this.
    static func open(_ folder: StateFolder, _ invocation: Invocation) async throws(GatewayError) -> StoredHost {
        folder.noteCommand()
        do throws(GatewayError) { return try await make(folder, invocation) } catch {
            folder.release()
            throw error
        }
    }

    private static func make(_ folder: StateFolder, _ invocation: Invocation) async throws(GatewayError) -> StoredHost {
        umask(0o077)
        ProcessSetup.ignoreBrokenPipes()
        let (path, registry, environment) = (
            SettingsOption.path(invocation), invocation.registry, invocation.environment
        )
        let read: SettingsDesk.Reading = { changes in
            try SettingsLoader(registry: registry, environment: environment).read(path: path, patch: changes)
        }
        var loaded = try loaded(read, .object(JSONObject()))
        let settings = loaded.settings
        let host = try await GatewayHost.resuming(
            settings: settings, invocation: invocation, logsTo: .nowhere
        ) { time, log throws(GatewayError) in try StateStore.open(settings.state, time: time, log: log) }
        guard let state = host.state else {
            throw GatewayError(.internalError, .request, "the state folder cannot be opened")
        }
        do throws(GatewayError) {
            let changes = try await state.store.settingsPatch()
            if changes.patch.object?.isEmpty == false {
                loaded = try Self.loaded(read, changes.patch)
                host.adopt(try host.plan(loaded.settings))
            }
            host.keys.load(try await state.store.keys())
            let live = LiveSettings(loaded: loaded, changes: changes, read: read)
            return StoredHost(host: host, state: state, live: live, folder: folder)
        } catch {
            await state.store.close()
            host.stop()
            throw error
        }
    }

    private static func loaded(
        _ read: SettingsDesk.Reading, _ changes: JSON
    ) throws(GatewayError) -> SettingsLoader.Loaded {
        do { return try read(changes) } catch let error as GatewayError { throw error } catch {
            throw GatewayError(.internalError, .request, "\(error)")
        }
    }

    /// Writes what has changed, and lets a gateway start.
    func close() async {
        await host.saveState()
        host.stop()
        folder.release()
    }
}
