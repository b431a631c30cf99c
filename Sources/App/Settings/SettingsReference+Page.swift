import PolluxCore

extension SettingsReference {
    /// `docs/settings.md`: how a settings file is written, and a table for each section and kind.
    var page: String {
        ([Self.introduction, contents] + sections.map(text)).joined(separator: "\n")
    }

    private static let introduction = """
        # Settings

        Pollux reads one YAML file: `settings.yaml` in the working folder, or the one named by `--settings`. Every key
        has a default unless the table says "required", so a file holds only what differs.
        [settings.yaml.example](../settings.yaml.example) shows all of them in place. Both are made from the code that
        reads the settings.

        ## How values are written

        - **Durations** are a whole number and a unit: `250ms`, `90s`, `15m`, `12h`, `7d`. A number without a unit is an
          error.
        - **Sizes** likewise: `512B`, `64KiB`, `32MiB`, `1GiB`.
        - **Addresses** are `host:port` in quotes, IPv6 in brackets: `"127.0.0.1:7860"`, `"[::1]:7860"`.
        - **Secrets** need not stand in the file:
          - `${NAME}` is the environment variable; unset is an error.
          - `${NAME:-text}` is the text when the variable is unset or empty.
          - `${file:/run/secrets/key}` is the content of the file, without line breaks at its end.
          - `$$` is one dollar sign.

          What is put in is text, never YAML. Messages and logs do not show it. An empty secret, or one that is left
          over from an example (`changeme`), is refused.

        ## When something is wrong

        Every problem is reported in one run, with file, line and column, and nothing is started:

        ```
        settings.yaml:3:3: error: server.lissen: unknown key; did you mean "listen"?
        settings.yaml:9:14: error: drain.timeout: "30" has no unit; write one of ms, s, m, h, d behind it, as in 90s
        2 errors; nothing was started.
        ```

        `pollux validate` checks a file without opening a connection. A running gateway reads the file again at
        SIGHUP ([changing settings](operating.md#changing-settings)). Account files of the source `file` are read again
        whenever they change.

        ## Beyond this machine

        The gateway listens on `127.0.0.1` by default. Any other address needs `admin.key` (at least 24 characters)
        and an entry under `keys`, else it does not start. TLS towards clients is a reverse proxy's job.

        """

    private var contents: String {
        let links = sections.map { "[`\($0.key.key)`](#\($0.key.key))" }.joined(separator: " · ")
        return "## Sections\n\n\(links)\n"
    }

    private func text(_ section: Section) -> String {
        guard !section.kinds.isEmpty else {
            // The row of the section itself would only say "mapping".
            return heading(section) + SettingsSchema(keys: [section.key]).markdownTable(skippingFirstRow: true)
        }
        return heading(section) + (section.key.key == "providers" ? sharedKeys(section) : "")
            + section.kinds.map { text($0, in: section) }.joined(separator: "\n")
    }

    private func heading(_ section: Section) -> String { "## \(section.key.key)\n\n\(section.key.help)\n\n" }

    private func sharedKeys(_ section: Section) -> String {
        guard let first = section.kinds.first else { return "" }
        let shared = first.schema.keys.filter { Self.sharedByProviders.contains($0.key) }
        return "Every provider has these keys, whatever its kind:\n\n\(SettingsSchema(keys: shared).markdownTable())\n"
    }

    private func text(_ kind: Kind, in section: Section) -> String {
        let isProvider = section.key.key == "providers"
        let keys = kind.schema.keys.filter { !isProvider || !Self.sharedByProviders.contains($0.key) }
        return "### \(section.key.key): \(kind.name)\n\n" + SettingsSchema(keys: keys).markdownTable()
    }
}
