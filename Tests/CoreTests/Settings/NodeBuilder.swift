import PolluxCore

/// Makes nodes without a file: entries stand on lines of their own, values at column 10.
enum Nodes {
    static func place(_ line: Int, _ column: Int = 1) -> SettingsPosition {
        SettingsPosition(file: "test.yaml", line: line, column: column)
    }

    static func text(_ text: String, quoted: Bool = false, from template: String? = nil) -> SettingsNode {
        SettingsNode(.scalar(SettingsScalar(text, isQuoted: quoted, template: template)), at: place(1, 10))
    }

    static func list(_ texts: [String]) -> SettingsNode {
        SettingsNode(.sequence(texts.map { text($0) }), at: place(1, 10))
    }

    static func mapping(_ entries: KeyValuePairs<String, SettingsNode>) -> SettingsNode {
        let entries = entries.enumerated().map { index, entry in
            var value = entry.value
            value.position.line = index + 1
            return SettingsEntry(key: entry.key, at: place(index + 1), value: value)
        }
        return SettingsNode(.mapping(entries), at: place(1))
    }

    /// The value of `key: text` read as a type, with the messages of all issues.
    static func read<Value>(
        _ type: SettingsType<Value>, _ node: SettingsNode, default fallback: Value
    ) -> (value: Value, messages: [String]) {
        var map = SettingsMap(mapping(["key": node]))
        let value = map.value("key", type, default: fallback, help: "")
        return (value, map.issues.sorted.map(\.message))
    }
}
