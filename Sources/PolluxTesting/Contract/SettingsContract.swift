internal import PolluxCore

/// What the settings of every kind must do, whatever they are for.
struct SettingsContract {
    /// Reads the kind's keys, as its plugin does.
    let read: (inout SettingsMap) -> Void
    let schema: SettingsSchema
    /// Settings that are right.
    let sample: JSON
    /// Keys that every entry of this sort has beside the kind's own.
    let commonKeys: Set<String>
    let report: ContractReport

    private static let rule = "settings"
    static let path = "entry"

    func check() {
        for issue in issues(of: sample) {
            report.add(Self.rule, "the sample settings are refused: \(issue)")
        }
        for key in schema.keys { check(key) }
        checkUnknownKey()
    }

    /// The texts in the sample that its kind treats as secret.
    var secrets: [String] {
        schema.keys.filter(\.isSecret).flatMap { key in sample[key.key].map(Self.texts) ?? [] }
    }

    private func check(_ key: SettingsKey) {
        report.require(!key.help.isEmpty, Self.rule, "the key \(key.key) has no help text; the settings page needs one")
        report.require(
            !commonKeys.contains(key.key), Self.rule, "the key \(key.key) belongs to the gateway; choose another name")
        report.require(
            key.key.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F },
            Self.rule, "the key \(key.key) is not in snake_case")
        if key.isRequired { checkMissing(key) }
        guard key.shape == .value else { return }
        checkWrongShape(key)
        if !key.choices.isEmpty { checkUnknownChoice(key) }
        if let text = key.defaultText { checkDefault(key, text) }
    }

    private func checkMissing(_ key: SettingsKey) {
        let found = issues(of: sample.setting(key.key, to: nil))
        report.require(
            found.contains { $0.path == "\(Self.path).\(key.key)" && $0.severity == .error }, Self.rule,
            "without the required key \(key.key) nothing is reported at its path")
    }

    /// A mapping where a plain value belongs. Its text stands for a secret that slipped one line down.
    private func checkWrongShape(_ key: SettingsKey) {
        let canary = "canary-4f2b81c7"
        let found = issues(
            of: sample.setting(key.key, to: ["nested": .object(JSONObject([(canary, .string(canary))]))]))
        guard !key.typeName.contains("map") else { return }
        report.require(
            found.contains { $0.path.hasPrefix("\(Self.path).\(key.key)") && $0.severity == .error }, Self.rule,
            "a mapping as value of \(key.key) is not reported at its path")
        guard key.isSecret else { return }
        for text in secrets {
            let shown = issues(of: sample.setting(key.key, to: ["nested": .string(text)])).map(\.description)
            report.require(!shown.joined().contains(text), Self.rule, "a problem with \(key.key) shows the secret")
        }
    }

    private func checkUnknownChoice(_ key: SettingsKey) {
        let found = issues(of: sample.setting(key.key, to: "no-such-choice"))
        report.require(
            found.contains { $0.path.hasPrefix("\(Self.path).\(key.key)") }, Self.rule,
            "a value that \(key.key) does not offer is not reported at its path")
    }

    /// Only defaults of one plain word: others would need a parser of the file's own format.
    private func checkDefault(_ key: SettingsKey, _ text: String) {
        let isWord = !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && !"\"'[]{},#&*!|>%@`".utf8.contains($0) }
        guard isWord else { return }
        let found = issues(of: sample.setting(key.key, to: .string(text)))
        for issue in found where issue.path.hasPrefix("\(Self.path).\(key.key)") {
            report.add(Self.rule, "the default of \(key.key) is refused when it is written down: \(issue)")
        }
    }

    private func checkUnknownKey() {
        let found = issues(of: sample.setting("zz_no_such_key", to: "x"))
        report.require(
            found.contains { $0.path == "\(Self.path).zz_no_such_key" && $0.severity == .error }, Self.rule,
            "an unknown key is not reported at its path")
    }

    private func issues(of settings: JSON) -> [SettingsIssue] {
        var map = SettingsMap(SettingsNode(json: settings), path: Self.path)
        read(&map)
        // The owner of the entry does this too, after the keys that every entry has.
        map.refuseUnreadKeys()
        return map.issues.sorted
    }

    private static func texts(_ json: JSON) -> [String] {
        switch json {
        case .string(let text): [text]
        case .array(let elements): elements.flatMap(texts)
        case .object(let object): object.members.flatMap { texts($0.value) }
        case .null, .bool, .number: []
        }
    }
}

extension JSON {
    /// The same object with one member replaced, added or (nil) taken out.
    func setting(_ key: String, to value: JSON?) -> JSON {
        var object = object ?? JSONObject()
        object[key] = value
        return .object(object)
    }
}
