/// Replaces `${…}` in every value of a settings file, before anyone reads the values.
///
/// - `${NAME}` is the environment variable; unset is an error.
/// - `${NAME:-text}` is the text when the variable is unset or empty.
/// - `${file:/path}` is the file's content without line breaks at its end, for secrets.
/// - `$$` is one dollar sign. Any other `$` stays as it is.
///
/// What comes in is text, never YAML: a value cannot bring keys of its own. Keys are not touched. Replaced values are
/// marked, so that no message shows them.
public struct SettingsExpansion {
    private let environment: [String: String]
    private let readFile: (String) throws -> String

    /// - Parameter readFile: The whole text of a file, given the path behind `file:`.
    public init(environment: [String: String], readFile: @escaping (String) throws -> String) {
        self.environment = environment
        self.readFile = readFile
    }

    /// The node with every value replaced; what cannot be replaced is reported and becomes unusable.
    public func expand(_ node: SettingsNode, path: String = "", issues: SettingsIssues) -> SettingsNode {
        var expanded = node
        switch node.content {
        case .scalar(let scalar):
            do throws(SettingsProblem) {
                expanded.content = .scalar(try expand(scalar))
            } catch {
                issues.report(.error, at: node.position, path: path, error.message)
                expanded.content = .unusable
            }
        case .mapping(let entries):
            expanded.content = .mapping(
                entries.map { entry in
                    var entry = entry
                    entry.value = expand(entry.value, path: path.appending(settingsKey: entry.key), issues: issues)
                    return entry
                })
        case .sequence(let nodes):
            expanded.content = .sequence(
                nodes.enumerated().map { index, element in
                    expand(element, path: path.appending(settingsIndex: index), issues: issues)
                })
        case .absent, .unusable: break
        }
        return expanded
    }

    private func expand(_ scalar: SettingsScalar) throws(SettingsProblem) -> SettingsScalar {
        var text = ""
        var hasReference = false
        var rest = scalar.text[...]
        while let dollar = rest.firstIndex(of: "$") {
            text += rest[..<dollar]
            rest = rest[dollar...].dropFirst()
            if rest.first == "{" {
                guard let close = rest.firstIndex(of: "}") else { throw SettingsExpansion.malformed }
                text += try value(of: rest[..<close].dropFirst())
                rest = rest[close...].dropFirst()
                hasReference = true
            } else {
                text += "$"
                if rest.first == "$" { rest = rest.dropFirst() }
            }
        }
        text += rest
        return SettingsScalar(text, isQuoted: scalar.isQuoted, template: hasReference ? scalar.text : scalar.template)
    }

    /// - Parameter reference: What stands between the braces.
    private func value(of reference: Substring) throws(SettingsProblem) -> String {
        if reference.hasPrefix("file:") { return try content(ofFile: String(reference.dropFirst(5))) }
        let name = reference.prefix { SettingsExpansion.isNamePart($0) }
        let fallback = reference[name.endIndex...]
        guard let first = name.first, !first.isNumber, fallback.isEmpty || fallback.hasPrefix(":-") else {
            throw SettingsExpansion.malformed
        }
        let value = environment[String(name)]
        if !fallback.isEmpty, value?.isEmpty ?? true { return String(fallback.dropFirst(2)) }
        guard let value else {
            throw SettingsProblem(
                "the environment variable \(name) is not set; set it or write ${\(name):-default}")
        }
        return value
    }

    private func content(ofFile path: String) throws(SettingsProblem) -> String {
        var text: String
        do {
            text = try readFile(path)
        } catch {
            throw SettingsProblem("the file \(path.shownInMessage) cannot be read: \(error)")
        }
        while let last = text.last, last.isNewline { text.removeLast() }
        if text.isEmpty { throw SettingsProblem("the file \(path.shownInMessage) is empty") }
        return text
    }

    private static func isNamePart(_ character: Character) -> Bool {
        character == "_" || (character.isASCII && (character.isLetter || character.isNumber))
    }

    /// Does not show the text: it may be a password that happens to hold `${`.
    private static let malformed = SettingsProblem(
        "\"${\" must be followed by a variable's name and \"}\"; write $$ for a plain dollar sign")
}
