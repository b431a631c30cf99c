import Foundation
import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxProviders

@Suite("Frames of the web app")
struct WebFrameReaderTests {
    /// The worked example of the protocol notes: 632 bytes, 630 UTF-16 units.
    static let example = """
        )]}'

        76
        [["wrb.fr",null,"[null,[\\"c_7d1f00a1b2c3d4e5\\",\\"r_0a1b2c3d4e5f6071\\"]]"]]
        164
        [["wrb.fr",null,"[null,[\\"c_7d1f00a1b2c3d4e5\\",\\"r_0a1b2c3d4e5f6071\\"],null,null,\
        [[\\"rc_1122334455667788\\",[\\"Hi\\"],null,null,null,null,true,null,[1],\\"en\\"]]]"]]
        289
        [["wrb.fr",null,"[null,[\\"c_7d1f00a1b2c3d4e5\\",\\"r_0a1b2c3d4e5f6071\\"],null,null,\
        [[\\"rc_1122334455667788\\",[\\"Hi 😀 there\\"],null,null,null,null,true,null,[2],\\"en\\"]],\
        null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,null,\
        \\"CtxTok_AAAA\\"]"]]
        58
        [["di",812],["af.httprm",811,"-4021973511245068733",27]]
        25
        [["e",4,null,null,630]]

        """

    struct Outcome: Equatable {
        var frames: [JSON] = []
        var malformed = 0
        var readsLines = false
        var isTooLarge = false
    }

    static func read(_ pieces: [[UInt8]], limit: Int = 64 << 20) -> Outcome {
        var reader = WebFrameReader(maxFrameBytes: limit)
        var outcome = Outcome()
        do {
            for piece in pieces {
                reader.append(piece)
                while let frame = try reader.next() { outcome.frames.append(frame) }
            }
            while let frame = try reader.finish() { outcome.frames.append(frame) }
        } catch {
            outcome.isTooLarge = true
        }
        (outcome.malformed, outcome.readsLines) = (reader.malformedCount, reader.readsLines)
        return outcome
    }

    private func read(_ text: String) -> Outcome { Self.read([Array(text.utf8)]) }

    @Test("the example of the notes is five frames, counted in UTF-16 units")
    func example() {
        #expect(Self.example.utf8.count == 632)
        #expect(Self.example.utf16.count == 630)
        let outcome = read(Self.example)
        #expect(outcome.frames.count == 5)
        #expect(!outcome.readsLines)
        #expect(outcome.frames.last == [["e", 4, nil, nil, 630]])
    }

    @Test("an answer cut anywhere, inside characters too, gives the same frames")
    func cutAnywhere() {
        let bytes = Array(Self.example.utf8)
        let expected = Self.read([bytes])
        for cut in 0...bytes.count {
            let outcome = Self.read([Array(bytes[..<cut]), Array(bytes[cut...])])
            #expect(outcome == expected, "cut at \(cut)")
        }
        let single = Self.read(bytes.map { [$0] })
        #expect(single == expected)
    }

    @Test("a frame is handed out as soon as its last byte is there")
    func atOnce() throws {
        var reader = WebFrameReader()
        reader.append(Array(")]}'\n\n4\n[]\n".utf8))
        let frame = try reader.next()
        #expect(frame == [])
    }

    @Test(
        "with a length that is wrong the rest is read by lines",
        arguments: [0, 1, 2, 3, 24, 26, 27, 28, 40, 57, 58, 1000])
    func wrongLength(_ announced: Int) {
        let text = ")]}'\n\n\(announced)\n[[\"e\",4,null,null,215]]\n12\n[[\"di\",64]]\n14\n[[\"di\",\"é😀\"]]\n"
        let outcome = read(text)
        #expect(outcome.frames == [[["e", 4, nil, nil, 215]], [["di", 64]], [["di", "é😀"]]])
        #expect(outcome.malformed == 0)
    }

