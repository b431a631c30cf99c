import PolluxCore
import PolluxTesting
import Testing

/// Random runs against a second, naive parser. The argument is the seed: a failure is repeated by its name.
@Suite("JSON at random")
struct JSONRandomTests {
    @Test(
        "random trees, written with random spaces and escapes, are read as they are",
        arguments: 0..<300 as Range<UInt64>)
    func trees(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let tree = RandomJSON.tree(depth: 5, using: &random)
        let text = RandomJSON.text(of: tree, using: &random)
        #expect(try JSON.parse(text) == tree)
        #expect(NaiveJSONParser.parse(text) == tree)
        #expect(try JSON.parse(tree.bytes()).bytes() == tree.bytes())
    }

    @Test("a text with random faults is taken or refused as a naive parser does", arguments: 0..<1000 as Range<UInt64>)
    func faults(_ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let tree = RandomJSON.tree(depth: 3, using: &random)
        var text = RandomJSON.text(of: tree, using: &random)
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            RandomJSON.damage(&text, using: &random)
            let ours = try? JSON.parse(text)
            #expect(ours == NaiveJSONParser.parse(text), "\(String(decoding: text, as: UTF8.self))")
            if let ours { #expect((try? JSON.parse(text, .upstream)) == ours) }
        }
    }

    @Test("what the fuzzer found interesting is read twice alike", arguments: JSONFixtures.fuzzCorpus)
    func corpus(_ item: JSONCase) throws {
        let client = try? JSON.parse(item.bytes, .client)
        let upstream = try? JSON.parse(item.bytes, .upstream)
        if let client { #expect(client == upstream) }
        if let upstream { #expect(try JSON.parse(upstream.bytes(), .upstream) == upstream) }
    }
}
