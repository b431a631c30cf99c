/// Tells whether a source's value is the one that it was, without keeping it twice. Made under a key of the store's, so
/// that a fingerprint alone tells nobody what it was made of.
public struct Fingerprints: Sendable {
    private let key: KeyedHash.Key

    public init(key: (UInt64, UInt64)) { self.key = KeyedHash.Key(key.0, key.1) }

    /// Of what a source does not name at all.
    public static let absent = ""

    /// - Parameter name: The field's, so that equal values of two fields do not look alike.
    public func of(_ value: Secret?, as name: String) -> String {
        guard let value else { return Self.absent }
        var hash = KeyedHash(key)
        hash.append(name)
        hash.append(value.reveal())
        let found = hash.value
        return Self.hexadecimal(found.low) + Self.hexadecimal(found.high)
    }

    private static func hexadecimal(_ word: UInt64) -> String {
        let digits = String(word, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
