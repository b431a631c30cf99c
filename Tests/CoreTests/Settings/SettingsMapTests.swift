import PolluxCore
import Testing

@Suite("Reading a mapping")
struct SettingsMapTests {
    @Test("an absent section has its defaults, and its required keys are missing at the parent")
    func absentSection() {
        struct Nested: SettingsReadable {
            let size: Int
            let name: String
            init(reading map: inout SettingsMap) {
                size = map.size("size", default: 7, help: "")
                name = map.requireString("name", example: "a", help: "")
            }
        }
        var map = SettingsMap(Nodes.mapping([:]))
        let nested = map.map("nested", as: Nested.self, help: "")
        #expect(nested.size == 7 && nested.name == "a")
        #expect(
            map.issues.sorted.map(\.description)
                == ["test.yaml:1:1: error: nested.name: missing; add this key, for example name: a"])

        var other = SettingsMap(Nodes.mapping([:]))
        #expect(other.optionalMap("nested", as: Nested.self, help: "") == nil)
        #expect(other.issues.sorted.isEmpty)
    }

    @Test("two mappings say the same when their values do, wherever they stand and in whatever order")
    func sameWords() {
        let text = Nodes.text("1s")
        var moved = text
        moved.position.line = 99
        let one = SettingsMap(Nodes.mapping(["a": text, "b": Nodes.list(["x", "y"])]))
        #expect(one.says(theSameAs: SettingsMap(Nodes.mapping(["b": Nodes.list(["x", "y"]), "a": moved]))))
        let others = [
            Nodes.mapping(["a": text]), Nodes.mapping(["a": text, "b": Nodes.list(["y", "x"])]),
            Nodes.mapping(["a": Nodes.text("1s", quoted: true), "b": Nodes.list(["x", "y"])]),
            Nodes.mapping(["a": text, "c": Nodes.list(["x", "y"])]),
            Nodes.mapping(["a": Nodes.mapping(["a": text]), "b": Nodes.list(["x", "y"])]),
        ]
        for other in others { #expect(!one.says(theSameAs: SettingsMap(other))) }
        #expect(one.says(theSameAs: SettingsMap(others[1]), besides: ["b"]))
    }

    @Test("a reader that forgets to refuse unread keys is helped out")
    func forgotten() {
        struct Careless: SettingsReadable {
            init(reading map: inout SettingsMap) { _ = map.boolean("known", default: true, help: "") }
        }
        var map = SettingsMap(Nodes.mapping(["nested": Nodes.mapping(["knwon": Nodes.text("true")])]))
        _ = map.map("nested", as: Careless.self, help: "")
        #expect(map.issues.sorted.map(\.message) == [#"unknown key; did you mean "known"?"#])
    }

    @Test("a kind shares its entry with the keys that somebody else reads")
    func sharedEntry() throws {
        let node = Nodes.mapping(["name": Nodes.text("a"), "kind": Nodes.text("b"), "nme": Nodes.text("c")])
        var map = SettingsMap(node, path: "providers[0]", alreadyRead: ["name", "kind"])
        _ = NoSettings(reading: &map)
        let error = #expect(throws: SettingsError.self) { try map.throwIssues() }
        #expect(
            error?.description == """
                test.yaml:3:1: error: providers[0].nme: unknown key; did you mean "name"?
                1 error; nothing was started.
                """)
    }

    @Test("entries can be looked at first and read to the end later")
    func laterEntries() {
        let entry = Nodes.mapping(["kind": Nodes.text("b"), "size": Nodes.text("1")])
        let node = Nodes.mapping(["providers": SettingsNode(.sequence([entry]), at: Nodes.place(1))])
        var map = SettingsMap(node)
        var entries = map.maps("providers", help: "")
        #expect(entries[0].string("kind", default: "", help: "") == "b")
        #expect(entries[0].integer("size", default: 0, help: "") == 1)
        entries[0].refuseUnreadKeys()
        map.refuseUnreadKeys()
        #expect(map.issues.sorted.isEmpty)
    }

    @Test("optional keys are nil when they are left out, empty or null")
    func optionals() {
        let absent = SettingsNode(.absent, at: Nodes.place(1))
        var map = SettingsMap(Nodes.mapping(["a": Nodes.text(""), "b": absent, "d": Nodes.text("5s")]))
        #expect(map.optionalURL("a", help: "") == nil)
        #expect(map.optionalInteger("b", help: "") == nil)
        #expect(map.optionalString("c", help: "") == nil)
        #expect(map.optionalDuration("d", help: "") == .seconds(5))
        #expect(map.issues.sorted.isEmpty)
    }

    @Test("an empty list where one entry is needed is an error, a bad one is reported once")
    func requiredLists() {
        struct Entry: SettingsReadable { init(reading map: inout SettingsMap) {} }
        let empty = SettingsNode(.sequence([]), at: Nodes.place(1, 10))
        var map = SettingsMap(
            Nodes.mapping(["a": empty, "b": Nodes.text("x"), "c": empty, "d": Nodes.list([""])]))
        _ = map.requireList("a", of: Entry.self, help: "")
        _ = map.requireList("b", of: Entry.self, help: "")
        _ = map.requireSecretList("c", example: "${C}", help: "")
        _ = map.requireSecretList("d", example: "${D}", help: "")
        #expect(
            map.issues.sorted.map { "\($0.position.line) \($0.path): \($0.message)" } == [
                "1 a: the list is empty; write at least one entry, beginning with \"- \"",
                "1 d[0]: the secret is empty; write a value, ${NAME} or ${file:/path}",
                "2 b: expected a list (entries that begin with \"- \"), found text",
                "3 c: the list is empty; write at least one, such as [\"${C}\"]",
            ])
    }

    @Test("warnings alone do not stop a start")
    func warnings() throws {
        var map = SettingsMap(Nodes.mapping([:]))
        map.issue("clients are let in without a key", severity: .warning)
        try map.throwIssues()
        #expect(SettingsError.summary(of: map.issues.sorted) == "1 warning.")
        map.issue("bad")
        map.issue("bad")
        #expect(
            SettingsError.summary(of: map.issues.sorted, consequence: "the running settings stay as they are")
                == "2 errors, 1 warning; the running settings stay as they are.")
    }

    @Test("a duplicate key is reported with both lines, and the first counts")
    func duplicates() {
        let issues = SettingsIssues()
        let entries = [("a", 1), ("b", 2), ("a", 3)].map { key, line in
            SettingsEntry(key: key, at: Nodes.place(line), value: Nodes.text("\(line)"))
        }
        let node = SettingsNode.mapping(entries, at: Nodes.place(1), path: "x", issues: issues)
        var map = SettingsMap(node, path: "x", issues: issues)
        #expect(map.integer("a", default: 0, help: "") == 1)
        #expect(
            issues.sorted.map(\.description)
                == ["test.yaml:3:1: error: x.a: duplicate key: it stands on line 1 and on line 3; keep one"])
    }
}
