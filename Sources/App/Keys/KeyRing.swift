import PolluxCore
import PolluxCrypto

/// A client key as the gateway knows it: never the key itself, only its digest.
struct ClientKey: Sendable, Equatable {
    /// Stable for a key: the first 12 hexadecimal digits of its SHA-256.
    var id: String
    var name: String
    var digest: [UInt8]
    /// The models it may use.
    var models: [ModelPattern]
    /// What it may ask; `nil` for a key without limits of its own.
    var limits: OwnedLimits?
    /// From then on it opens nothing.
    var expiresAt: WallTime?
    /// May ask how its requests were routed.
    var mayExplain = false

    init(
        name: String, key: Secret, models: [String], limits: LimitSet = LimitSet(), expiresAt: WallTime? = nil,
        mayExplain: Bool = false
    ) {
        digest = SHA256.hash(Array(key.reveal().utf8))
        id = KeyRing.hex(digest.prefix(6))
        self.name = name
        self.models = models.map(ModelPattern.init)
        self.limits = limits.isEmpty ? nil : OwnedLimits(limits, ofKey: id)
        (self.expiresAt, self.mayExplain) = (expiresAt, mayExplain)
    }

    /// One that was made at run time. Its limits were checked when they were written.
    init(_ stored: StoredKey) {
        (id, name, digest) = (stored.id, stored.name, stored.digest)
        models = stored.models.map(ModelPattern.init)
        let limits = stored.limits.map { LimitSet.read($0).limits } ?? LimitSet()
        self.limits = limits.isEmpty ? nil : OwnedLimits(limits, ofKey: id)
        (expiresAt, mayExplain) = (stored.expiresAt, stored.mayExplain)
    }

    func mayUse(_ model: String) -> Bool { models.contains { $0.matches(model) } }
}

/// A model's name; with `*` at its end, every name that begins so.
enum ModelPattern: Sendable, Equatable {
    case all
    case beginning(String)
    case exactly(String)

    init(_ text: String) {
        if text == "*" {
            self = .all
        } else {
            self = text.hasSuffix("*") ? .beginning(String(text.dropLast())) : .exactly(text)
        }
    }

    func matches(_ model: String) -> Bool {
        switch self {
        case .all: true
        case .beginning(let start): model.hasPrefix(start)
        case .exactly(let name): model == name
        }
    }
}

/// The client keys, looked up by digest and then compared in constant time: how long a refusal takes tells
/// nothing about how close a guess was.
struct KeyRing: Sendable {
    private let keys: [[UInt8]: ClientKey]
    private let decoy = SHA256.hash(Array("no such key".utf8))

    init(_ keys: [ClientKey]) {
        self.keys = Dictionary(keys.map { ($0.digest, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The key that a client showed; `nil` when it is not one of ours.
    func find(_ shown: Secret) -> ClientKey? { find(digest: SHA256.hash(Array(shown.reveal().utf8))) }

    func find(digest: [UInt8]) -> ClientKey? {
        let candidate = keys[digest]
        let isSame = ConstantTime.areEqual(candidate?.digest ?? decoy, digest)
        return isSame ? candidate : nil
    }

    static func hex(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }
}
