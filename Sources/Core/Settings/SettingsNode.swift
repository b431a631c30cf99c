/// One value of a settings file as it was written, before anyone says what type it should have.
public struct SettingsNode: Sendable, Equatable {
    public indirect enum Content: Sendable, Equatable {
        case scalar(SettingsScalar)
        case mapping([SettingsEntry])
        case sequence([SettingsNode])
        /// Nothing stands there: `key:` without a value, `~`, `null`, or no such key at all.
        case absent
        /// A problem with this value was reported already; reading it says nothing more.
        case unusable
    }

    public var content: Content
    /// Where the value begins, not its key.
    public var position: SettingsPosition

    public init(_ content: Content, at position: SettingsPosition) {
        self.content = content
        self.position = position
    }

    /// A mapping whose keys are checked: a key that stands twice is reported with both lines, and the first counts.
    ///
    /// - Parameter path: The mapping's own key path, empty for the whole file.
    public static func mapping(
        _ entries: [SettingsEntry], at position: SettingsPosition, path: String, issues: SettingsIssues
    ) -> SettingsNode {
        var firstLines: [String: Int] = [:]
        var kept: [SettingsEntry] = []
        for entry in entries {
            guard let firstLine = firstLines[entry.key] else {
                firstLines[entry.key] = entry.position.line
                kept.append(entry)
                continue
            }
            let message = "duplicate key: it stands on line \(firstLine) and on line \(entry.position.line); keep one"
            issues.report(.error, at: entry.position, path: path.appending(settingsKey: entry.key), message)
        }
        return SettingsNode(.mapping(kept), at: position)
    }
}

extension SettingsNode {
    /// Whether both say the same, wherever it stands in its file and whichever variable it came from.
    public func says(theSameAs other: SettingsNode) -> Bool {
        switch (content, other.content) {
        case (.scalar(let one), .scalar(let two)): one.text == two.text && one.isQuoted == two.isQuoted
        case (.mapping(let one), .mapping(let two)): Self.say(theSame: one, two)
        case (.sequence(let one), .sequence(let two)):
            one.count == two.count && zip(one, two).allSatisfy { $0.says(theSameAs: $1) }
        case (.absent, .absent): true
        default: false
        }
    }

    /// The order of keys says nothing.
    static func say(theSame one: [SettingsEntry], _ two: [SettingsEntry]) -> Bool {
        guard one.count == two.count else { return false }
        let values = Dictionary(two.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
        return one.allSatisfy { entry in values[entry.key].map { entry.value.says(theSameAs: $0) } ?? false }
    }
}

/// One `key: value` of a mapping.
public struct SettingsEntry: Sendable, Equatable {
    public var key: String
    /// Where the key begins.
    public var position: SettingsPosition
    public var value: SettingsNode

    public init(key: String, at position: SettingsPosition, value: SettingsNode) {
        self.key = key
        self.position = position
        self.value = value
    }
}

/// One piece of text, with what matters about how it was written.
public struct SettingsScalar: Sendable, Equatable {
    public var text: String
    /// Quoted or block text is text; only a plain scalar may be a number or a boolean.
    public var isQuoted: Bool
    /// What stands in the file when `${…}` was replaced in it; nil for literal text.
    public var template: String?

    public init(_ text: String, isQuoted: Bool = false, template: String? = nil) {
        self.text = text
        self.isQuoted = isQuoted
        self.template = template
    }
}

/// A place in a settings file; line and column count from 1, columns in characters.
public struct SettingsPosition: Sendable, Hashable, Comparable, CustomStringConvertible {
    public var file: String
    public var line: Int
    public var column: Int

    public init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }

    public var description: String { "\(file):\(line):\(column)" }

    public static func < (first: SettingsPosition, second: SettingsPosition) -> Bool {
        (first.file, first.line, first.column) < (second.file, second.line, second.column)
    }
}

extension String {
    /// The path of a key below this one: `server` and `listen` give `server.listen`.
    package func appending(settingsKey key: String) -> String {
        let isPlain = !key.isEmpty && key.utf8.allSatisfy { $0 > 0x20 && !".[]\"".utf8.contains($0) }
        if !isPlain { return "\(self)[\(key.shownInMessage)]" }
        return isEmpty ? key : "\(self).\(key)"
    }

    /// The path of a list's element: `providers` and 1 give `providers[1]`.
    package func appending(settingsIndex index: Int) -> String { "\(self)[\(index)]" }
}
