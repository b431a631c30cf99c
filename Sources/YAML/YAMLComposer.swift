import PolluxCore

/// Builds nodes from events and refuses what settings files may not use.
struct YAMLComposer: ~Copyable {
    private var events: YAMLEvents
    private let start: SettingsPosition
    private let issues: SettingsIssues

    init(_ events: consuming YAMLEvents, start: SettingsPosition, issues: SettingsIssues) {
        self.events = events
        self.start = start
        self.issues = issues
    }

    /// The one document of the file; `unusable` after an error that ends the reading.
    mutating func document() -> SettingsNode {
        do throws(YAMLFailure) {
            return try wholeFile()
        } catch {
            issues.report(.error, at: error.position, path: error.path, error.message)
            return SettingsNode(.unusable, at: start)
        }
    }

    private mutating func wholeFile() throws(YAMLFailure) -> SettingsNode {
        var root = SettingsNode(.mapping([]), at: start)
        var documents = 0
        while true {
            let event = try events.next()
            switch event.kind {
            case .end: return root
            case .documentStart:
                documents += 1
                if documents > 1 {
                    throw YAMLFailure("a second document begins here; one file holds one document", event.position)
                }
                let node = try node(try events.next(), path: "", depth: 1)
                if case .absent = node.content { continue }
                root = node
            default: continue
            }
        }
    }

    private mutating func node(_ event: YAMLEvent, path: String, depth: Int) throws(YAMLFailure) -> SettingsNode {
        refuseProperties(of: event, path: path)
        switch event.kind {
        case .scalar(let scalar):
            return SettingsNode(scalar.isNull ? .absent : .scalar(scalar), at: event.position)
        case .mappingStart:
            try checkDepth(depth, event)
            return try mapping(from: event, path: path, depth: depth)
        case .sequenceStart:
            try checkDepth(depth, event)
            return try sequence(from: event, path: path, depth: depth)
        case .alias:
            report("aliases (*name) are not read here; write the value out", event, path)
            return SettingsNode(.unusable, at: event.position)
        case .end, .documentStart, .closing:
            throw YAMLFailure("a value is missing", event.position, path: path)
        }
    }

    private mutating func mapping(
        from start: YAMLEvent, path: String, depth: Int
    ) throws(YAMLFailure) -> SettingsNode {
        var entries: [SettingsEntry] = []
        while true {
            let keyEvent = try events.next()
            if case .closing = keyEvent.kind { break }
            let key = try key(keyEvent, path: path, depth: depth)
            let valuePath = key.map { path.appending(settingsKey: $0) } ?? path
            let value = try node(try events.next(), path: valuePath, depth: depth + 1)
            if let key { entries.append(SettingsEntry(key: key, at: keyEvent.position, value: value)) }
        }
        return .mapping(entries, at: start.position, path: path, issues: issues)
    }

    private mutating func sequence(
        from start: YAMLEvent, path: String, depth: Int
    ) throws(YAMLFailure) -> SettingsNode {
        var nodes: [SettingsNode] = []
        while true {
            let event = try events.next()
            if case .closing = event.kind { break }
            nodes.append(try node(event, path: path.appending(settingsIndex: nodes.count), depth: depth + 1))
        }
        return SettingsNode(.sequence(nodes), at: start.position)
    }

    /// The key's text, or nil after a problem; whatever stands in the key's place is consumed.
    private mutating func key(_ event: YAMLEvent, path: String, depth: Int) throws(YAMLFailure) -> String? {
        guard case .scalar(let scalar) = event.kind else {
            report("a key must be text, not a mapping, a list or an alias", event, path)
            if case .alias = event.kind { return nil }
            _ = try node(event, path: path, depth: depth + 1)
            return nil
        }
        refuseProperties(of: event, path: path)
        if !scalar.isQuoted, scalar.text == "<<" {
            report("merge keys (<<) are not read here; write the keys out", event, path)
            return nil
        }
        if scalar.text.isEmpty {
            report("a key is empty; write a name in front of the colon", event, path)
            return nil
        }
        return scalar.text
    }

    private func refuseProperties(of event: YAMLEvent, path: String) {
        if event.hasAnchor { report("anchors (&name) are not read here; write the value out", event, path) }
        if event.hasTag { report("tags (!name) are not read here; remove it", event, path) }
    }

    private func checkDepth(_ depth: Int, _ event: YAMLEvent) throws(YAMLFailure) {
        guard depth > YAMLReader.deepestLevel else { return }
        throw YAMLFailure(
            "mappings and lists may be nested \(YAMLReader.deepestLevel) levels deep; this is one more",
            event.position)
    }

    private func report(_ message: String, _ event: YAMLEvent, _ path: String) {
        issues.report(.error, at: event.position, path: path, message)
    }
}

/// A fault after which the rest of the file cannot be read.
struct YAMLFailure: Error {
    let message: String
    let position: SettingsPosition
    let path: String

    init(_ message: String, _ position: SettingsPosition, path: String = "") {
        (self.message, self.position, self.path) = (message, position, path)
    }
}

extension SettingsScalar {
    /// How YAML 1.2's core schema writes "nothing".
    fileprivate var isNull: Bool {
        !isQuoted && ["", "~", "null", "Null", "NULL"].contains(text)
    }
}
