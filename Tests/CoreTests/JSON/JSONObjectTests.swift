import PolluxCore
import PolluxTesting
import Testing

@Suite("JSON objects")
struct JSONObjectTests {
    @Test("setting replaces in place, appends or removes")
    func setting() {
        var object = JSONObject([("a", 1), ("b", 2), ("c", 3)])
        object["b"] = "x"
        object["d"] = 4
        object["a"] = nil
        object["none"] = nil
        #expect(JSON.object(object).text == #"{"b":"x","c":3,"d":4}"#)
        object["c"] = .null
        #expect(object["c"] == .null)
        #expect(object.count == 3)
        #expect(!object.isEmpty)
        #expect(object.keys == ["b", "c", "d"])
        #expect(object.map(\.key) == object.keys)
    }

    @Test("made from a list with a key twice keep its last value at its first place", arguments: [0, 40])
    func duplicatesInCode(_ others: Int) {
        let filler = (0..<others).map { ("k\($0)", JSON.null) }
        let object = JSONObject([("a", 1), ("b", 2)] + filler + [("a", 3)])
        #expect(object.count == others + 2)
        #expect(object.members[0].key == "a")
        #expect(object["a"] == 3)
    }

    @Test("member order does not count for equality", arguments: [3, 100])
    func orderedEquality(_ count: Int) {
        let members = (0..<count).map { ("k\($0)", JSON.array([.number(JSONNumber($0))])) }
        let object = JSONObject(members)
        #expect(object == JSONObject(members.reversed()))
        var changed = object
        changed["k0"] = 7
        #expect(object != changed)
        changed = JSONObject(Array(members.dropLast()))
        #expect(object != changed)
        changed["other"] = members[count - 1].1
        #expect(object != changed)
    }

    @Test("keys and strings compare by bytes, not by Unicode equivalence")
    func bytes() throws {
        let kelvin = try parse("{\"K\":1,\"\u{212A}\":2}")
        #expect(kelvin["K"] == 1)
        #expect(kelvin["\u{212A}"] == 2)
        #expect(JSON.string("é") != JSON.string("e\u{301}"))
        #expect(try parse("{\"é\":1}") != parse("{\"e\u{301}\":1}"))
    }

    @Test("100,000 distinct keys parse in linear time, one of them twice is still found (J-1, J-6)")
    func manyKeys() throws {
        let members = (0..<100_000).map { "\"key\($0)\":\($0)" }.joined(separator: ",")
        let clock = ContinuousClock()
        var value: JSON?
        let time = try clock.measure { value = try parse("{\(members)}") }
        #expect(value?.object?.count == 100_000)
        #expect(value?["key99999"]?.int == 99_999)
        // Comparing each with each would take minutes.
        #expect(time < .seconds(20))
        let error = try #require(refusal("{\(members),\"key50000\":0}"))
        #expect(error.kind == .duplicateKey)
        #expect(error.path == "key50000")
        #expect(try parse("{\(members),\"key50000\":0}", .upstream)["key50000"] == 0)
    }

    @Test("duplicates are found exactly where a naive search finds them", arguments: 0..<300 as Range<UInt64>)
    func differential(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        // Nested objects of sizes around the limit where comparing ends, with keys from small and large ranges.
        let keys = (0..<Int.random(in: 0...40, using: &random)).map { _ in
            "k\(Int.random(in: 0...Int.random(in: 20...4000, using: &random), using: &random))"
        }
        let inner = (0..<Int.random(in: 0...20, using: &random)).map { "\"k\($0)\":0" }.joined(separator: ",")
        let text = "{" + keys.map { "\"\($0)\":{\(inner)}" }.joined(separator: ",") + "}"
        var seen: Set<String> = []
        let firstTwice = keys.first { !seen.insert($0).inserted }
        let error = refusal(text)
        #expect(error?.kind == (firstTwice == nil ? nil : .duplicateKey))
        #expect(error?.path == firstTwice)
        let lenient = try parse(text, .upstream)
        #expect(lenient.object?.keys == keys.reduce(into: []) { if !$0.contains($1) { $0.append($1) } })
    }
}
