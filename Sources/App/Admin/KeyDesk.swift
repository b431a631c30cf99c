import PolluxAdmin
import PolluxCore
import PolluxCrypto

/// Client keys for the admin API: in force at once, durable before they are acknowledged.
struct KeyDesk: KeyAdministration {
    let registry: KeyRegistry
    let store: any KeyStore
    /// The keys of the settings in force.
    let settingsKeys: @Sendable () -> [ClientKeySettings]
    let time: any TimeSource
    /// What is wrong with a key's limits, by path; the rules are the limiter's.
    var limitProblems: @Sendable (JSON) -> [AdminError.Detail] = { _ in [] }

    private static let maxKeys = 10_000

    func keys() async throws(AdminError) -> [AdministeredKey] {
        settingsKeys().map(administered) + registry.keys.map { AdministeredKey(key: $0, isFromSettings: false) }
    }

    private func administered(_ settings: ClientKeySettings) -> AdministeredKey {
        let key = settings.clientKey
        let text = settings.key.reveal()
        // Of keys in our own form the first characters say nothing about the rest; of others they might.
        let prefix = text.hasPrefix(ClientKeyMaker.prefix) ? Self.shownPrefix(of: settings.key) : ""
        let stored = StoredKey(
            id: key.id, name: key.name, prefix: prefix, digest: key.digest, models: settings.models,
            limits: settings.limits.isEmpty ? nil : settings.limits.json,
            mayExplain: key.mayExplain, createdAt: WallTime(microseconds: 0), expiresAt: key.expiresAt,
            lastUsedAt: registry.lastUse(of: key.id))
        return AdministeredKey(key: stored, isFromSettings: true)
    }

    /// The 8 characters behind `plx_`.
    private static func shownPrefix(of key: Secret) -> String {
        String(key.reveal().dropFirst(ClientKeyMaker.prefix.count).prefix(8))
    }

    // MARK: Changing

    func create(_ draft: KeyDraft) async throws(AdminError) -> (StoredKey, Secret) {
        let secret = try await made()
        let id = try await madeID()
        try check(draft)
        var key = StoredKey(
            id: id, name: "", prefix: Self.shownPrefix(of: secret), digest: SHA256.hash(Array(secret.reveal().utf8)),
            createdAt: time.wallNow)
        Self.apply(draft, to: &key)
        let made = key
        let names = Set(settingsKeys().map(\.name))
        try change { stored throws(GatewayError) in
            guard stored.count < Self.maxKeys else {
                throw GatewayError(
                    .invalidRequest, .request, "there are \(Self.maxKeys) keys already", code: "conflict")
            }
            try Self.refuseTaken(made.name, stored, names, except: nil)
            stored[made.id] = made
        }
        do { try await save(made) } catch {
            try? change { stored throws(GatewayError) in stored[made.id] = nil }
            throw error
        }
        return (made, secret)
    }

    func edit(_ id: String, _ draft: KeyDraft) async throws(AdminError) -> StoredKey {
        try check(draft)
        let names = Set(settingsKeys().map(\.name))
        return try await alter(id) { key, stored throws(GatewayError) in
            Self.apply(draft, to: &key)
            try Self.refuseTaken(key.name, stored, names, except: id)
        }
    }

    func revoke(_ id: String) async throws(AdminError) -> StoredKey {
        let now = time.wallNow
        return try await alter(id) { key, _ throws(GatewayError) in key.revokedAt = key.revokedAt ?? now }
    }

    /// Changes a key at once and writes it down; what cannot be written is taken back.
    private func alter(
        _ id: String, _ body: (inout StoredKey, [String: StoredKey]) throws(GatewayError) -> Void
    ) async throws(AdminError) -> StoredKey {
        if let settings = settingsKeys().first(where: { $0.clientKey.id == id }) {
            throw AdminError(
                409, "key_of_settings",
                "the key \"\(settings.name)\" stands in the settings; change its entry under keys: and reload")
        }
        let (old, new) = try change { stored throws(GatewayError) -> (StoredKey, StoredKey) in
            guard let old = stored[id] else {
                throw GatewayError(
                    .invalidRequest, .request, "there is no key \"\(id)\"; GET \(AdminAPI.path)/keys lists them",
                    code: "key_not_found")
            }
            var new = old
            try body(&new, stored)
            stored[id] = new
            return (old, new)
        }
        do { try await save(new) } catch {
            try? change { stored throws(GatewayError) in stored[id] = old }
            throw error
        }
        return new
    }

    private func change<Value>(
        _ body: (inout [String: StoredKey]) throws(GatewayError) -> Value
    ) throws(AdminError) -> Value {
        do { return try registry.change(body) } catch {
            var refusal = AdminError(error)
            if error.code == "key_not_found" { refusal.status = 404 }
            throw refusal
        }
    }

    private func save(_ key: StoredKey) async throws(AdminError) {
        do { try await store.save(key) } catch { throw AdminError(error) }
    }

    private func made() async throws(AdminError) -> Secret {
        do { return try ClientKeyMaker.make() } catch { throw AdminError(error) }
    }

    /// Unique without a counter, so that several gateways never clash.
    private func madeID() async throws(AdminError) -> String {
        do { return "key_" + KeyRing.hex(try SecureRandom.bytes(8)) } catch { throw AdminError(error) }
    }

    private static func apply(_ draft: KeyDraft, to key: inout StoredKey) {
        if let name = draft.name { key.name = name }
        if let models = draft.models { key.models = models }
        if let mayExplain = draft.mayExplain { key.mayExplain = mayExplain }
        switch draft.limits {
        case .keep: break
        case .clear: key.limits = nil
        case .set(let limits): key.limits = limits
        }
        switch draft.expiresAt {
        case .keep: break
        case .clear: key.expiresAt = nil
        case .set(let time): key.expiresAt = time
        }
    }

    /// Names tell keys apart in logs and usage. A revoked key's name is free again.
    private static func refuseTaken(
        _ name: String, _ stored: [String: StoredKey], _ settings: Set<String>, except id: String?
    ) throws(GatewayError) {
        let isTaken = stored.values.contains { $0.name == name && $0.id != id && $0.revokedAt == nil }
        guard isTaken || settings.contains(name) else { return }
        throw GatewayError(
            .invalidRequest, .request, "another key is called \"\(name)\"; choose another name", param: "name",
            code: "conflict")
    }

    private func check(_ draft: KeyDraft) throws(AdminError) {
        guard case .set(let limits) = draft.limits else { return }
        let problems = limitProblems(limits)
        guard !problems.isEmpty else { return }
        throw AdminError(
            422, "invalid_limits", "the limits cannot be used; see the details", param: problems.first?.param,
            details: problems)
    }
}
