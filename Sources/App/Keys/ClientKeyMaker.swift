import PolluxCore
import PolluxCrypto

/// Client keys of the gateway's own form: `plx_`, 43 characters of base62 (256 random bits), 6 of checksum.
///
/// The checksum lets secret scanners, and us, tell a key from a typo without looking it up.
enum ClientKeyMaker {
    static let prefix = "plx_"
    private static let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
    private static let randomLength = 43
    private static let checksumLength = 6

    /// - Throws: `internalError` when the system gives no random bytes.
    static func make() throws(GatewayError) -> Secret {
        var body: [UInt8] = []
        while body.count < randomLength {
            // Bytes of 248 and above would make the first characters of the alphabet likelier.
            for byte in try SecureRandom.bytes(64) where byte < 248 && body.count < randomLength {
                body.append(alphabet[Int(byte % 62)])
            }
        }
        return Secret(prefix + String(decoding: body + checksum(of: body), as: UTF8.self))
    }

    /// False for a text that begins like our keys but was mistyped or cut.
    static func isWellFormed(_ key: Secret) -> Bool {
        let bytes = Array(key.reveal().utf8)
        guard bytes.starts(with: prefix.utf8) else { return true }
        let rest = Array(bytes.dropFirst(prefix.utf8.count))
        guard rest.count == randomLength + checksumLength else { return false }
        return checksum(of: Array(rest.prefix(randomLength))) == Array(rest.suffix(checksumLength))
    }

    /// The first bits of a SHA-256 in base62.
    private static func checksum(of body: [UInt8]) -> [UInt8] {
        var bits = SHA256.hash(body).prefix(5).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return (0..<checksumLength).map { _ in
            defer { bits /= 62 }
            return alphabet[Int(bits % 62)]
        }
    }
}
