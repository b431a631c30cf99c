import PolluxCore
import Testing

@Suite("JSON writer")
struct JSONWriterTests {
    private func quoted(_ string: String) -> String {
        var bytes: [UInt8] = []
        JSONWriter.appendString(string, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test("escapes quotes, backslashes, controls and line separators, and nothing else")
    func escapes() {
        #expect(quoted("") == #""""#)
        #expect(quoted("a\"b\\c/d") == #""a\"b\\c/d""#)
        #expect(quoted("\u{8}\u{C}\n\r\t") == #""\b\f\n\r\t""#)
        #expect(quoted("\u{0}\u{1}\u{B}\u{1F}\u{7F}") == "\"\\u0000\\u0001\\u000b\\u001f\u{7F}\"")
        #expect(quoted("\u{85}\u{2028}\u{2029}") == #""\u0085\u2028\u2029""#)
        #expect(quoted("\u{84}\u{86}\u{A0}\u{2027}\u{202A}“€”漢é😀") == "\"\u{84}\u{86}\u{A0}\u{2027}\u{202A}“€”漢é😀\"")
    }

    @Test(
        "escapes the same at every offset and length", arguments: ["\n", "\"", "\u{85}", "\u{2028}", "é", "\u{2027}"])
    func offsets(_ special: String) throws {
        for before in 0..<40 {
            for after in [0, 1, 7, 8, 9, 250, 600] {
                let string =
                    String(repeating: "x", count: before) + special + String(repeating: "y", count: after) + special
                #expect(try parse(quoted(string)).string == string)
                #expect(quoted(string).utf8.count == before + after + 2 * (quoted(special).utf8.count - 2) + 2)
            }
        }
    }

    @Test("long strings full of escapes survive", arguments: [1, 255, 256, 257, 5000])
    func longEscapes(_ count: Int) throws {
        for special in ["\u{1}", "\"", "\u{2028}x", "\u{2027}", "\u{85}é"] {
            let string = String(repeating: special, count: count)
            #expect(try parse(quoted(string)).string == string)
        }
    }

    @Test("writes without a tree what the tree writes")
    func streaming() throws {
        var writer = JSONWriter(capacity: 64)
        writer.beginObject()
        writer.member("id", "x\"y")
        writer.member("created", 17)
        writer.member("big", Int64.min)
        writer.member("half", 0.5)
        writer.member("n", 1)
        writer.member("done", true)
        writer.member("extra", ["a": [nil, 1]] as JSON)
        let name = "na\nme"
        for member in 0..<2 { writer.member("\(name)\(member)", member) }
        writer.member(name, "s")
        writer.member(name + "f", 1.5)
        writer.member(name + "b", false)
        writer.member(name + "j", .null)
        writer.key("list")
        writer.beginArray()
        writer.beginObject()
        writer.endObject()
        writer.value("é")
        writer.value(-1)
        writer.value(Double.nan)
        writer.value(false)
        writer.null()
        writer.raw(Array("[1,2]".utf8))
        writer.value(.array([]))
        writer.beginArray()
        writer.endArray()
        writer.endArray()
        writer.key(name + "n")
        writer.null()
        writer.endObject()
        let expected = #"""
            {"id":"x\"y","created":17,"big":-9223372036854775808,"half":0.5,"n":1,"done":true,"extra":{"a":[null,1]},
            "na\nme0":0,"na\nme1":1,"na\nme":"s","na\nmef":1.5,"na\nmeb":false,"na\nmej":null,
            "list":[{},"é",-1,null,false,null,[1,2],[],[]],"na\nmen":null}
            """#
        #expect(String(decoding: writer.bytes, as: UTF8.self) == expected.split(separator: "\n").joined())
        _ = try JSON.parse(writer.bytes)
    }

    @Test("appends to what is there")
    func appending() {
        var bytes = Array("data: ".utf8)
        JSONWriter.append(to: &bytes) { writer in
            writer.beginArray()
            writer.value(1)
            writer.endArray()
        }
        (["a": nil] as JSON).write(into: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == #"data: [1]{"a":null}"#)
    }

    @Test("a built tree deeper than any parsed one is written and compared without recursion")
    func deepTree() {
        // Freeing is recursive in the language itself; this depth is safe for it on any thread's stack.
        var (value, twin): (JSON, JSON) = (.null, .null)
        for _ in 0..<2000 {
            value = ["a": [value]]
            twin = ["a": [twin]]
        }
        let bytes = value.bytes()
        #expect(bytes.count == 2000 * 8 + 4)
        #expect(value == twin)
        #expect(value != ["a": [twin]])
    }

    @Test("kinds have names for messages")
    func kindNames() {
        let values: [JSON] = [nil, true, 1, "x", [], [:]]
        #expect(
            values.map(\.kindName) == ["null", "a Boolean", "a number", "a string", "an array", "an object"])
        #expect(values.map(\.isNull) == [true, false, false, false, false, false])
        #expect(values.compactMap(\.bool) == [true])
        #expect(values.compactMap(\.array) == [[]])
        #expect(values.compactMap(\.object) == [JSONObject()])
        #expect((1.5 as JSON).double == 1.5)
    }
}
