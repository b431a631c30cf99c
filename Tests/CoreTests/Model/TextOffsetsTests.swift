import PolluxCore
import PolluxTesting
import Testing

@Suite("Places in a text, in bytes and in characters")
struct TextOffsetsTests {
    @Test("both ways agree with a plain count, however the text is cut", arguments: 0..<200)
    func random(seed: Int) {
        var random = SeededRandom(seed: seed)
        let letters = ["a", "é", "日", "😀", "e\u{301}", "\n"]
        var offsets = TextOffsets()
        var text = ""
        for _ in 0..<Int.random(in: 0...60, using: &random) {
            let piece = (0..<Int.random(in: 0...4, using: &random)).map { _ in
                letters.randomElement(using: &random) ?? "a"
            }
            offsets.append(piece.joined())
            text += piece.joined()
        }
        var byte = 0
        for (index, scalar) in text.unicodeScalars.enumerated() {
            #expect(offsets.scalars(beforeByte: byte) == index)
            #expect(offsets.bytes(beforeScalar: index) == byte)
            byte += UTF8.width(scalar)
        }
        #expect(offsets.byteCount == byte)
        #expect(offsets.scalars(beforeByte: byte) == text.unicodeScalars.count)
        #expect(offsets.bytes(beforeScalar: text.unicodeScalars.count) == byte)
    }

    @Test("offsets outside the text count as its ends")
    func outside() {
        var offsets = TextOffsets()
        offsets.append("日本")
        #expect(offsets.scalars(beforeByte: -1) == 0)
        #expect(offsets.scalars(beforeByte: .max) == 2)
        #expect(offsets.bytes(beforeScalar: .min) == 0)
        #expect(offsets.bytes(beforeScalar: .max) == 6)
    }
}
