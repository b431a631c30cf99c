import PolluxAdmin
import PolluxCore
import PolluxCrypto
import Synchronization

/// The settings of a running gateway: a file, and over it what was changed through the admin API. One change at a time.
final class SettingsDesk: SettingsAdministration {
    /// Reads the file again with a patch over it.
    typealias Reading = @Sendable (JSON) throws -> SettingsLoader.Loaded
    /// What puts settings in force.
    typealias Applying = @Sendable (GatewaySettings) async throws(GatewayError) -> Void
    /// Builds what the settings name and throws it away, to see whether it can be built.
    typealias Checking = @Sendable (GatewaySettings) throws(GatewayError) -> Void

    private struct State {
        var loaded: SettingsLoader.Loaded
        var patch: JSON
        var version: Int64
        var isBusy = false
    }

    private let state: Mutex<State>
    private let store: any SettingsPatchStore
    private let mask: SettingsMask
    private let read: Reading
    private let check: Checking
    private let applying = Mutex<Applying?>(nil)

    init(
        _ loaded: SettingsLoader.Loaded, patch: (patch: JSON, version: Int64), store: any SettingsPatchStore,
        registry: PluginRegistry, read: @escaping Reading, check: @escaping Checking
    ) {
        state = Mutex(State(loaded: loaded, patch: patch.patch, version: patch.version))
        (self.store, mask, self.read) = (store, SettingsMask(registry), read)
        self.check = check
    }

    /// The gateway that the settings are put in force in; there is none before it runs.
    func connect(_ apply: @escaping Applying) { applying.withLock { $0 = apply } }

    private func apply(_ settings: GatewaySettings) async throws(GatewayError) {
        guard let apply = applying.withLock({ $0 }) else { throw .cancelled }
        try await apply(settings)
    }

    /// What was changed through the admin API.
    var changes: JSON { state.withLock { $0.patch } }

    /// Others were put in force than this desk was asked for: the file was read again at a signal.
    func take(_ loaded: SettingsLoader.Loaded) { state.withLock { $0.loaded = loaded } }

    /// In force now.
    var current: SettingsLoader.Loaded { state.withLock { $0.loaded } }

    func isAdminKey(_ key: Secret) -> Bool {
        guard let admin = current.settings.adminKey else { return false }
        return ConstantTime.areEqual(AdminKeyDigest.of(key), AdminKeyDigest.of(admin))
    }

    // MARK: Showing

    func settings() async throws(AdminError) -> SettingsView { view(state.withLock { $0 }) }

    private func view(_ state: State) -> SettingsView {
        SettingsView(
            version: Self.version(state), settings: mask.hidingSecrets(in: Self.object(state.loaded.written.json)),
            changes: mask.hidingSecrets(in: state.patch))
    }

    /// An empty file says nothing, which is no object.
    private static func object(_ json: JSON) -> JSON { json.object == nil ? [:] : json }

    /// Differs whenever the settings do, whether the file or the changes over it have moved.
    private static func version(_ state: State) -> String {
        let text = state.loaded.written.json.bytes()
        return "\(state.version)-" + KeyRing.hex(SHA256.hash(text).prefix(6))
    }

    // MARK: Changing

    func patch(
        _ patch: JSONObject, expecting expected: String, dryRun: Bool
    ) async throws(AdminError) -> SettingsChange {
        try await changing(expecting: expected, dryRun: dryRun) { state throws(AdminError) in
            let restored: JSON
            do throws(MaskedPatch.Fault) {
                restored = try MaskedPatch.restoring(.object(patch), from: state.loaded.written.json)
            } catch {
                let message =
                    "no secret stands there that \(SettingsMask.mask) could keep; write the secret, or ${NAME}"
                throw AdminError(
                    422, "invalid_settings", message, param: error.path,
                    details: [AdminError.Detail(param: error.path, message)])
            }
            return state.patch.followed(by: restored, over: state.loaded.file.json)
        }
    }

