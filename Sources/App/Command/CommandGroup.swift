import PolluxCore

/// A word with subcommands of its own: `pollux accounts list`. A subcommand's name is both words: `accounts list`.
protocol CommandGroup: Command {
    var commands: [any Command] { get }
    /// What the help says above the list of subcommands.
    var introduction: String { get }
}

extension CommandGroup {
    var options: [CommandOption] { [] }
    var takesArguments: Bool { true }

    var help: String {
        let width = commands.map(\.name.count).max() ?? 0
        let lines = commands.map { "  \($0.name.padded(to: width))  \($0.summary)" }
        return """
            Usage: pollux \(name) COMMAND [OPTIONS]

            \(introduction)

            \(lines.joined(separator: "\n"))

            'pollux help \(name) COMMAND' tells more about one.
            """
    }

    /// Only a group alone comes here: with another word, the word's command runs.
    func run(_ invocation: Invocation) async throws(GatewayError) -> Int32 {
        let words = commands.map(\.lastWord).joined(separator: ", ")
        throw .invalid(nil, "say what to do: \(words); 'pollux help \(name)' tells more")
    }
}

extension Command {
    /// What is typed last to name it: `list` of `accounts list`.
    var lastWord: String { String(name.split(separator: " ").last ?? "") }
}

/// Finds the command that the first words name.
struct CommandLookup {
    enum Found {
        case command(any Command, rest: [String])
        /// `within` is the group that has no such word; `nil` for the program itself.
        case unknown(String, within: (any CommandGroup)?)
    }

    let commands: [any Command]

    func find(_ words: [String]) -> Found {
        var (known, rest, group) = (commands, words[...], (any CommandGroup)?.none)
        while let word = rest.first, !word.hasPrefix("-") {
            guard let command = known.first(where: { $0.lastWord == word }) else {
                return .unknown(word, within: group)
            }
            rest = rest.dropFirst()
            guard let inner = command as? any CommandGroup else { return .command(command, rest: Array(rest)) }
            (known, group) = (inner.commands, inner)
        }
        guard let group else { return .unknown(rest.first ?? "", within: nil) }
        return .command(group, rest: Array(rest))
    }

    /// Every command, each group before what is in it.
    var all: [any Command] {
        commands.flatMap { command in [command] + ((command as? any CommandGroup)?.commands ?? []) }
    }
}
