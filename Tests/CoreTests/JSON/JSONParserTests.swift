import PolluxCore
import Testing

@Suite("JSON parser")
struct JSONParserTests {
    @Test("values keep their kind, order and text")
    func values() throws {
        let value = try parse(#" {"b":[true,false,null,"x\n"],"a":{"n":0.70},"z":-12} "#)
        #expect(value.object?.keys == ["b", "a", "z"])
        #expect(value["b"] == [true, false, nil, "x\n"])
        #expect(value["b"]?[3]?.string == "x\n")
        #expect(value["b"]?[4] == nil)
        #expect(value["a"]?["n"]?.double == 0.7)
        #expect(value["z"]?.int == -12)
        #expect(value["none"] == nil)
        #expect(value["b"]?[2] != nil)
        #expect(value[0] == nil)
        #expect(value.text == #"{"b":[true,false,null,"x\n"],"a":{"n":0.70},"z":-12}"#)
    }

    @Test("there are cases of our own")
    func fixturesAreThere() {
        #expect(JSONFixtures.accepted.count >= 15)
        #expect(JSONFixtures.refused.count >= 80)
        #expect(JSONFixtures.fuzzCorpus.count >= 50)
    }

    @Test("texts in accept/ are taken from anyone and survive being written", arguments: JSONFixtures.accepted)
    func accepted(_ item: JSONCase) throws {
        let value = try JSON.parse(item.bytes)
        #expect(try JSON.parse(item.bytes, .upstream) == value)
        let written = value.bytes()
        #expect(try JSON.parse(written) == value)
        #expect(try JSON.parse(written).bytes() == written)
    }

    /// The file's name begins with the kind of error.
    @Test("texts in refuse/ are refused from clients, for the right reason", arguments: JSONFixtures.refused)
    func refused(_ item: JSONCase) throws {
        let error = try #require(refusal(item.bytes))
        #expect(error.kind.rawValue == String(item.name.prefix { $0 != "-" }))
        #expect((0...item.bytes.count).contains(error.offset))
        #expect(!error.message.isEmpty)
    }

    @Test("every way of handing over bytes gives the same value")
    func entryPoints() throws {
        let bytes = Array(#"xx{"a":[1]}"#.utf8)
        let expected: JSON = ["a": [1]]
        #expect(try JSON.parse(Array(bytes[2...])) == expected)
        #expect(try JSON.parse(bytes[2...]) == expected)
        let raw = bytes[2...].withUnsafeBytes { buffer in Result { try JSON.parse(buffer) } }
        #expect(try raw.get() == expected)
        #expect(throws: JSONError.self) { try JSON.parse(UnsafeRawBufferPointer(start: nil, count: 0)) }
        #expect(throws: JSONError.self) { try JSON.parse(bytes[2..<2]) }
    }

    @Test("128 levels are taken, 129 refused, with the place where the 129th begins (H-13)")
    func depth() throws {
        _ = try parse(String(repeating: "[", count: 128) + String(repeating: "]", count: 128))
        let error = try #require(refusal(String(repeating: "[", count: 129) + String(repeating: "]", count: 129)))
        #expect(error.kind == .tooDeep)
        #expect(error.offset == 128)
        #expect(error.message == "arrays and objects nest deeper than 128 levels")
        #expect(error.path.utf8.count < 220)
    }

    @Test("a depth above the ceiling counts as the ceiling")
    func depthCeiling() throws {
        let options = JSONParseOptions(maxDepth: .max)
        let ceiling = JSONParseOptions.depthCeiling
        let fits = String(repeating: "[", count: ceiling) + String(repeating: "]", count: ceiling)
        _ = try parse(fits, options)
        let error = try #require(refusal("[\(fits)]", options))
        #expect(error.kind == .tooDeep)
        #expect(error.message == "arrays and objects nest deeper than 512 levels")
    }

    @Test("100,000 open brackets or objects are refused at the 129th", arguments: ["[", #"{"a":"#, #"[{"":"#])
    func openBrackets(_ opening: String) throws {
        let error = try #require(refusal(String(repeating: opening, count: 100_000), .upstream))
        #expect(error.kind == .tooDeep)
        #expect(error.offset <= 129 * opening.utf8.count)
    }

    @Test("the number of values is bounded, containers included (H-13)")
    func values200k() throws {
        let fits = "[" + Array(repeating: "1", count: 199_999).joined(separator: ",") + "]"
        #expect(try parse(fits).array?.count == 199_999)
        let error = try #require(refusal("[" + fits + "]"))
        #expect(error.kind == .tooManyValues)
        #expect(error.message == "the text holds more than 200000 values")
    }

    @Test("a text cut at any byte is refused, and never for a wrong byte or after its end")
    func cutAnywhere() throws {
        let text = Array("{\"a\":[1.5e3,\"é\\u20AC漢\\ud83d\\ude00\",true],\"b\":{\"c\":null}}".utf8)
        _ = try JSON.parse(text)
        for cut in 0..<text.count {
            let error = try #require(refusal(Array(text[..<cut])), "cut at \(cut)")
            #expect([.unexpectedEnd, .empty].contains(error.kind), "cut at \(cut): \(error)")
        }
    }

    @Test("any one byte put in the place of another never traps", arguments: [JSONParseOptions.client, .upstream])
    func everyByteEverywhere(_ options: JSONParseOptions) {
        let text = Array("{\"a\":[-1.5e3,\"é\\u20AC\\ud83d\\ude00\",true]}".utf8)
        for position in text.indices {
            for byte in UInt8.min...UInt8.max {
                var changed = text
                changed[position] = byte
                guard let value = try? JSON.parse(changed, options) else { continue }
                #expect((try? JSON.parse(value.bytes(), options)) == value)
            }
        }
    }
}

@Suite("JSON options for upstreams")
struct JSONUpstreamOptionsTests {
    @Test(
        "half a surrogate pair becomes U+FFFD, and what follows it stays (J-3)",
        arguments: [
            (#""\ud800""#, "\u{FFFD}"), (#""\udc00x""#, "\u{FFFD}x"), (#""\ud83d\n""#, "\u{FFFD}\n"),
            (#""\ud83d\ud83d\ude00""#, "\u{FFFD}😀"), (#""\ude00\ud83d""#, "\u{FFFD}\u{FFFD}"),
            (#""\ud83d\u0041""#, "\u{FFFD}A"), (#""\ud83d\ude00""#, "😀"), (#""a\ud83d""#, "a\u{FFFD}"),
        ])
    func loneSurrogates(_ text: String, _ expected: String) throws {
        #expect(try parse(text, .upstream).string == expected)
    }

    @Test("of a key that occurs twice the last value counts, at the first place")
    func duplicates() throws {
        #expect(try parse(#"{"a":1,"b":2,"a":3}"#, .upstream).text == #"{"a":3,"b":2}"#)
        #expect(try parse(#"{"x":{"a":1,"a":[1,{"a":0}]},"x":{"a":2,"a":4}}"#, .upstream).text == #"{"x":{"a":4}}"#)
    }

    @Test("raw control characters stay as they are")
    func controlCharacters() throws {
        #expect(try parse("\"a\n\u{1}\tb\"", .upstream).string == "a\n\u{1}\tb")
        #expect(try parse("{\"a\nb\":\"\\n\n\"}", .upstream).text == #"{"a\nb":"\n\n"}"#)
    }

    @Test("numbers beyond a double keep their text (J-2)")
    func extremeNumbers() throws {
        #expect(try parse("1e400", .upstream).text == "1e400")
        let digits = String(repeating: "9", count: 5000)
        #expect(try parse(digits, .upstream).text == digits)
    }

    @Test("broken UTF-8 is refused from upstreams too")
    func invalidUTF8() throws {
        let error = try #require(refusal([0x22, 0xFF, 0x22], .upstream))
        #expect(error.kind == .invalidUTF8)
    }
}
