import PolluxTesting
import Testing

@testable import PolluxProviders

@Suite("Gemini Business: control marks")
struct ControlMarkFilterTests {
    private func clean(_ pieces: [String]) -> String {
        var filter = ControlMarkFilter()
        var text = ""
        for piece in pieces { text += filter.push(piece) }
        return text + filter.finish()
    }

    @Test(
        "marks are taken out, everything that only looks like one stays",
        arguments: [
            ("<ctrl46>Image generated", "Image generated"), ("a<ctrl1>b<ctrl23>c", "abc"), ("<ctrl>", "<ctrl>"),
            ("<ctrlx>", "<ctrlx>"), ("<ctr", "<ctr"), ("<ctrl12", "<ctrl12"), ("a < b", "a < b"), ("<<ctrl9>>", "<>"),
            ("<ctrl<ctrl7>", "<ctrl"), ("<ctrl123456789>", "<ctrl123456789>"), ("<ctrl4é>", "<ctrl4é>"),
            ("日<ctrl5>本", "日本"),
        ])
    func marks(text: String, expected: String) {
        #expect(clean([text]) == expected)
        #expect(clean(text.unicodeScalars.map { String($0) }) == expected)
    }

    @Test("random text in random pieces equals a search over the whole", arguments: 0..<100)
    func randomPieces(seed: Int) {
        var random = SeededRandom(seed: seed)
        let words = ["<", "ctrl", "<ctrl", "4", "46", ">", "x", "<ctrl8>", "é"]
        let pieces = (0..<30).map { _ in words.randomElement(using: &random) ?? "" }
        #expect(clean(pieces) == pieces.joined().replacing(/<ctrl[0-9]{1,8}>/, with: ""))
    }
}
