import Glibc
public import PolluxCore

/// The program: finds the subcommand, checks its options, runs it.
///
///     var registry = PluginRegistry.standard
///     registry.register(provider: AcmeProvider.self)
///     exit(await GatewayCommand(registry: registry, program: "acme-gateway").main())
public struct GatewayCommand: Sendable {
    private let registry: PluginRegistry
    let commands: [any Command]
    private let program: String
    private let hasDemo: Bool
    private let console: Console
    private let input: CommandInput

    /// - Parameters:
    ///   - program: Its name, where help and hints tell a command to type.
    ///   - demo: What `serve --demo` starts in place of real upstreams.
    ///   - more: Subcommands beside the gateway's own.
    public init(
        registry: PluginRegistry, program: String = "pollux", demo: (any DemoUpstreams)? = nil,
        more: [any Command] = [], console: Console = .standard, input: CommandInput = .standard
    ) {
        (self.registry, self.program, hasDemo) = (registry, program, demo != nil)
        self.input = input
        commands =
            [
                InitCommand(), ServeCommand(demo: demo), ValidateCommand(), DoctorCommand(), ModelsCommand(),
                AccountsCommand(), KeysCommand(), RouteCommand(), UsageCommand(), ReloadCommand(), BackupCommand(),
                RestoreCommand(), NotifyCommand(),
            ] + more + [VersionCommand()]
        let words = commands.map(\.name) + ["help", "COMMAND"]
        self.console = program == "pollux" ? console : console.renaming("pollux", to: program, before: words)
    }

    /// Runs the process's arguments.
    public func main() async -> Int32 {
        let environment = ProcessEnvironment.all
        let arguments = CommandLine.arguments
        // Swift's runtime reads them there. Without them a service would print the help and end well.
        guard let program = arguments.first, !program.isEmpty else {
            console.err("\(program): the arguments cannot be read; mount /proc")
            return 1
        }
        return await run(Array(arguments.dropFirst()), environment: environment)
    }

    /// - Parameter arguments: Without the program's name.
    public func run(_ arguments: [String], environment: [String: String]) async -> Int32 {
        guard let first = arguments.first, !["help", "--help", "-h"].contains(first) else {
            return help(Array(arguments.dropFirst()))
        }
        if first == "--version" { return await run(["version"], environment: environment) }
        switch lookup.find(arguments) {
        case .unknown(let word, let group): return unknown(word, within: group)
        case .command(let command, let rest):
            if rest.contains("--help") || rest.contains("-h") { return show(command) }
            return await run(command, rest, environment)
        }
    }

    private var lookup: CommandLookup { CommandLookup(commands: commands) }

    private func run(_ command: any Command, _ rest: [String], _ environment: [String: String]) async -> Int32 {
        do {
            let parsed = try OptionParser(command: command).parse(rest)
            return try await command.run(
                Invocation(
                    environment: environment, registry: registry, console: console, input: input, hasDemo: hasDemo,
                    arguments: parsed.arguments, values: parsed.values))
        } catch {
            console.err("pollux \(command.name): \(error.message)")
            return 1
        }
    }

    private func help(_ names: [String]) -> Int32 {
        guard !names.isEmpty else {
            console.out(overview)
            return 0
        }
        switch lookup.find(names) {
        case .unknown(let word, let group): return unknown(word, within: group)
        case .command(let command, _): return show(command)
        }
    }

    private func show(_ command: any Command) -> Int32 {
        console.out(CommandHelp.text(of: command))
        return 0
    }

    private func unknown(_ word: String, within group: (any CommandGroup)?) -> Int32 {
        let known = (group?.commands ?? commands).map(\.lastWord)
        let hint = nearest(to: word, among: known).map { "; did you mean \"\($0)\"?" } ?? ";"
        let (start, list) = (group.map { "pollux \($0.name)" } ?? program, group.map { " \($0.name)" } ?? "")
        console.err("\(start): there is no command \"\(word)\"\(hint) 'pollux help\(list)' lists them")
        return 1
    }

    var overview: String {
        let width = commands.map(\.name.count).max() ?? 0
        let lines = commands.map { "  \($0.name.padded(to: width))  \($0.summary)" }
        let start = hasDemo ? "Start with 'pollux serve --demo'." : "Start with 'pollux init'."
        return """
            \(program): one gateway for the Gemini accounts you own and any OpenAI-compatible upstream.

            Usage: pollux COMMAND [OPTIONS]

            \(lines.joined(separator: "\n"))

            'pollux help COMMAND' tells more about one. \(start)
            """
    }
}

/// The help text of one subcommand; its options stand in it exactly once.
enum CommandHelp {
    static func text(of command: any Command) -> String {
        guard !command.options.isEmpty else { return command.help }
        let heads = command.options.map { "--\($0.name)\($0.value.map { " \($0)" } ?? "")" }
        let width = heads.map(\.count).max() ?? 0
        let lines = zip(heads, command.options).map { "  \($0.padded(to: width))  \($1.help)" }
        return command.help + "\n\nOptions:\n" + lines.joined(separator: "\n")
    }
}

extension String {
    func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}

extension Console {
    /// The same, for a program of another name: a command to type is told with that name.
    fileprivate func renaming(_ old: String, to new: String, before words: [String]) -> Console {
        Console(isTerminal: isTerminal) { text, isError in
            let text = words.reduce(text) { $0.replacing("\(old) \($1)", with: "\(new) \($1)") }
            let version = "\(old) \(PolluxVersion.text)"
            writer(text.replacing(version, with: "\(new) (\(version))"), isError)
        }
    }

    /// The process's own streams. Blocks; not for a loop's thread.
    public static let standard = Console(isTerminal: isatty(1) == 1) { text, isError in
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(isError ? 2 : 1, $0.baseAddress, $0.count) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}

enum ProcessEnvironment {
    /// The variables of this process.
    static var all: [String: String] {
        var result: [String: String] = [:]
        var entry = environ
        while let text = entry.pointee {
            let line = String(cString: text)
            if let mark = line.firstIndex(of: "=") {
                result[String(line[..<mark])] = String(line[line.index(after: mark)...])
            }
            entry += 1
        }
        return result
    }
}
