import PolluxTesting
import Testing

@testable import PolluxCore

@Suite("A code fence round JSON is taken off")
struct FenceFilterTests {
    private func filtered(_ pieces: [String]) -> String {
        var filter = FenceFilter()
        var result = ""
        for piece in pieces { result += filter.push(piece) }
        return result + filter.finish()
    }

    @Test(
        "what clients parse is the JSON alone",
        arguments: [
            ("```json\n{\"a\":1}\n```", "{\"a\":1}\n"), ("```\n[1]\n```\n\n", "[1]\n"), (" \n```JSON\n{}```", "{}"),
            ("{\"a\":\"```\"}", "{\"a\":\"```\"}"), ("{\"a\":1}", "{\"a\":1}"), ("", ""), ("``", "``"),
            ("```json\n{\"code\":\"``` x\"}\n```", "{\"code\":\"``` x\"}\n"), ("```json\n{\"cut\":", "{\"cut\":"),
            ("```json {\"one\":\"line\"}", "```json {\"one\":\"line\"}"),
        ])
    func whole(text: String, expected: String) {
        let result = filtered([text])
        #expect(result == expected)
    }

    @Test("however the text is cut, the result is the same", arguments: 0..<100)
    func cuts(seed: Int) {
        var random = PolluxTesting.SeededRandom(seed: seed)
        let texts = ["```json\n{\"a\":\"é`b``c```d\"}\n```", "  {\"plain\": true}  ", "```\n[1,2]\n``` \n"]
        let text = texts[seed % texts.count]
        var pieces = [""]
        for character in text {
            if Bool.random(using: &random) { pieces.append("") }
            pieces[pieces.count - 1].append(character)
        }
        let (inPieces, inOne) = (filtered(pieces), filtered([text]))
        #expect(inPieces == inOne)
    }
}
