import PolluxCore
import PolluxYAML
import PolluxTesting
import Testing

@Suite("YAML to nodes")
struct YAMLReaderTests {
    private func parse(_ text: String) throws -> SettingsNode {
        try YAMLReader.parse(Array(text.utf8), file: "f")
    }

    @Test(
        "an empty file is an empty mapping",
        arguments: ["", "\n", "# nothing\n", "---\n", "---\n...\n", "~", "\u{FEFF}"])
    func empty(_ text: String) throws {
        #expect(try parse(text).content == .mapping([]))
    }

    @Test("keys and values know their line and column, in characters")
    func positions() throws {
        let root = try parse("\u{FEFF}é: {a: 1, b: [x, \"y\"]}\n\nlong:\n  - |\n    text\n")
        let entries = try #require(root.entries)
        #expect(entries.map(\.key) == ["é", "long"])
        #expect(entries.map(\.position.description) == ["f:1:1", "f:3:1"])

        let inner = try #require(entries[0].value.entries)
        #expect(inner.map(\.position.description) == ["f:1:5", "f:1:11"])
        #expect(inner[0].value.position.description == "f:1:8")
        #expect(inner[1].value.elements?.map(\.position.description) == ["f:1:15", "f:1:18"])
        #expect(entries[1].value.elements?.map(\.content) == [.scalar(SettingsScalar("text\n", isQuoted: true))])
    }

    @Test("plain and quoted text differ, and only plain text is null")
    func quotes() throws {
        let entries = try #require(try parse("a: 1\nb: '1'\nc: ~\nd: \"~\"\ne:\nf: ''\ng: NULL\n").entries)
        #expect(
            entries.map(\.value.content) == [
                .scalar(SettingsScalar("1")), .scalar(SettingsScalar("1", isQuoted: true)), .absent,
                .scalar(SettingsScalar("~", isQuoted: true)), .absent, .scalar(SettingsScalar("", isQuoted: true)),
                .absent,
            ])
    }

    @Test("32 levels are read, 33 are refused")
    func depth() throws {
        _ = try parse(String(repeating: "[", count: 32) + String(repeating: "]", count: 32))
        #expect(throws: SettingsError.self) {
            try parse(String(repeating: "[", count: 33) + String(repeating: "]", count: 33))
        }
        #expect(throws: SettingsError.self) { try parse(String(repeating: "[", count: 500_000)) }
        #expect(throws: SettingsError.self) { try parse(String(repeating: "- ", count: 500_000)) }
    }

    @Test("1 MiB is read, more is refused")
    func size() throws {
        let comment = "#" + String(repeating: "x", count: YAMLReader.largestFile - 1)
        #expect(try parse(comment).content == .mapping([]))
        let error = #expect(throws: SettingsError.self) { try parse(comment + "x") }
        #expect(error?.issues.first?.message == "the file has 1048577 bytes; at most 1048576 are read")
    }

    @Test("aliases cannot unfold a small file into a large one")
    func aliases() {
        let bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n"
        let error = #expect(throws: SettingsError.self) { try parse(bomb) }
        #expect(error?.issues.count == 7)
    }

    @Test("a broken settings file is reported, never a trap, and no report shows a hidden value", arguments: 0..<300)
    func broken(seed: Int) throws {
        var random = SeededRandom(seed: seed)
        let name = Fixture.names[seed % Fixture.names.count]
        var bytes = try Fixture.bytes("\(name).yaml")
        for _ in 0..<Int.random(in: 1...6, using: &random) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes.remove(at: place)
            case 2: bytes.insert("{}[]:#&*!|>'\"%@`,?-\n\t $".utf8.randomElement(using: &random) ?? 0, at: place)
            default: bytes.removeSubrange(place..<min(bytes.count, place + 8))
            }
        }
        let lines = bytes.count { $0 == UInt8(ascii: "\n") } + 2
        let (_, issues) = Fixture.decode(bytes)
        for issue in issues {
            #expect((1...lines).contains(issue.position.line))
            #expect(issue.position.column >= 1)
            #expect(!issue.message.contains("hunter2"))
            #expect(!issue.message.contains("off-the-env"))
        }
    }
}

extension SettingsNode {
    fileprivate var entries: [SettingsEntry]? {
        if case .mapping(let entries) = content { entries } else { nil }
    }

    fileprivate var elements: [SettingsNode]? {
        if case .sequence(let nodes) = content { nodes } else { nil }
    }
}
