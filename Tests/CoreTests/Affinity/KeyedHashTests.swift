import PolluxTesting
import Testing

@testable import PolluxCore

@Suite("The keyed hash")
struct KeyedHashTests {
    /// 00 01 02 … 0f, as in the published vectors.
    private let key = KeyedHash.Key(0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908)

    private func hash(_ bytes: [UInt8]) -> String {
        var hash = KeyedHash(key)
        bytes.withUnsafeBufferPointer { hash.append(raw: $0) }
        return Self.hex(hash.value)
    }

    private static func hex(_ value: KeyedHash.Value) -> String {
        [value.low, value.high].map { word in
            (0..<8).map { index in
                let byte = String(UInt8(truncatingIfNeeded: word >> UInt64(8 * index)), radix: 16)
                return byte.count == 1 ? "0" + byte : byte
            }.joined()
        }.joined()
    }

    @Test(
        "it is SipHash-2-4 with 128 bits: the values that OpenSSL computes for 0, 1, 2, … bytes",
        arguments: [
            (0, "a3817f04ba25a8e66df67214c7550293"), (1, "da87c1d86b99af44347659119b22fc45"),
            (2, "8177228da4a45dc7fca38bdef60affe4"), (15, "5493e99933b0a8117e08ec0f97cfc3d9"),
            (17, "473d06e8738db89854c066c47ae47740"),
        ])
    func vectors(length: Int, expected: String) {
        #expect(hash((0..<UInt8(length)).map { $0 }) == expected)
    }

    @Test("it does not matter how the bytes are cut", arguments: 0..<50)
    func cuts(seed: Int) {
        let random = SeededRandom(seed: seed)
        let bytes = (0..<Int(random.below(100))).map { _ in UInt8(random.below(256)) }
        var hash = KeyedHash(key)
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = rest.prefix(1 + Int(random.below(20)))
            if piece.count == 1, let byte = piece.first {
                hash.append(byte)
            } else {
                piece.withUnsafeBufferPointer { hash.append(raw: $0) }
            }
            rest = rest.dropFirst(piece.count)
        }
        #expect(Self.hex(hash.value) == self.hash(bytes))
    }

    @Test("two texts are never taken for one, and another key makes other values")
    func separation() {
        var (left, right, other) = (KeyedHash(key), KeyedHash(key), KeyedHash(KeyedHash.Key(1, 2)))
        left.append("ab")
        left.append("c")
        right.append("a")
        right.append("bc")
        other.append("ab")
        other.append("c")
        #expect(left.value != right.value)
        #expect(left.value != other.value)
    }
}
