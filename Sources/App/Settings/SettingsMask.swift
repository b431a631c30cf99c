import PolluxCore

/// Settings for the operator's eyes: secrets that stand in the file read `•••`, references to where they are kept stay.
struct SettingsMask: Sendable {
    static let mask = "•••"

    private let reference: SettingsReference

    init(_ registry: PluginRegistry) { reference = SettingsReference(registry: registry) }

    /// - Parameter written: The settings as JSON, references not replaced.
    func hidingSecrets(in written: JSON) -> JSON {
        guard let object = written.object else { return written }
        let keys = reference.allKeys
        return .object(
            JSONObject(
                object.map { name, value in (name, hide(value, keys.first { $0.key == name }, name, list: name)) }))
    }

    /// - Parameter list: The list at the top of the file whose entry this is: its keys depend on the entry's kind.
    private func hide(_ value: JSON, _ key: SettingsKey?, _ name: String, list: String? = nil) -> JSON {
        switch value {
        case .object(let object):
            let ofKind = list.flatMap { reference.keys(ofEntryBelow: $0, kind: object["kind"]?.string) }
            let keys = ofKind ?? key?.keys ?? []
            return .object(
                JSONObject(object.map { name, value in (name, hide(value, keys.first { $0.key == name }, name)) }))
        case .array(let elements): return .array(elements.map { hide($0, key, name, list: list) })
        case .string(let text):
            let isSecret = isSecret(key, name) && !Self.isReference(text)
            return isSecret || Self.hasUserInfo(text) ? .string(Self.mask) : value
        case .number: return isSecret(key, name) ? .string(Self.mask) : value
        case .null, .bool: return value
        }
    }

    private static let secretWords: Set = ["key", "keys", "secret", "token", "password", "proxy"]

    /// By its declaration; and by its name, for what is read as a plain text and may hold a password all the same.
    private func isSecret(_ key: SettingsKey?, _ name: String) -> Bool {
        if key?.isSecret == true { return true }
        guard key?.choices.isEmpty ?? true else { return false }
        return !Self.secretWords.isDisjoint(with: name.split(separator: "_").map(String.init))
    }

    /// Only a whole reference: in `${A:-text}` or behind other text a secret may stand.
    private static func isReference(_ text: String) -> Bool {
        guard text.hasPrefix("${"), text.hasSuffix("}") else { return text.isEmpty }
        let inside = text.dropFirst(2).dropLast()
        return !inside.contains("}") && (inside.hasPrefix("file:") || !inside.contains(":"))
    }

    /// `http://user:password@host`
    private static func hasUserInfo(_ text: String) -> Bool {
        guard let scheme = text.firstRange(of: "://") else { return false }
        return text[scheme.upperBound...].prefix { $0 != "/" }.contains("@") && !isReference(text)
    }
}

/// Puts back what a mask stands for in a patch.
enum MaskedPatch {
    /// A mask where no secret stood before.
    struct Fault: Error { var path: String }

    /// - Parameter known: The settings that the masked ones were made from.
    static func restoring(_ patch: JSON, from known: JSON?, path: String = "") throws(Fault) -> JSON {
        switch patch {
        case .string(SettingsMask.mask):
            guard let known, known.string != nil || known.int != nil else { throw Fault(path: path) }
            return known
        case .object(let object):
            var restored = JSONObject()
            for (key, value) in object {
                let inside = path.isEmpty ? key : "\(path).\(key)"
                restored[key] = try restoring(value, from: known?[key], path: inside)
            }
            return .object(restored)
        case .array(let elements):
            var restored: [JSON] = []
            for (index, element) in elements.enumerated() {
                let match = counterpart(of: element, at: index, in: known?.array ?? [])
                restored.append(try restoring(element, from: match, path: "\(path)[\(index)]"))
            }
            return .array(restored)
        case .null, .bool, .number, .string: return patch
        }
    }

    /// Entries of lists are known by their names, so that one may be moved or left out; texts by their places.
    private static func counterpart(of element: JSON, at index: Int, in known: [JSON]) -> JSON? {
        for name in ["name", "id"] {
            if let text = element[name]?.string { return known.first { $0[name]?.string == text } }
        }
        return known.indices.contains(index) ? known[index] : nil
    }
}
