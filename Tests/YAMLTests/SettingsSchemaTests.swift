import Foundation
import PolluxCore
import PolluxYAML
import Testing

@Suite("Documentation made from the readers")
struct SettingsSchemaTests {
    private let schema = SettingsSchema.record(SampleSettings.self)

    @Test("the reference table")
    func table() throws {
        try compare(schema.markdownTable(), with: "schema.md")
    }

    @Test("the example file")
    func example() throws {
        try compare(schema.exampleYAML(), with: "schema.example.txt")
    }

    @Test("the example file decodes as it is and with every key brought in", arguments: [false, true], [false, true])
    func exampleDecodes(isCommentedOut: Bool, isBroughtIn: Bool) {
        var text = schema.exampleYAML(commentedOut: isCommentedOut)
        if isBroughtIn {
            text = text.split(separator: "\n").map { $0.replacing(/^( *)#([^ ])/) { "\($0.1)\($0.2)" } + "\n" }.joined()
        }
        let environment = ["ADMIN_KEY": "a-real-admin-key", "API_KEY": "a-real-key", "GEMINI_API_KEY": "another"]
        let issues = SettingsIssues()
        let node = YAMLReader.parse(Array(text.utf8), file: "example", issues: issues)
        let expansion = SettingsExpansion(environment: environment) { _ in "" }
        var map = SettingsMap(expansion.expand(node, issues: issues), issues: issues)
        let settings = SampleSettings(reading: &map)
        #expect(issues.sorted.map(\.description) == [])
        #expect(settings.keys.count == (isBroughtIn ? 1 : 0))
        #expect(settings.adminKey == (isBroughtIn ? Secret("a-real-admin-key") : nil))
        #expect(settings.server.headerTimeout == .seconds(10))
    }

    @Test("text is written so that it reads back")
    func quoting() throws {
        let texts = [
            "plain", "60/1m", "", "a b", "true", "null", "1.5", "12", "-x", "*", "#x", "a: b", "a#b", "\"q\"", "\\",
            "$HOME ${X}", "line\nbreak\ttab\u{1B}", "é…", "'", "{}", "~", "@x", "0x10", "yes", ".5", "inf",
        ]
        for text in texts {
            let schema = SettingsSchema.record { map in _ = map.string("key", default: text, help: "") }
            let issues = SettingsIssues()
            let node = YAMLReader.parse(Array(schema.exampleYAML().utf8), file: "x", issues: issues)
            let expanded = SettingsExpansion(environment: [:]) { _ in "" }.expand(node, issues: issues)
            var map = SettingsMap(expanded, issues: issues)
            #expect(map.string("key", default: "not read", help: "") == text)
            #expect(issues.sorted.isEmpty)
        }
    }

    private func compare(_ text: String, with file: String) throws {
        let golden = Fixture.folder.appending(path: file)
        if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == "1" { try Data(text.utf8).write(to: golden) }
        #expect(text == String(decoding: try Data(contentsOf: golden), as: UTF8.self))
    }
}
