import PolluxCore
import PolluxTesting
import Testing

@Suite("Estimated tokens")
struct TokenEstimateTests {
    @Test(
        "scripts are weighted by the length of their UTF-8 form",
        arguments: [
            ("", 0), ("a", 1), ("abcd", 1), ("abcde", 2), ("Привет", 3), ("日本語", 3), ("😀", 2),
            ("four words of English", 6), ("日本語 behind eight bytes or more 😀", 12),
        ])
    func weights(text: String, tokens: Int) {
        #expect(TokenEstimate(text).tokens == tokens)
    }

    @Test("a letter of another script counts wherever it stands among plain ones", arguments: [8, 31, 32, 33, 64, 100])
    func anywhere(length: Int) {
        for place in 0...length {
            let text = String(repeating: "a", count: place) + "語" + String(repeating: "a", count: length - place)
            #expect(TokenEstimate(text).tokens == (length + 3 + 3) / 4, "at \(place)")
        }
    }

    @Test("text counts the same however it is cut, and more text never counts less", arguments: 0..<50)
    func additive(seed: Int) {
        var random = PolluxTesting.SeededRandom(seed: seed)
        let letters = ["a", " ", "ж", "語", "😀"]
        var (whole, last) = ("", 0)
        var estimate = TokenEstimate()
        for _ in 0..<40 {
            let piece = (0..<Int.random(in: 0...5, using: &random)).map { _ in
                letters.randomElement(using: &random) ?? "a"
            }.joined()
            whole += piece
            estimate.add(piece)
            #expect(estimate.tokens == TokenEstimate(whole).tokens)
            #expect(estimate.tokens >= last)
            last = estimate.tokens
        }
    }
}