    func forgetChanges(expecting expected: String) async throws(AdminError) -> SettingsChange {
        try await changing(expecting: expected, dryRun: false) { _ in .object(JSONObject()) }
    }

    private func changing(
        expecting expected: String, dryRun: Bool, _ next: (State) throws(AdminError) -> JSON
    ) async throws(AdminError) -> SettingsChange {
        try enter()
        defer { state.withLock { $0.isBusy = false } }
        let old = state.withLock { $0 }
        guard expected == "*" || expected == Self.version(old) else {
            throw AdminError(
                412, "version_conflict", "the settings have changed meanwhile; read them again and repeat the change")
        }
        let patch = try next(old)
        let loaded = try load(patch)
        do { try check(loaded.settings) } catch { throw Self.refusal(error) }
        let plan = ReloadPlan(from: old.loaded.meant, to: loaded.meant, warnings: loaded.warnings)
        var new = old
        (new.loaded, new.patch) = (loaded, patch)
        if dryRun { return SettingsChange(view: view(new), plan: plan, isApplied: false) }
        new.version = try await asking { () throws(GatewayError) in
            try await store.saveSettingsPatch(patch, expecting: old.version)
        }
        do { try await apply(loaded.settings) } catch {
            // Kept or not, it must be what is in force that the next start reads.
            let kept = old.patch
            let version = new.version
            let back = try await asking { () throws(GatewayError) in
                try await store.saveSettingsPatch(kept, expecting: version)
            }
            state.withLock { $0.version = back }
            throw Self.refusal(error)
        }
        new.isBusy = true
        let now = new
        state.withLock { $0 = now }
        return SettingsChange(view: view(now), plan: plan, isApplied: true)
    }

    // MARK: Reloading

    /// What a reload would put in force.
    func reread() throws(AdminError) -> (loaded: SettingsLoader.Loaded, plan: ReloadPlan) {
        let old = state.withLock { $0 }
        let loaded = try load(old.patch)
        return (loaded, ReloadPlan(from: old.loaded.meant, to: loaded.meant, warnings: loaded.warnings))
    }

    /// Puts it in force.
    func adopt(_ loaded: SettingsLoader.Loaded) async throws(AdminError) {
        do { try await apply(loaded.settings) } catch { throw Self.refusal(error) }
        state.withLock { $0.loaded = loaded }
    }

    /// Nobody else may change the settings until `leave`.
    func enter() throws(AdminError) {
        let isFree = state.withLock { state in
            defer { state.isBusy = true }
            return !state.isBusy
        }
        if !isFree {
            throw AdminError(
                409, "change_under_way", "another change of the settings is under way; try again in a moment")
        }
    }

    func leave() { state.withLock { $0.isBusy = false } }

    private func load(_ patch: JSON) throws(AdminError) -> SettingsLoader.Loaded {
        do { return try read(patch) } catch let error as SettingsError {
            throw Self.refusal(error)
        } catch let error as GatewayError {
            throw AdminError(409, "settings_unreadable", error.message)
        } catch { throw AdminError(409, "settings_unreadable", "the settings cannot be read") }
    }

    private static func refusal(_ error: SettingsError) -> AdminError {
        let details = error.issues.filter { $0.severity == .error }.map { issue in
            let place = issue.position.file == SettingsLoader.patchPosition.file ? nil : issue.position.line
            return AdminError.Detail(param: issue.path.isEmpty ? nil : issue.path, line: place, issue.message)
        }
        return AdminError(
            422, "invalid_settings",
            SettingsError.summary(of: error.issues, consequence: "the running settings stay as they are"),
            param: details.first?.param, details: details)
    }

    /// What a plugin, or the fixed part of the settings, says.
    private static func refusal(_ error: GatewayError) -> AdminError {
        error.kind == .shuttingDown
            ? AdminError(error) : AdminError(422, "invalid_settings", error.message, param: error.param)
    }
}
