import PolluxCore
import PolluxCrypto
import PolluxTesting
import Testing

@testable import PolluxApp

@Suite("Client keys")
struct KeyRingTests {
    @Test("a thousand keys are distinct, of one form, and carry a checksum that fits (A-2)")
    func made() throws {
        let keys = try (0..<1000).map { _ in try ClientKeyMaker.make().reveal() }
        #expect(Set(keys).count == 1000)
        for key in keys {
            #expect(key.wholeMatch(of: /plx_[0-9A-Za-z]{49}/) != nil)
            #expect(ClientKeyMaker.isWellFormed(Secret(key)))
        }
        // 43,000 characters of 62: a letter that is never drawn, or drawn too often, would be a fault of the mapping.
        let counts = Dictionary(keys.flatMap { $0.dropFirst(4).prefix(43) }.map { ($0, 1) }, uniquingKeysWith: +)
        #expect(counts.count == 62)
        #expect(counts.values.allSatisfy { (560...820).contains($0) })
    }

    @Test("any one wrong, missing or swapped character is noticed without a look-up", arguments: 0..<20)
    func typos(seed: Int) throws {
        let random = SeededRandom(seed: seed)
        let key = Array(try ClientKeyMaker.make().reveal())
        let place = 4 + Int(random.below(48))
        var wrong = key
        wrong[place] = key[place] == "a" ? "b" : "a"
        #expect(!ClientKeyMaker.isWellFormed(Secret(String(wrong))))
        var short = key
        short.remove(at: place)
        #expect(!ClientKeyMaker.isWellFormed(Secret(String(short))))
        var swapped = key
        swapped.swapAt(place, place + 1)
        if swapped != key { #expect(!ClientKeyMaker.isWellFormed(Secret(String(swapped)))) }
        #expect(ClientKeyMaker.isWellFormed(Secret("a key of somebody else's form")))
    }

    @Test("a key is found by its digest; a beginning, an extension or another case of it is not (A-3)")
    func find() {
        let ring = KeyRing([ClientKey(name: "one", key: Secret("correct-horse"), models: ["*"])])
        #expect(ring.find(Secret("correct-horse"))?.name == "one")
        for wrong in ["", "correct-hors", "correct-horse ", "Correct-horse", "no such key", "correct-horse\0"] {
            #expect(ring.find(Secret(wrong)) == nil)
        }
    }

    @Test("the text whose digest stands in for an unknown key opens nothing, not even an empty ring")
    func decoy() {
        #expect(KeyRing([]).find(Secret("no such key")) == nil)
        let ring = KeyRing([ClientKey(name: "odd", key: Secret("no such key"), models: [])])
        #expect(ring.find(Secret("no such key"))?.name == "odd", "a key may be that text; then it is found as itself")
    }

    @Test("what is kept of a key is its digest; its id is short, stable and tells nothing of the key")
    func kept() {
        let key = ClientKey(name: "one", key: Secret("correct-horse"), models: ["*"])
        #expect(key.digest == SHA256.hash(Array("correct-horse".utf8)))
        #expect(key.id == KeyRing.hex(key.digest.prefix(6)))
        #expect(key.id.wholeMatch(of: /[0-9a-f]{12}/) != nil)
        #expect(!"\(key)".contains("correct-horse"))
        #expect(KeyRing.hex([0x00, 0x0F, 0xA0, 0xFF]) == "000fa0ff")
    }

    @Test("patterns of models: exact, or a beginning with a star")
    func models() {
        let uses = { (patterns: [String], model: String) in
            ClientKey(name: "k", key: Secret("x"), models: patterns).mayUse(model)
        }
        #expect(uses(["*"], "anything/at-all"))
        #expect(uses(["gemini-*"], "gemini-2.5-pro") && !uses(["gemini-*"], "gpt-4"))
        #expect(uses(["a", "b"], "b") && !uses(["a", "b"], "ab"))
        #expect(!uses([], "a") && !uses(["A"], "a") && !uses(["a*b"], "aXb"))
    }
}
