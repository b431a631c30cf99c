import PolluxCrypto
import Testing

/// Vectors: the test cases 13, 14 and 16 of the mode's specification (McGrew and Viega, 2005).
@Suite("AES-256-GCM")
struct AESGCMTests {
    struct Vector: Sendable {
        var key: String
        var nonce: String
        var context = ""
        var text = ""
        var sealed = ""
        var tag: String
    }

    static let vectors = [
        Vector(
            key: String(repeating: "00", count: 32), nonce: String(repeating: "00", count: 12),
            tag: "530f8afbc74536b9a963b4f1c4cb738b"),
        Vector(
            key: String(repeating: "00", count: 32), nonce: String(repeating: "00", count: 12),
            text: String(repeating: "00", count: 16), sealed: "cea7403d4d606b6e074ec5d3baf39d18",
            tag: "d0d1c8a799996bf0265b98b5d48ab919"),
        Vector(
            key: "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
            nonce: "cafebabefacedbaddecaf888", context: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
            text: "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                + "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
            sealed: "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                + "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
            tag: "76fc6ece0f4e1768cddf8853bb2d551b"),
    ]

    private static func bytes(_ text: String) -> [UInt8] {
        var digits = Array(text)[...]
        var bytes: [UInt8] = []
        while digits.count >= 2 {
            bytes.append(UInt8(String(digits.prefix(2)), radix: 16) ?? 0)
            digits = digits.dropFirst(2)
        }
        return bytes
    }

    @Test("known texts", arguments: vectors)
    func known(_ vector: Vector) {
        let (key, nonce, context) = (
            Self.bytes(vector.key), Self.bytes(vector.nonce), Self.bytes(vector.context)
        )
        let sealed = Self.bytes(vector.sealed + vector.tag)
        #expect(AESGCM.seal(Self.bytes(vector.text), key: key, nonce: nonce, context: context) == sealed)
        #expect(AESGCM.open(sealed, key: key, nonce: nonce, context: context) == Self.bytes(vector.text))
    }

    @Test("a changed bit anywhere is found out")
    func changed() throws {
        let vector = Self.vectors[2]
        let (key, nonce, context) = (
            Self.bytes(vector.key), Self.bytes(vector.nonce), Self.bytes(vector.context)
        )
        let sealed = Self.bytes(vector.sealed + vector.tag)
        for place in sealed.indices {
            var forged = sealed
            forged[place] ^= 1
            #expect(AESGCM.open(forged, key: key, nonce: nonce, context: context) == nil)
        }
        var (otherKey, otherNonce, otherContext) = (key, nonce, context)
        otherKey[0] ^= 1
        otherNonce[0] ^= 1
        otherContext[0] ^= 1
        #expect(AESGCM.open(sealed, key: otherKey, nonce: nonce, context: context) == nil)
        #expect(AESGCM.open(sealed, key: key, nonce: otherNonce, context: context) == nil)
        #expect(AESGCM.open(sealed, key: key, nonce: nonce, context: otherContext) == nil)
    }

    @Test("keys and nonces of another length, and texts shorter than a tag, are refused")
    func lengths() {
        let (key, nonce) = ([UInt8](repeating: 1, count: 32), [UInt8](repeating: 2, count: 12))
        #expect(AESGCM.seal([1], key: Array(key.dropLast()), nonce: nonce, context: []) == nil)
        #expect(AESGCM.seal([1], key: key, nonce: nonce + [3], context: []) == nil)
        #expect(AESGCM.open([UInt8](repeating: 0, count: 15), key: key, nonce: nonce, context: []) == nil)
    }
}
