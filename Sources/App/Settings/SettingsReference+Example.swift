import PolluxCore

extension SettingsReference {
    /// `settings.yaml.example`: every key of every kind with its default.
    ///
    /// What is optional stands commented out, so that a copy starts as it is. Frontends stand as they are served when
    /// the file names none.
    var exampleFile: String {
        ([Self.head] + sections.map(example)).joined(separator: "\n")
    }

    private static let head = """
        # Every setting of Pollux with its default. Copy this file to settings.yaml and change what you need; a key
        # that is left out has the value shown here. docs/settings.md says the same in tables.
        #
        # Lines that begin with "# " are comments. A "#" right before a key (#proxy:) switches a setting off that has
        # no default, or a whole entry; take it away to use the setting. The values there are examples.
        #
        # Check the file with 'pollux validate', which starts nothing.

        """

    private func example(_ section: Section) -> String {
        guard !section.kinds.isEmpty else { return SettingsSchema(keys: [section.key]).exampleYAML() }
        // Frontends are on unless the list is written; the other lists are empty unless somebody fills them.
        let isOff = section.key.key != "frontends"
        let entries = section.kinds.map { kind in
            "  # \(kind.name)\n" + kind.schema.exampleElementYAML(indent: 2, commentedOut: isOff)
        }
        return "# \(section.key.help)\n\(section.key.key):\n" + entries.joined(separator: "\n")
    }
}
