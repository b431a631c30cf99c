public import PolluxCore
import PolluxCrypto
import PolluxSQLite

/// Writes secrets so that only who has the key can read them, or plainly when there is no key (L-9).
///
/// The first byte tells which: 0, then the text; or 1, then a nonce of 12 bytes, the hidden text and a tag of 16. Where
/// a record stands is part of what the tag vouches for: one that was moved elsewhere does not open.
struct Sealer: Sendable {
    private let key: [UInt8]?

    /// - Parameter key: 32 bytes.
    init(key: [UInt8]?) { self.key = key }

    var isSealing: Bool { key != nil }

    /// - Throws: When the system has no random bytes; in the words of the database, whose write it ends.
    func seal(_ text: [UInt8], at place: [String]) throws(SQLiteError) -> [UInt8] {
        guard let key else { return [0] + text }
        guard let nonce = try? SecureRandom.bytes(AESGCM.nonceLength),
            let sealed = AESGCM.seal(text, key: key, nonce: nonce, context: Self.context(place))
        else { throw SQLiteError(code: 1, message: "the system cannot encrypt with AES-256-GCM") }
        return [1] + nonce + sealed
    }

    /// - Returns: `nil` when the key is another, or the bytes were changed or moved.
    func open(_ bytes: [UInt8], at place: [String]) -> [UInt8]? {
        switch bytes.first {
        case 0: return Array(bytes.dropFirst())
        case 1:
            guard let key, bytes.count > AESGCM.nonceLength else { return nil }
            let nonce = Array(bytes[1...AESGCM.nonceLength])
            let sealed = Array(bytes.dropFirst(1 + AESGCM.nonceLength))
            return AESGCM.open(sealed, key: key, nonce: nonce, context: Self.context(place))
        default: return nil
        }
    }

    func seal(_ secret: Secret, at place: [String]) throws(SQLiteError) -> [UInt8] {
        try seal(Array(secret.reveal().utf8), at: place)
    }

    func openSecret(_ bytes: [UInt8], at place: [String]) -> Secret? {
        open(bytes, at: place).map { Secret(String(decoding: $0, as: UTF8.self)) }
    }

    /// Each part with its length in front, so that two places are never one.
    private static func context(_ place: [String]) -> [UInt8] {
        place.flatMap { part in Array("\(part.utf8.count):".utf8) + Array(part.utf8) }
    }
}

/// `state.encryption_key`: 32 bytes as 64 hexadecimal digits or as Base64.
public enum EncryptionKey {
    /// - Returns: `nil` for anything else.
    public static func bytes(of text: Secret) -> [UInt8]? {
        let text = text.reveal()
        if let bytes = hexadecimal(Array(text.utf8)), bytes.count == AESGCM.keyLength { return bytes }
        for rules in [Base64.DecodingRules.strict, .urlSafe] {
            if let bytes = try? Base64.decode(text, rules), bytes.count == AESGCM.keyLength { return bytes }
        }
        return nil
    }

    private static func hexadecimal(_ digits: [UInt8]) -> [UInt8]? {
        guard digits.count == 2 * AESGCM.keyLength else { return nil }
        var bytes: [UInt8] = []
        for place in stride(from: 0, to: digits.count, by: 2) {
            guard let high = digits[place].hexDigitValue, let low = digits[place + 1].hexDigitValue else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }
}
