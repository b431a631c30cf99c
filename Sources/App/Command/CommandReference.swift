import PolluxCore

/// `docs/command-line.md`: the help texts, as the program itself prints them.
struct CommandReference {
    let program: GatewayCommand

    var page: String {
        ([Self.introduction, block(program.overview)] + CommandLookup(commands: program.commands).all.map(section)
            + [Self.exitCodes])
            .joined(separator: "\n")
    }

    private static let introduction = """
        # Command line

        This page is made from the texts that `pollux help` prints.

        """

    private static let exitCodes = """
        ## Exit codes

        | Code | Meaning |
        |---|---|
        | 0 | Ended well |
        | 1 | Failed to start, or found problems; standard error says which |
        | 2 | Ended at once by a second SIGTERM or SIGINT |

        What was asked for goes to standard output, everything else to standard error, so `--json` can be piped.

        """

    private func section(_ command: any Command) -> String {
        let level = command.name.contains(" ") ? "###" : "##"
        return "\(level) \(command.name)\n\n\(command.summary)\n\n\(block(CommandHelp.text(of: command)))"
    }

    private func block(_ text: String) -> String { "```\n\(text)\n```\n" }
}
