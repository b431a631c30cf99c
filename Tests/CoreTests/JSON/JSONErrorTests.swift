import PolluxCore
import Testing

@Suite("JSON errors")
struct JSONErrorTests {
    /// Text, then the place and the sentence that its refusal must have.
    static let cases: [(text: String, place: String, message: String)] = [
        ("", "1:1 ", "the text is empty; send one JSON value"),
        (
            "{\"messages\":[{},{},\n {\"x\":1},{\"content\":tru}]}", "2:21 messages[3].content",
            "expected a value, found 't'"
        ),
        ("[1,\n2,\n  ]", "3:3 [2]", "expected a value, found ']'"),
        ("{\"a\":1,}", "1:8 ", "expected a key in double quotes, found '}'"),
        ("{\"a\":{\"b\" 1}}", "1:11 a", "expected ':' after the key, found '1'"),
        ("{\"é\":\"ü\" 1}", "1:10 ", "expected ',' or '}', found '1'"),
        ("{\"a b\":[nope]}", "1:9 [\"a b\"][0]", "expected a value, found 'n'"),
        ("{\"a\":[{\"b\":1,\"c\":[[],[0,-x]]}]}", "1:26 a[0].c[1][1]", "expected a digit in this number, found 'x'"),
        ("{\"a\":{\"x\":1,\"b\":2,\"x\":3}}", "1:19 a.x", "the key \"x\" occurs twice in one object; keep one of them"),
        ("[1", "1:3 [1]", "the text ends where ',' or ']' should stand; it may have been cut off"),
        (
            "{\"a\":\"x", "1:8 a",
            "the text ends where the closing quote of a string should stand; it may have been cut off"
        ),
        ("012", "1:2 ", "expected nothing after the JSON value, found '1'; send exactly one value"),
        ("{\"a\":-01}", "1:8 ", "expected ',' or '}', found '1'"),
        ("{} x", "1:4 ", "expected nothing after the JSON value, found 'x'; send exactly one value"),
        ("[\"\t\"]", "1:3 [0]", "a string holds a raw control character, byte 0x09; write it as an escape"),
        ("\u{1}", "1:1 ", "expected a value, found byte 0x01"),
        (
            "[1e999]", "1:2 [0]",
            "this number is too large; it must fit a 64-bit floating-point number and have at most 1000 characters"
        ),
        (
            "[\"\\ud800\"]", "1:3 [0]",
            "this escape is half of a surrogate pair; send both halves or the character itself"
        ),
        ("{\"a\":\"\\u12\"}", "1:11 a", "expected four hexadecimal digits after \\u, found '\"'"),
        (
            "[\"ab\\q\"]", "1:5 [0]",
            "this is no JSON escape; use \\\" \\\\ \\/ \\b \\f \\n \\r \\t or \\u with four digits"
        ),
    ]

    @Test("say line, column, path and what would be right", arguments: cases)
    func places(_ item: (text: String, place: String, message: String)) throws {
        let error = try #require(refusal(item.text))
        #expect("\(error.line):\(error.column) \(error.path)" == item.place)
        #expect(error.message == item.message)
    }

    @Test("describe themselves with their place")
    func description() throws {
        #expect(
            try #require(refusal("{\"a\":[x]}")).description
                == "expected a value, found 'x' (line 1, column 7, in a[0])")
        #expect(try #require(refusal("x")).description == "expected a value, found 'x' (line 1, column 1)")
    }

    @Test("UTF-16 is named as what it is (J-4)")
    func utf16() throws {
        let error = try #require(refusal([0xFF, 0xFE, 0x7B, 0x00, 0x7D, 0x00]))
        #expect(error.kind == .unsupportedEncoding)
        #expect(error.message == "the text looks like UTF-16 or UTF-32; send it as UTF-8")
    }

    @Test("broken UTF-8 is found at its first byte, with escapes before it too")
    func invalidUTF8() throws {
        for (bytes, offset) in [
            ([0x22, 0x61, 0xFF, 0x22], 2), ([0x22, 0x5C, 0x6E, 0xC3, 0xA9, 0xE2, 0x82, 0x22], 5),
        ] as [([UInt8], Int)] {
            let error = try #require(refusal(bytes))
            #expect(error.kind == .invalidUTF8)
            #expect(error.offset == offset)
        }
    }

    @Test("long keys and deep places do not make long messages")
    func bounded() throws {
        let key = String(repeating: "k", count: 100_000)
        let duplicate = try #require(refusal("{\"\(key)\":1,\"\(key)\":1}"))
        #expect(duplicate.message.utf8.count < 200)
        #expect(duplicate.path.utf8.count < 220)
        let deep = String(repeating: "{\"a key of some length\":", count: 100) + "x"
        let path = try #require(refusal(deep)).path
        #expect(path.utf8.count < 220)
        #expect(path.hasSuffix("…"))
    }
}
