import PolluxCore
import PolluxCrypto

/// Decides who a request comes from, before anything else about it is looked at.
final class ClientAuthenticator: Sendable {
    /// The keys of the settings.
    private let ring: KeyRing
    /// Those that are made and revoked at run time.
    private let registry: KeyRegistry
    private let settings: AuthSettings
    private let throttle: FailureThrottle
    private let time: any TimeSource

    /// - Parameter old: Whose count of failures goes on.
    init(
        ring: KeyRing, registry: KeyRegistry = KeyRegistry(), settings: AuthSettings, time: any TimeSource,
        after old: ClientAuthenticator? = nil
    ) {
        throttle = old?.throttle ?? FailureThrottle(limit: 60, period: .seconds(60))
        (self.ring, self.registry, self.settings, self.time) = (ring, registry, settings, time)
    }

    /// The client's key; `nil` when clients need none.
    ///
    /// - Parameter takesQueryKey: The frontend's own convention is `?key=`.
    /// - Throws: `authentication`, `missingKey`, or `rateLimited` after too many wrong keys from one address.
    func authenticate(
        _ head: HTTPRequestHead, query: [(name: String, value: String)], takesQueryKey: Bool, address: String
    ) throws(GatewayError) -> ClientKey? {
        let shown = presented(head, query, takesQueryKey)
        var hasExpired = false
        for key in shown {
            guard let found = find(key) else { continue }
            let now = time.wallNow
            if let end = found.expiresAt, end <= now {
                hasExpired = true
                continue
            }
            registry.noteUse(of: found, at: now)
            return found
        }
        if settings.clients == .open { return nil }
        if hasExpired {
            throw GatewayError(
                .authentication, .request, "this API key has expired; ask the operator for a new one",
                code: "expired_api_key")
        }
        guard !shown.isEmpty else {
            throw GatewayError(
                .missingKey, .request,
                "no API key was sent; send one as 'Authorization: Bearer KEY' or 'x-goog-api-key: KEY'")
        }
        if let wait = throttle.recordFailure(of: address, now: time.now) {
            throw GatewayError(
                .rateLimited, .request, "too many requests with a wrong API key; wait and check the key",
                retryAfter: wait)
        }
        throw GatewayError(
            .authentication, .request, "the API key is not known to this gateway; check it, or ask the operator for one"
        )
    }

    private func find(_ key: Secret) -> ClientKey? {
        let digest = SHA256.hash(Array(key.reveal().utf8))
        return ring.find(digest: digest) ?? registry.find(digest: digest)
    }

    /// Every key in the request; some proxies put it in more than one place, and one valid key is enough.
    private func presented(
        _ head: HTTPRequestHead, _ query: [(name: String, value: String)], _ takesQueryKey: Bool
    ) -> [Secret] {
        var keys: [Secret] = []
        for field in head.fields {
            switch field.name {
            case "authorization":
                if let key = Self.bearer(field.value) { keys.append(Secret(key)) }
            case "x-goog-api-key", "x-api-key", "api-key":
                if !field.value.isEmpty { keys.append(Secret(field.value)) }
            default: break
            }
        }
        let countsInQuery =
            switch settings.allowQueryKey {
            case .always: true
            case .gemini: takesQueryKey
            case .never: false
            }
        if countsInQuery { keys += query.filter { $0.name == "key" }.map { Secret($0.value) } }
        return keys
    }

    /// The token behind `Bearer`, whose case does not matter.
    private static func bearer(_ value: String) -> String? {
        let bytes = value.utf8
        guard bytes.count > 7, zip(bytes, "bearer ".utf8).allSatisfy({ $0 | 0x20 == $1 }) else { return nil }
        return String(decoding: bytes.dropFirst(7).drop { $0 == 0x20 }, as: UTF8.self)
    }
}
