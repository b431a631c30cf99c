public import PolluxCore

/// Reads one YAML document into settings nodes that know their line and column.
///
/// The subset is the one a settings file needs: mappings with text keys, lists and scalars. Anchors, aliases, tags,
/// merge keys and further documents are refused, so that nothing in a file means more than it shows, and a small file
/// cannot unfold into a large one.
public enum YAMLReader {
    /// Bytes; a settings file is a few KiB.
    public static let largestFile = 1 << 20
    /// Levels of mappings and lists.
    public static let deepestLevel = 32

    /// Everything wrong with the file's form goes into the report; a file that cannot be read on is `unusable`.
    ///
    /// - Parameters:
    ///   - text: UTF-8, with or without a byte-order mark. Empty means an empty mapping.
    ///   - file: The name for positions.
    public static func parse(_ text: [UInt8], file: String, issues: SettingsIssues) -> SettingsNode {
        let start = SettingsPosition(file: file, line: 1, column: 1)
        guard text.count <= largestFile else {
            let message = "the file has \(text.count) bytes; at most \(largestFile) are read"
            issues.report(.error, at: start, path: "", message)
            return SettingsNode(.unusable, at: start)
        }
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let body = text.starts(with: mark) ? text[mark.count...] : text[...]
        if let place = InvalidUTF8.position(in: body, file: file) {
            issues.report(.error, at: place, path: "", "the file is not valid UTF-8; save it as UTF-8")
            return SettingsNode(.unusable, at: start)
        }
        if body.isEmpty { return SettingsNode(.mapping([]), at: start) }
        return body.withUnsafeBufferPointer { bytes in
            var composer = YAMLComposer(YAMLEvents(bytes, file: file), start: start, issues: issues)
            return composer.document()
        }
    }

    /// - Throws: Everything wrong with the file's form.
    public static func parse(_ text: [UInt8], file: String) throws(SettingsError) -> SettingsNode {
        let issues = SettingsIssues()
        let node = parse(text, file: file, issues: issues)
        try issues.throwErrors()
        return node
    }
}

/// Finds the place of bytes that are not UTF-8; libyaml would only name an offset.
private enum InvalidUTF8 {
    static func position(in text: ArraySlice<UInt8>, file: String) -> SettingsPosition? {
        if String(validating: text, as: UTF8.self) != nil { return nil }
        let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() where String(validating: line, as: UTF8.self) == nil {
            return SettingsPosition(file: file, line: index + 1, column: validCharacters(in: line) + 1)
        }
        return nil
    }

    private static func validCharacters(in line: ArraySlice<UInt8>) -> Int {
        var decoder = UTF8()
        var bytes = line.makeIterator()
        var count = 0
        while case .scalarValue = decoder.decode(&bytes) { count += 1 }
        return count
    }
}
