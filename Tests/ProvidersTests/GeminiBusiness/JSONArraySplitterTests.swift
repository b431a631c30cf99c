import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxProviders

@Suite("Gemini Business: splitting the answer's array")
struct JSONArraySplitterTests {
    private typealias Outcome = (elements: [String], isComplete: Bool, fault: JSONArraySplitter.Fault?)

    private func split(_ pieces: [[UInt8]], limit: Int = 1 << 20) -> Outcome {
        var splitter = JSONArraySplitter(maxElementBytes: limit)
        var elements: [String] = []
        do {
            for piece in pieces {
                splitter.append(piece)
                while let element = try splitter.next() { elements.append(String(decoding: element, as: UTF8.self)) }
            }
            return (elements, splitter.isComplete, nil)
        } catch {
            return (elements, splitter.isComplete, error)
        }
    }

    private func split(_ text: String) -> Outcome { split([Array(text.utf8)]) }

    private static let awkward = [
        #"[{"a":1}]"#, "[]", " \n[ {\"a\":1}\r\n,\t{\"b\":2} ] \n", #"[{"t":"a}\\\"{"},{"t":"]["}]"#,
        #"[{"t":"日本語😀 é"},{"t":"\u2028"}]"#, "[{\"t\":\"line\u{2028}separator\u{85}next\"}]",
        #"{"error":{"code":429}}"#, #"[{"a":{"b":[{"c":"}"}]}}]"#, ")]}'\n[{\"a\":1}]",
        "[{\"t\":\"\\\\\"},{\"u\":\"\\\"\"}]",
        "\u{FEFF}[{}]", #"[{"a":1}"#, #"[{"a":"#, "", "<html></html>",
    ]

    @Test("elements come out whole and in order")
    func elements() {
        let found = split("[{\n \"a\": 1}\n,\n{\"b\": [{}]}]")
        #expect(found.elements == ["{\n \"a\": 1}", "{\"b\": [{}]}"])
        #expect(found.isComplete)
    }

    @Test("an array without elements is complete and gives none")
    func emptyArray() {
        let found = split("[]")
        #expect(found.elements.isEmpty)
        #expect(found.isComplete)
    }

    @Test("braces, quotes and backslashes inside strings do not count")
    func strings() {
        #expect(split(#"[{"t":"a}\\\"{"},{"u":"\\"}]"#).elements == [#"{"t":"a}\\\"{"}"#, #"{"u":"\\"}"#])
    }

    @Test("an element is handed out with its last byte, not later")
    func atOnce() throws {
        var splitter = JSONArraySplitter()
        splitter.append(Array(#"[{"a":1"#.utf8))
        #expect(try splitter.next() == nil)
        splitter.append(Array("}".utf8))
        #expect(try splitter.next() == Array(#"{"a":1}"#.utf8))
        #expect(!splitter.isComplete)
    }

    @Test("however the bytes are cut, the elements are the same", arguments: awkward)
    func cutAnywhere(text: String) {
        let bytes = Array(text.utf8)
        let whole = split([bytes])
        for cut in 0...bytes.count {
            let halves = split([Array(bytes[..<cut]), Array(bytes[cut...])])
            #expect(halves.elements == whole.elements)
            #expect(halves.isComplete == whole.isComplete)
        }
        let single = split(bytes.map { [$0] })
        #expect(single.elements == whole.elements)
        #expect(single.isComplete == whole.isComplete)
    }

    @Test("line separators inside strings are text")
    func lineSeparators() {
        #expect(split("[{\"t\":\"a\u{2028}b\u{85}c\"}]").elements == ["{\"t\":\"a\u{2028}b\u{85}c\"}"])
    }

    @Test("a bare object counts as an array of one")
    func bareObject() {
        let found = split(#"{"error":{"code":429}} trailing"#)
        #expect(found.elements == [#"{"error":{"code":429}}"#])
        #expect(found.isComplete)
    }

    @Test("a stream cut in the middle is not complete")
    func cutStream() {
        #expect(!split(#"[{"a":1},{"b""#).isComplete)
        #expect(!split(#"[{"a":1}"#).isComplete)
    }

    @Test("an element of 4 MB arrives whole, in pieces of any size", arguments: [1 << 12, 65_537, 1 << 23])
    func largeElement(pieceSize: Int) {
        let large = #"{"t":""# + String(repeating: "日本語}", count: 420_000) + #""}"#
        let bytes = Array("[\(large),{}]".utf8)
        let pieces = stride(from: 0, to: bytes.count, by: pieceSize).map {
            Array(bytes[$0..<min($0 + pieceSize, bytes.count)])
        }
        #expect(split(pieces, limit: 8 << 20).elements == [large, "{}"])
    }

    @Test("an element above the limit is refused, whole or unfinished")
    func tooLarge() {
        #expect(split([Array(#"[{"t":"12345"}]"#.utf8)], limit: 10).fault == .elementTooLarge(limit: 10))
        #expect(split([Array(#"[{"t":"12345"#.utf8)], limit: 10).fault == .elementTooLarge(limit: 10))
    }

    @Test("anything but objects in the array is refused", arguments: [#"["a"]"#, "[1]", "[[{}]]", "[{}x]", "[null]"])
    func otherElements(text: String) {
        guard case .unexpectedByte = split(text).fault else {
            Issue.record("accepted")
            return
        }
    }

    @Test("inputs kept from fuzzing give the same however they are cut")
    func corpus() throws {
        let corpus = try BusinessFixture.splitterCorpus()
        #expect(corpus.count > 10)
        for input in corpus {
            // As in the fuzzing harness: the first byte is the size of the pieces, less one.
            let size = Int(input.first ?? 0) + 1
            let text = Array(input.dropFirst())
            let pieces = stride(from: 0, to: text.count, by: size).map { Array(text[$0..<min($0 + size, text.count)]) }
            let (whole, cut) = (split([text], limit: 1 << 12), split(pieces, limit: 1 << 12))
            #expect(whole.elements == cut.elements)
            #expect(whole.isComplete == cut.isComplete)
            #expect(whole.fault == cut.fault)
        }
    }

    @Test("random documents in random pieces give their own elements back", arguments: 0..<200)
    func randomDocuments(seed: Int) {
        var random = SeededRandom(seed: seed)
        let strings = ["", "{", "}", "\"", "\\", "]", "[", ",", "😀", "\u{2028}", "日本", "\n"]
        let elements = (0..<Int.random(in: 0...6, using: &random)).map { _ -> String in
            let members = (0..<Int.random(in: 0...3, using: &random)).map { index in
                let text = (0..<4).map { _ in strings.randomElement(using: &random) ?? "" }.joined()
                return ("k\(index)", JSON.array([.string(text), ["n": .string(text)]]))
            }
            return JSON.object(JSONObject(members)).text
        }
        let bytes = Array("[\(elements.joined(separator: " ,\n"))]".utf8)
        var pieces: [[UInt8]] = [[]]
        for byte in bytes {
            if Int.random(in: 0..<5, using: &random) == 0 { pieces.append([]) }
            pieces[pieces.count - 1].append(byte)
        }
        let found = split(pieces)
        #expect(found.elements == elements)
        #expect(found.isComplete)
    }
}
