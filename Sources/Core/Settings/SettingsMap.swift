/// Reads the keys of one mapping into typed values and reports what does not fit.
///
/// Every accessor takes the key, its default, its range and one line of help, so that these stand in one place:
/// the same call reads the value, checks it and feeds the documentation (`SettingsSchema`).
public struct SettingsMap: Sendable {
    /// Where the mapping begins; for a mapping that is not written at all, where its parent begins.
    public let position: SettingsPosition
    /// The mapping's key path, such as `providers[1]`; empty for the whole file.
    public let path: String
    public let issues: SettingsIssues
    /// What was asked for so far, in order.
    private(set) var declared: [SettingsKey] = []

    private let state: State
    private let entries: [SettingsEntry]
    private var readKeys: Set<String>

    /// A reader over a mapping; nothing (`key:`) counts as an empty one, anything else is reported.
    ///
    /// - Parameter alreadyRead: Keys that somebody else reads, such as `name` and `kind` of a provider entry.
    public init(
        _ node: SettingsNode, path: String = "", issues: SettingsIssues = SettingsIssues(), alreadyRead: [String] = []
    ) {
        position = node.position
        self.path = path
        self.issues = issues
        readKeys = Set(alreadyRead)
        switch node.content {
        case .mapping(let entries): (state, self.entries) = (.reading, entries)
        case .absent: (state, entries) = (.reading, [])
        case .unusable: (state, entries) = (.unusable, [])
        case .scalar, .sequence:
            (state, entries) = (.unusable, [])
            SettingsSite(path: path, issues: issues).report(node, expected: "a mapping (key: value)")
        }
    }

    /// Whether both were written with the same values, some keys aside.
    public func says(theSameAs other: SettingsMap, besides ignored: Set<String> = []) -> Bool {
        SettingsNode.say(
            theSame: entries.filter { !ignored.contains($0.key) },
            other.entries.filter { !ignored.contains($0.key) })
    }

    /// A map without a file behind it that only notes which keys are asked for.
    static func recording(path: String = "") -> SettingsMap {
        SettingsMap(recordingAt: path)
    }

    private init(recordingAt path: String) {
        position = SettingsPosition(file: "", line: 1, column: 1)
        self.path = path
        issues = SettingsIssues()
        (state, entries, readKeys) = (.recording, [], [])
    }

    private enum State: Sendable {
        case reading
        /// The mapping itself was refused: its keys are not called missing as well.
        case unusable
        case recording
    }
}

// MARK: - Any type of value

extension SettingsMap {
    /// The value of a key that may be left out.
    ///
    /// - Returns: The default also when the value was refused.
    public mutating func value<Value>(
        _ key: String, _ type: SettingsType<Value>, default fallback: Value, help: String
    ) -> Value {
        declare(SettingsKey(key, type, default: type.write(fallback), help: help))
        guard let entry = entry(key) else { return fallback }
        return type.read(entry.value, site(of: key)) ?? fallback
    }

    /// The value of a key that means "not used" when it is left out, empty or `""`.
    ///
    /// - Parameter example: A value for the documentation.
    public mutating func optional<Value>(
        _ key: String, _ type: SettingsType<Value>, example: Value? = nil, help: String
    ) -> Value? {
        declare(SettingsKey(key, type, example: example.map(type.write), help: help))
        guard let entry = entry(key), !entry.value.isEmptyText else { return nil }
        return type.read(entry.value, site(of: key))
    }

    /// The value of a key that must be written.
    ///
    /// - Parameter example: For the documentation and the message; also the stand-in after an error.
    public mutating func require<Value>(
        _ key: String, _ type: SettingsType<Value>, example: Value, help: String
    ) -> Value {
        require(key, type, standIn: example, example: type.write(example), help: help)
    }

    mutating func require<Value>(
        _ key: String, _ type: SettingsType<Value>, standIn: Value, example: String, help: String
    ) -> Value {
        declare(SettingsKey(key, type, isRequired: true, example: example, help: help))
        guard let entry = entry(key) else {
            reportMissing(key, "missing; add this key, for example \(key): \(example)")
            return standIn
        }
        if case .absent = entry.value.content {
            reportMissing(key, "no value is given; write one, for example \(key): \(example)")
            return standIn
        }
        return type.read(entry.value, site(of: key)) ?? standIn
    }
}

// MARK: - Reporting

extension SettingsMap {
    public func contains(_ key: String) -> Bool { entry(key) != nil }

    /// Reports a problem with a key's value that its type cannot know of, such as two keys that exclude each other.
    ///
    /// A value that is secret or came from the environment is cut out of the message.
    public func issue(at key: String, _ message: String, severity: SettingsIssue.Severity = .error) {
        let value = entry(key)?.value
        let isSecret = declared.contains { $0.key == key && $0.isSecret }
        let shown = value.map { $0.hidingValues(in: message, isSecret: isSecret) } ?? message
        issues.report(severity, at: value?.position ?? position, path: path.appending(settingsKey: key), shown)
    }

    /// Reports a problem with the mapping as a whole.
    public func issue(_ message: String, severity: SettingsIssue.Severity = .error) {
        issues.report(severity, at: position, path: path, message)
    }

    /// Makes every key that nobody asked for an error. Call it after the last key has been read.
    ///
    /// Calling it again is harmless; `map(_:as:)`, `list(_:of:)` and `throwIssues` do so, in case a reader forgot.
    public mutating func refuseUnreadKeys() {
        let known = declared.map(\.key) + readKeys.subtracting(declared.map(\.key)).sorted()
        for entry in entries where !readKeys.contains(entry.key) {
            readKeys.insert(entry.key)
            let message = unknownKeyMessage(entry.key, known: known)
            issues.report(.error, at: entry.position, path: path.appending(settingsKey: entry.key), message)
        }
    }

    /// - Throws: Everything in the report, unread keys included, when at least one of it is an error.
    public mutating func throwIssues() throws(SettingsError) {
        refuseUnreadKeys()
        try issues.throwErrors()
    }

    private func unknownKeyMessage(_ key: String, known: [String]) -> String {
        if let meant = nearest(to: key, among: known) { return "unknown key; did you mean \"\(meant)\"?" }
        if known.isEmpty { return "unknown key; no keys are expected here" }
        return "unknown key; the keys here are \(known.joined(separator: ", "))"
    }
}

// MARK: - For the accessors of the other files

extension SettingsMap {
    var isRecording: Bool { state == .recording }

    mutating func declare(_ key: SettingsKey) {
        readKeys.insert(key.key)
        if !declared.contains(where: { $0.key == key.key }) { declared.append(key) }
    }

    func entry(_ key: String) -> SettingsEntry? {
        entries.first { $0.key == key }
    }

    func site(of key: String) -> SettingsSite {
        SettingsSite(path: path.appending(settingsKey: key), issues: issues)
    }

    /// Reports a required key at the mapping it is missing from, unless that was refused as a whole.
    func reportMissing(_ key: String, _ message: String) {
        guard state == .reading else { return }
        let place = entry(key)?.value.position ?? position
        issues.report(.error, at: place, path: path.appending(settingsKey: key), message)
    }

    /// A reader over the value of `key`, in the state of this one when there is none.
    func child(_ key: String) -> SettingsMap {
        let childPath = path.appending(settingsKey: key)
        if isRecording { return .recording(path: childPath) }
        let standIn = SettingsNode(state == .reading ? .absent : .unusable, at: position)
        return SettingsMap(entry(key)?.value ?? standIn, path: childPath, issues: issues)
    }
}
