import PolluxCore
import PolluxTesting
import Testing

@Suite("The nearest name")
struct NearestNameTests {
    @Test(
        "typing mistakes find the name",
        arguments: [
            ("turn_timout", "turn_timeout"), ("trun_timeout", "turn_timeout"), ("gemini-3-flsh", "gemini-3-flash"),
            ("gemini-buisness", "gemini-business"), ("KIND", "kind"), ("knd", "kind"), ("turn", "turn_timeout"),
            ("kinds", "kind"), ("gemini-3-flash-preview-001", "gemini-3-flash"),
        ])
    func found(_ typed: String, _ meant: String) {
        #expect(
            nearest(to: typed, among: ["kind", "turn_timeout", "gemini-business", "gemini-3-flash"]) == meant)
    }

    @Test("what is far away finds nothing", arguments: ["", "k", "completely", "gmni-bsnss", "url"])
    func notFound(_ typed: String) {
        #expect(nearest(to: typed, among: ["kind", "ttl", "turn_timeout", "gemini-business"]) == nil)
    }

    @Test("a spelling mistake ranks before a shared beginning, fewer edits before more, the earlier of equals")
    func ranking() {
        #expect(nearest(to: "model", among: ["model_name", "models"]) == "models")
        #expect(nearest(to: "abcd", among: ["abxx", "abcx", "abcy"]) == "abcx")
    }

    @Test("very long names are not compared")
    func bounded() {
        let long = String(repeating: "a", count: 100_000)
        #expect(nearest(to: long, among: [long]) == nil)
        #expect(nearest(to: "aaaa", among: [long]) == nil)
    }

    @Test("the distance agrees with a plain recursive definition", arguments: 0..<100)
    func againstModel(seed: Int) {
        var random = SeededRandom(seed: seed)
        let words = (0..<2).map { _ in
            String((0..<Int.random(in: 4...6, using: &random)).map { _ in "abc".randomElement(using: &random) ?? "a" })
        }
        let isNear = nearest(to: words[0], among: [words[1]]) != nil
        let shares = words[0].hasPrefix(words[1]) || words[1].hasPrefix(words[0])
        #expect(isNear == (distance(Array(words[0])[...], Array(words[1])[...]) <= 2 || shares))
    }

    private func distance(_ first: ArraySlice<Character>, _ second: ArraySlice<Character>) -> Int {
        guard let last = first.last else { return second.count }
        guard let other = second.last else { return first.count }
        var edits = min(distance(first.dropLast(), second), distance(first, second.dropLast())) + 1
        edits = min(edits, distance(first.dropLast(), second.dropLast()) + (last == other ? 0 : 1))
        if first.count > 1, second.count > 1, first.dropLast().last == other, second.dropLast().last == last {
            edits = min(edits, distance(first.dropLast(2), second.dropLast(2)) + 1)
        }
        return edits
    }
}
