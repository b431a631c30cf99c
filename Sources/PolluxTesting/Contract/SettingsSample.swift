public import PolluxCore

extension SettingsNode {
    /// Settings as a test writes them down: an object of JSON in place of a file, every member on a line of its own.
    ///
    ///     SettingsNode(json: ["base_url": "https://api.acme.example", "api_keys": ["k-0123456789"]])
    public init(json: JSON) {
        var line = 0
        self = Self.make(json, line: &line)
    }

    private static func make(_ json: JSON, line: inout Int) -> SettingsNode {
        let here = SettingsPosition(file: "settings.yaml", line: max(line, 1), column: 1)
        switch json {
        case .null: return SettingsNode(.absent, at: here)
        case .bool(let value): return SettingsNode(.scalar(SettingsScalar(value ? "true" : "false")), at: here)
        case .number(let number): return SettingsNode(.scalar(SettingsScalar(number.text)), at: here)
        case .string(let text): return SettingsNode(.scalar(SettingsScalar(text, isQuoted: text.isEmpty)), at: here)
        case .array(let elements):
            let nodes = elements.map { make($0, line: &line) }
            return SettingsNode(.sequence(nodes), at: here)
        case .object(let object):
            let entries = object.members.map { key, value in
                line += 1
                let place = SettingsPosition(file: "settings.yaml", line: line, column: 1)
                return SettingsEntry(key: key, at: place, value: make(value, line: &line))
            }
            return SettingsNode(.mapping(entries), at: here)
        }
    }
}
