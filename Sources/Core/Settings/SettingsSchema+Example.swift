extension SettingsSchema {
    /// The keys as they would stand in a file: each with its default or example, its help as a comment above it.
    ///
    /// A key that is not used unless it is written stands commented out. Comments for people begin with `# `;
    /// a setting is commented out by `#` alone in front of its text, so that one pattern brings all of them in:
    /// `s/^( *)#([^ ])/\1\2/`.
    /// - Parameter indent: Spaces in front of every line.
    public func exampleYAML(indent: Int = 0, commentedOut: Bool = false) -> String {
        SettingsSchema.lines(keys, indent: indent, isCommentedOut: commentedOut).map { "\($0)\n" }.joined()
    }

    /// The keys as one element of a list of mappings.
    ///
    /// - Parameter indent: Spaces in front of the element's dash.
    public func exampleElementYAML(indent: Int, commentedOut: Bool = false) -> String {
        SettingsSchema.element(keys, indent: indent, isCommentedOut: commentedOut).map { "\($0)\n" }.joined()
    }

    private static func element(_ keys: [SettingsKey], indent: Int, isCommentedOut: Bool) -> [String] {
        // The dash belongs to a line that stands there before and after commented keys are brought in.
        let ordered = keys.filter { !$0.isUnusedByDefault } + keys.filter(\.isUnusedByDefault)
        let lines = lines(ordered, indent: indent + 2, isCommentedOut: isCommentedOut)
        return markingFirstSetting(of: lines, indent: indent)
    }

    private static func lines(_ keys: [SettingsKey], indent: Int, isCommentedOut: Bool) -> [String] {
        keys.flatMap { key in lines(key, indent: indent, isCommentedOut: isCommentedOut) }
    }

    private static func lines(_ key: SettingsKey, indent: Int, isCommentedOut: Bool) -> [String] {
        let isCommentedOut = isCommentedOut || key.isUnusedByDefault
        let space = String(repeating: " ", count: indent)
        let comment = key.comment.map { ["\(space)# \($0)"] } ?? []
        let setting = "\(space)\(isCommentedOut ? "#" : "")\(key.key):"

        switch key.shape {
        case .value, .raw:
            return comment + ["\(setting) \(key.defaultText ?? key.exampleText ?? "")".trimmingSpace]
        case .mapping:
            return comment + [setting] + lines(key.keys, indent: indent + 2, isCommentedOut: isCommentedOut)
        case .listOfMappings:
            return comment + [setting] + element(key.keys, indent: indent + 2, isCommentedOut: isCommentedOut)
        }
    }

    /// Puts the element's dash in front of its first setting, also when that stands commented out, and the comment
    /// above it in line with the dash.
    private static func markingFirstSetting(of lines: [String], indent: Int) -> [String] {
        guard let first = lines.firstIndex(where: { !$0.trimmingSpaceInFront.hasPrefix("# ") }) else { return lines }
        var marked = lines
        let setting = lines[first].trimmingSpaceInFront
        let space = String(repeating: " ", count: indent)
        for line in 0..<first { marked[line] = space + lines[line].trimmingSpaceInFront }
        marked[first] = setting.hasPrefix("#") ? "\(space)#- \(setting.dropFirst())" : "\(space)- \(setting)"
        return marked
    }
}

extension SettingsKey {
    fileprivate var isUnusedByDefault: Bool {
        let isEmptyElement = shape == .listOfMappings && keys.allSatisfy(\.isUnusedByDefault)
        return isEmptyElement || (!isRequired && defaultText == nil)
    }

    /// The help, and what may be written.
    fileprivate var comment: String? {
        let allowed = choices.isEmpty ? rangeText : choices.joined(separator: ", ")
        let parts = [help, allowed.map { "(\($0))" } ?? ""].filter { !$0.isEmpty }
        return parts.isEmpty ? nil : parts.joined(separator: " ")
    }
}

extension String {
    fileprivate var trimmingSpaceInFront: Substring { drop { $0 == " " } }

    fileprivate var trimmingSpace: String { last == " " ? String(dropLast()) : self }
}
