/// What a limit is about. Every layer of one phase is decided together: those up to `keyModel` before anything is
/// leased, the accounts' own once there is an account.
public enum RateLimitLayer: String, Sendable, Hashable, CaseIterable {
    case global
    case globalModel = "global_model"
    case key
    case keyModel = "key_model"
    case account
    case accountClass = "account_class"
}

/// One limiter: a layer, whose it is there, and what it counts. Made once for what stands in settings.
public struct LimiterID: Sendable, Hashable {
    /// What it is made of, which few ever look at: a copy of the name is one reference.
    private let parts: Parts

    private final class Parts: Sendable {
        let layer: RateLimitLayer
        let owner: String
        let subject: String
        let kind: String

        init(_ layer: RateLimitLayer, _ owner: String, _ subject: String, _ kind: String) {
            (self.layer, self.owner, self.subject, self.kind) = (layer, owner, subject, kind)
        }
    }

    public var layer: RateLimitLayer { parts.layer }
    /// A key's or an account's id; empty for `global`.
    public var owner: String { parts.owner }
    /// The model, or the class of work; empty in layers that have neither.
    public var subject: String { parts.subject }
    /// `requests/1m`, `tokens/1m`, `concurrency`, `daily/2026-03-08`.
    public var kind: String { parts.kind }
    /// Stands for all of it in tables: a short key of one size, and nobody outside can make two that are the same.
    let digest: KeyedHash.Value

    private static let secret = KeyedHash.Key(SystemRandom())

    public init(_ layer: RateLimitLayer, owner: String = "", subject: String = "", kind: String) {
        parts = Parts(layer, owner, subject, kind)
        var hash = KeyedHash(Self.secret)
        hash.append(layer.rawValue)
        hash.append(owner)
        hash.append(subject)
        hash.append(kind)
        digest = hash.value
    }

    /// The key on Redis: `pollux:{rl}:key:3f0c…:requests/1m`. What stands in braces keeps all keys of a script in one
    /// slot of a cluster. Clients choose names of models, so colons in them are written otherwise, and long ones cut
    /// behind a hash.
    public var name: String {
        let parts = ["pollux:{rl}", layer.rawValue] + [owner, subject].filter { !$0.isEmpty }.map(Self.plain) + [kind]
        return parts.joined(separator: ":")
    }

    private static let maxPart = 128

    private static func plain(_ text: String) -> String {
        guard text.utf8.count <= maxPart else {
            var hash = KeyedHash(.init(0, 0))
            hash.append(text)
            let value = hash.value
            let start = String(text.unicodeScalars.prefix(maxPart / 4))
            return plain(start) + "%" + String(value.high, radix: 16) + String(value.low, radix: 16)
        }
        guard text.utf8.contains(where: { $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "%") }) else { return text }
        return text.replacing("%", with: "%25").replacing(":", with: "%3A")
    }

    public static func == (left: LimiterID, right: LimiterID) -> Bool { left.digest == right.digest }
    public func hash(into hasher: inout Hasher) { hasher.combine(digest) }
}
