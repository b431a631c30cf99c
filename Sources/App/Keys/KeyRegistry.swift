import PolluxCore
import PolluxCrypto
import Synchronization

/// The client keys that are made, changed and revoked while the process runs. What changes here is in force with the
/// next request.
///
/// Lives as long as the process, and is the same for every settings file that is in force meanwhile. The keys of the
/// settings are not in it.
final class KeyRegistry: Sendable {
    private struct State {
        var ring = KeyRing([])
        /// With the revoked ones, which stay for their usage.
        var stored: [String: StoredKey] = [:]
        /// Of settings keys too.
        var lastUsed: [String: WallTime] = [:]
    }

    private let state = Mutex(State())
    private let store: (any KeyStore)?
    /// A key that is in use all the time is written down this often.
    private static let noteEvery = Duration.seconds(10)

    /// - Parameter store: Told when keys are used; `nil` forgets that with the process.
    init(store: (any KeyStore)? = nil) { self.store = store }

    func find(digest: [UInt8]) -> ClientKey? { state.withLock { $0.ring }.find(digest: digest) }

    func noteUse(of key: ClientKey, at now: WallTime) {
        let isDue = state.withLock { state -> Bool in
            // A clock that was set back must not silence a key for hours.
            if let last = state.lastUsed[key.id], last <= now, now - last < Self.noteEvery { return false }
            state.lastUsed[key.id] = now
            guard state.stored[key.id] != nil else { return false }
            state.stored[key.id]?.lastUsedAt = now
            return true
        }
        if isDue { store?.noteUse(of: key.id, at: now) }
    }

    func lastUse(of keyID: String) -> WallTime? { state.withLock { $0.lastUsed[keyID] } }

    /// Takes over what was kept from before a restart.
    func load(_ keys: [StoredKey]) {
        change { stored in
            for key in keys { stored[key.id] = key }
        }
    }

    /// Every key, oldest first.
    var keys: [StoredKey] {
        state.withLock { state in state.stored.values.sorted { ($0.createdAt, $0.id) < ($1.createdAt, $1.id) } }
    }

    /// Decides and changes in one step, so that two who change at the same time see one another.
    func change<Value>(_ body: (inout [String: StoredKey]) throws(GatewayError) -> Value) throws(GatewayError) -> Value
    {
        let result = state.withLock { state -> Result<Value, GatewayError> in
            var stored = state.stored
            do throws(GatewayError) {
                let value = try body(&stored)
                state.stored = stored
                state.ring = KeyRing(stored.values.filter { $0.revokedAt == nil }.map { ClientKey($0) })
                return .success(value)
            } catch { return .failure(error) }
        }
        return try result.get()
    }

    private func change(_ body: (inout [String: StoredKey]) -> Void) {
        state.withLock { state in
            body(&state.stored)
            state.ring = KeyRing(state.stored.values.filter { $0.revokedAt == nil }.map { ClientKey($0) })
        }
    }
}
