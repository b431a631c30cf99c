/// Settings as JSON and back: what a program changes about a file, and what it is shown.
extension SettingsNode {
    /// - Parameter json: Texts count as quoted, so that `"5"` is no number; `null` says nothing.
    public init(_ json: JSON, at position: SettingsPosition) {
        self.init(Self.content(of: json, at: position), at: position)
    }

    private static func content(of json: JSON, at position: SettingsPosition) -> Content {
        switch json {
        case .null: .absent
        case .bool(let value): .scalar(SettingsScalar(value ? "true" : "false"))
        case .number(let number): .scalar(SettingsScalar(number.text))
        case .string(let text): .scalar(SettingsScalar(text, isQuoted: true))
        case .array(let elements): .sequence(elements.map { SettingsNode($0, at: position) })
        case .object(let object):
            .mapping(
                object.map { SettingsEntry(key: $0.key, at: position, value: SettingsNode($0.value, at: position)) })
        }
    }

    /// The node with a merge patch over it (RFC 7396): mappings are merged, everything else is replaced, `null` takes a
    /// key away. What the patch does not name keeps its place in the file.
    ///
    /// - Parameter position: Where problems with what the patch brings are said to be.
    public func merging(_ patch: JSON, at position: SettingsPosition) -> SettingsNode {
        guard case .object(let changes) = patch else { return SettingsNode(patch, at: position) }
        var entries: [SettingsEntry] = []
        if case .mapping(let known) = content { entries = known }
        var places = Dictionary(
            entries.enumerated().map { ($0.element.key, $0.offset) }, uniquingKeysWith: { first, _ in first })
        for (key, change) in changes {
            if let place = places[key] {
                entries[place].value = entries[place].value.merging(change, at: position)
                if change.isNull { entries[place].value.content = .absent }
            } else if !change.isNull {
                places[key] = entries.count
                let empty = SettingsNode(.absent, at: position)
                entries.append(SettingsEntry(key: key, at: position, value: empty.merging(change, at: position)))
            }
        }
        let removed = Set(changes.filter { $0.value.isNull }.map(\.key))
        let place = if case .mapping = content { self.position } else { position }
        return SettingsNode(.mapping(entries.filter { !removed.contains($0.key) }), at: place)
    }

    /// As JSON: plain words of YAML get their types back, references such as `${NAME}` stay as they are written.
    public var json: JSON {
        switch content {
        case .absent, .unusable: return .null
        case .scalar(let scalar): return scalar.json
        case .sequence(let nodes): return .array(nodes.map(\.json))
        case .mapping(let entries): return .object(JSONObject(entries.map { ($0.key, $0.value.json) }))
        }
    }
}

extension SettingsScalar {
    var json: JSON {
        let written = template ?? text
        guard !isQuoted else { return .string(written) }
        switch written {
        case "true": return true
        case "false": return false
        default:
            if let number = Int(written), String(number) == written { return .number(JSONNumber(number)) }
            if let number = Double(written), String(number) == written { return .number(JSONNumber(number)) }
            return .string(written)
        }
    }
}

extension JSON {
    /// This patch and then another one, as one patch: applying it does what applying both in turn does (RFC 7396).
    ///
    /// - Parameter target: What they are applied to. A patch cannot say "replace this object", so where it must, the
    ///   members that stand there are taken away one by one.
    public func followed(by next: JSON, over target: JSON?) -> JSON {
        guard case .object(let second) = next else { return next }
        guard case .object(var first) = self else { return JSON.replacing(target, with: second) }
        for (key, change) in second {
            first[key] = first[key].map { $0.followed(by: change, over: target?[key]) } ?? change
        }
        return .object(first)
    }

    /// A patch that leaves nothing of what stood there.
    private static func replacing(_ target: JSON?, with patch: JSONObject) -> JSON {
        var result = patch
        for (key, known) in target?.object ?? JSONObject() {
            guard let change = patch[key] else {
                result[key] = .null
                continue
            }
            if case .object(let inner) = change { result[key] = replacing(known, with: inner) }
        }
        return .object(result)
    }
}
