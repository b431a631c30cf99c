/// Mappings and lists of mappings below a key.
extension SettingsMap {
    /// A nested mapping. Without it in the file, its own defaults apply and its required keys are missing.
    public mutating func map<Nested: SettingsReadable>(_ key: String, as type: Nested.Type, help: String) -> Nested {
        map(key, help: help) { Nested(reading: &$0) }
    }

    public mutating func map<Nested>(_ key: String, help: String, read: (inout SettingsMap) -> Nested) -> Nested {
        var child = child(key)
        let nested = read(&child)
        child.refuseUnreadKeys()
        declare(SettingsKey(key, .mapping, keys: child.declared, isRequired: true, help: help))
        return nested
    }

    /// A nested mapping that is not used when it is left out.
    public mutating func optionalMap<Nested: SettingsReadable>(
        _ key: String, as type: Nested.Type, help: String
    ) -> Nested? {
        var child = child(key)
        let isWritten = contains(key)
        let nested = isWritten || isRecording ? Nested(reading: &child) : nil
        child.refuseUnreadKeys()
        declare(SettingsKey(key, .mapping, keys: child.declared, isRequired: false, help: help))
        return isWritten ? nested : nil
    }

    /// One mapping, or a list of several; empty when it is left out.
    public mutating func mapOrList<Element>(
        _ key: String, help: String, each read: (inout SettingsMap) -> Element
    ) -> [Element] {
        var isList = false
        if case .sequence? = entry(key)?.value.content { isList = true }
        let readers = isList ? elements(of: key) : [child(key)]
        var keys: [SettingsKey] = []
        let values = readers.map { reader in
            var reader = reader
            let value = read(&reader)
            reader.refuseUnreadKeys()
            if keys.isEmpty { keys = reader.declared }
            return value
        }
        declare(SettingsKey(key, .mapping, keys: keys, isRequired: false, help: help))
        return contains(key) || isRecording ? values : []
    }

    /// A list of mappings, empty when it is left out.
    public mutating func list<Element: SettingsReadable>(
        _ key: String, of type: Element.Type, help: String
    ) -> [Element] {
        list(key, help: help) { Element(reading: &$0) }
    }

    public mutating func list<Element>(
        _ key: String, help: String, each read: (inout SettingsMap) -> Element
    ) -> [Element] {
        readList(key, isRequired: false, help: help, each: read)
    }

    /// A list of mappings that must hold at least one.
    public mutating func requireList<Element: SettingsReadable>(
        _ key: String, of type: Element.Type, help: String
    ) -> [Element] {
        let elements = readList(key, isRequired: true, help: help) { Element(reading: &$0) }
        switch node(key).content {
        case .absent, .sequence([]):
            reportMissing(key, "the list is empty; write at least one entry, beginning with \"- \"")
        case .sequence, .mapping, .scalar, .unusable: break
        }
        return elements
    }

    /// The entries of a list of mappings, for a caller that must see the first keys of an entry to know the others.
    ///
    /// - Returns: Readers whose unread keys nobody refuses unless the caller does (`refuseUnreadKeys`).
    public mutating func maps(_ key: String, help: String) -> [SettingsMap] {
        declare(SettingsKey(key, .listOfMappings, keys: [], isRequired: false, help: help))
        return isRecording ? [] : elements(of: key)
    }

    /// The value as it stands, `absent` when there is none.
    public mutating func node(_ key: String, help: String) -> SettingsNode {
        declare(SettingsKey(key, .raw, keys: [], isRequired: false, help: help))
        return node(key)
    }

    private func node(_ key: String) -> SettingsNode {
        entry(key)?.value ?? SettingsNode(.absent, at: position)
    }

    private mutating func readList<Element>(
        _ key: String, isRequired: Bool, help: String, each read: (inout SettingsMap) -> Element
    ) -> [Element] {
        var keys: [SettingsKey] = []
        let values = elements(of: key).map { element in
            var element = element
            let value = read(&element)
            element.refuseUnreadKeys()
            if keys.isEmpty { keys = element.declared }
            return value
        }
        declare(SettingsKey(key, .listOfMappings, keys: keys, isRequired: isRequired, help: help))
        return values
    }

    /// One reader per element; one stand-in element while recording.
    private func elements(of key: String) -> [SettingsMap] {
        let listPath = path.appending(settingsKey: key)
        if isRecording { return [.recording(path: listPath.appending(settingsIndex: 0))] }
        guard let node = entry(key)?.value else { return [] }
        switch node.content {
        case .sequence(let nodes):
            return nodes.enumerated().map { index, element in
                SettingsMap(element, path: listPath.appending(settingsIndex: index), issues: issues)
            }
        case .absent, .unusable:
            return []
        case .scalar, .mapping:
            site(of: key).report(node, expected: "a list (entries that begin with \"- \")")
            return []
        }
    }
}
