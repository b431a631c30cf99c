import PolluxCore
import PolluxTesting
import Testing

@Suite("A merge patch over settings (RFC 7396)")
struct SettingsPatchTests {
    private let place = SettingsPosition(file: "patch", line: 1, column: 1)

    private func json(_ text: String) throws -> JSON { try JSON.parse(Array(text.utf8)) }

    @Test(
        "it does what the RFC's own examples say",
        arguments: [
            (#"{"a":"b"}"#, #"{"a":"c"}"#, #"{"a":"c"}"#), (#"{"a":"b"}"#, #"{"b":"c"}"#, #"{"a":"b","b":"c"}"#),
            (#"{"a":"b"}"#, #"{"a":null}"#, "{}"), (#"{"a":"b","b":"c"}"#, #"{"a":null}"#, #"{"b":"c"}"#),
            (#"{"a":["b"]}"#, #"{"a":"c"}"#, #"{"a":"c"}"#), (#"{"a":"c"}"#, #"{"a":["b"]}"#, #"{"a":["b"]}"#),
            (#"{"a":{"b":"c"}}"#, #"{"a":{"b":"d","c":null}}"#, #"{"a":{"b":"d"}}"#),
            (#"{"a":[{"b":"c"}]}"#, #"{"a":[1]}"#, #"{"a":[1]}"#), (#"{"a":"foo"}"#, #""bar""#, #""bar""#),
            ("{}", #"{"a":{"bb":{"ccc":null}}}"#, #"{"a":{"bb":{}}}"#),
            (#"["a","b"]"#, #"{"a":"b"}"#, #"{"a":"b"}"#),
        ])
    func examples(target: String, patch: String, result: String) throws {
        let merged = SettingsNode(try json(target), at: place).merging(try json(patch), at: place)
        #expect(merged.json == (try json(result)), "\(merged.json.text)")
    }

    @Test("two patches in turn do what their sum does", arguments: 0..<200)
    func sum(seed: Int) {
        let random = SeededRandom(seed: seed)
        let target = SettingsNode(Self.object(random, depth: 3), at: place)
        let (first, second) = (Self.object(random, depth: 3), Self.object(random, depth: 3))
        let inTurn = target.merging(first, at: place).merging(second, at: place)
        let atOnce = target.merging(first.followed(by: second, over: target.json), at: place)
        #expect(inTurn.json == atOnce.json)
    }

    /// Few keys, so that they meet.
    private static func object(_ random: SeededRandom, depth: Int) -> JSON {
        var object = JSONObject()
        for key in ["a", "b", "c"] where random.below(3) > 0 {
            switch random.below(depth > 0 ? 4 : 3) {
            case 0: object[key] = .null
            case 1: object[key] = .number(JSONNumber(Int(random.below(10))))
            case 2: object[key] = .string("x")
            default: object[key] = Self.object(random, depth: depth - 1)
            }
        }
        return .object(object)
    }

    @Test("what the patch does not touch keeps its place in the file; what it brings names the patch")
    func positions() throws {
        let file = SettingsPosition(file: "settings.yaml", line: 7, column: 3)
        let node = SettingsNode(["retry": ["budget": 0.5], "log": ["level": "info"]], at: file)
        let merged = node.merging(["retry": ["max_retries": 3]], at: place)
        guard case .mapping(let entries) = merged.content, case .mapping(let retry) = entries[0].value.content else {
            return #expect(Bool(false))
        }
        #expect(retry.map(\.value.position.file) == ["settings.yaml", "patch"])
        #expect(entries[1].value.position == file)
    }

    @Test("texts stay texts, and plain words get their types back")
    func types() {
        let texts: JSON = ["a": "5", "b": 5, "c": true, "d": "true", "e": 0.25, "f": [1, "1"], "g": "60/1m"]
        #expect(SettingsNode(texts, at: place).json == texts)
        let plain = SettingsNode(.scalar(SettingsScalar("30s")), at: place)
        #expect(plain.json == "30s")
        let reference = SettingsScalar("the secret", isQuoted: true, template: "${ADMIN_KEY}")
        #expect(SettingsNode(.scalar(reference), at: place).json == "${ADMIN_KEY}")
    }
}