    @Test("a frame without its line feed, and a last one without an end, are read")
    func missingLineFeeds() {
        #expect(read(")]}'\n\n24\n[[\"e\",4,null,null,215]]14\n[[\"di\",64]]\n").frames.count >= 1)
        #expect(read(")]}'\n\n14\n[[\"di\",64]]").frames == [[["di", 64]]])
        #expect(read("[[\"di\",64]]").frames == [[["di", 64]]])
    }

    @Test("the prefix may be missing, or come in pieces")
    func prefix() {
        #expect(read("14\n[[\"di\",64]]\n").frames == [[["di", 64]]])
        #expect(read(")]}'14\n[[\"di\",64]]\n").frames == [[["di", 64]]])
        #expect(read(")]}").frames.isEmpty)
    }

    @Test("what is no frame is passed over, and counted where it looked like one")
    func garbage() {
        #expect(read("<!doctype html>\n<html>[x]</html>\n").frames.isEmpty)
        let outcome = read(")]}'\n\n5\n[1,]\n14\n[[\"di\",64]]\n")
        #expect(outcome.frames == [[["di", 64]]])
        #expect(outcome.malformed == 1)
        #expect(read("").frames.isEmpty)
    }

    @Test("no frame beyond the limit is kept")
    func limit() {
        let announced = Self.read([Array(")]}'\n\n99999999999999999999999\n[".utf8)])
        #expect(announced.isTooLarge)
        let line = Self.read([Array("[".utf8) + [UInt8](repeating: 0x61, count: 5000)], limit: 4096)
        #expect(line.isTooLarge)
        let wide = Self.read(
            [Array(")]}'\n3000\n\"".utf8) + Array(String(repeating: "漢", count: 2000).utf8)], limit: 4096)
        #expect(wide.isTooLarge)
    }

    @Test("random frames in random pieces come out as they went in", arguments: 0..<60)
    func random(seed: Int) {
        let random = SeededRandom(seed: seed)
        let alphabet = ["a", "é", "漢", "😀", "\\", "\"", "\n", "[", "]", "1", "\u{FFFF}"]
        var frames: [JSON] = []
        for _ in 0..<Int(random.below(8)) {
            let words = (0..<Int(random.below(30))).map { _ in alphabet[Int(random.below(UInt64(alphabet.count)))] }
            frames.append([["wrb.fr", nil, .string(words.joined())]])
        }
        let bytes = Array((")]}'\n\n" + frames.map(WebWorld.frame).joined()).utf8)
        var pieces: [[UInt8]] = []
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + 1 + Int(random.below(40)))
            pieces.append(Array(bytes[start..<end]))
            start = end
        }
        let outcome = Self.read(pieces)
        #expect(outcome == Outcome(frames: frames), "seed \(seed)")
    }

    @Test("a megabyte that grows frame by frame costs time in proportion to its bytes")
    func linear() {
        // Byte by byte: a reader that began anew with each piece would need 10^10 steps.
        let text = String(repeating: "x", count: 100_000)
        let outcome = Self.read(Array(WebWorld.frame([.string(text)]).utf8).map { [$0] })
        #expect(outcome.frames == [[.string(text)]])
    }

    @Test("the fuzz corpus holds the property that cuts do not matter")
    func corpus() throws {
        let path = #filePath.replacing(
            "Tests/ProvidersTests/GeminiWeb/WebFrameReaderTests.swift", with: "Fuzz/WebFrames/corpus")
        let files = try FileManager.default.contentsOfDirectory(
            at: URL(filePath: path), includingPropertiesForKeys: nil)
        #expect(files.count > 10)
        for file in files {
            let bytes = [UInt8](try Data(contentsOf: file).dropFirst())
            let (whole, single) = (Self.read([bytes], limit: 4096), Self.read(bytes.map { [$0] }, limit: 4096))
            #expect(whole == single || (whole.isTooLarge && single.isTooLarge), "\(file.lastPathComponent)")
        }
    }
}
