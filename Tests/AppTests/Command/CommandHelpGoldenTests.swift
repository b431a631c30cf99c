import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxApp

@Suite("Help")
struct CommandHelpGoldenTests {
    static let commands = CommandLookup(commands: CommandRun.program.commands).all
    static let names = commands.map(\.name)

    @Test("docs/command-line.md is made from the help texts")
    func page() throws {
        try GoldenFile.compare(CommandReference(program: CommandRun.program).page, with: "docs/command-line.md")
    }

    @Test("'COMMAND --help', 'COMMAND -h' and 'help COMMAND' print the same and start nothing", arguments: names)
    func help(name: String) async {
        let words = name.split(separator: " ").map(String.init)
        let text = await CommandRun.of(["help"] + words)
        #expect(text.code == 0)
        #expect(text.err.isEmpty)
        #expect(text.out.hasPrefix("Usage: pollux \(name)"))
        for arguments in [words + ["--help"], words + ["-h"], words + ["--nonsense", "--help"]] {
            let same = await CommandRun.of(arguments)
            #expect(same.out == text.out && same.code == 0)
        }
    }

    @Test(
        "every option stands in the help, and every line fits a terminal",
        arguments: commands.indices)
    func options(index: Int) {
        let command = Self.commands[index]
        let text = CommandHelp.text(of: command)
        for option in command.options {
            #expect(text.contains("\n  --\(option.name)"))
            #expect(option.help.hasSuffix("."))
        }
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 120 })
        #expect(!command.summary.isEmpty && command.summary.hasSuffix("."))
    }

    @Test("without a command, and with 'help', the overview is printed", arguments: [[], ["help"], ["--help"], ["-h"]])
    func overview(arguments: [String]) async {
        let run = await CommandRun.of(arguments)
        #expect(run.code == 0)
        for name in CommandRun.program.commands.map(\.name) { #expect(run.out.contains("\n  \(name) ")) }
        #expect(run.out.contains("'pollux serve --demo'"))
    }

    @Test("the version is printed both ways", arguments: [["version"], ["--version"]])
    func version(arguments: [String]) async {
        let run = await CommandRun.of(arguments)
        #expect(run.out == "pollux \(PolluxVersion.text)\n")
        #expect(run.code == 0)
    }
}

@Suite("What was typed wrongly")
struct CommandErrorTests {
    private static let groupWords = AccountsCommand().commands.map(\.lastWord).joined(separator: ", ")

    @Test(
        "is answered with the nearest that exists, or with where to look, on standard error",
        arguments: [
            (
                ["valdiate"],
                "pollux: there is no command \"valdiate\"; did you mean \"validate\"? 'pollux help' lists them"
            ),
            (
                ["help", "serv"],
                "pollux: there is no command \"serv\"; did you mean \"serve\"? 'pollux help' lists them"
            ),
            (["frobnicate"], "pollux: there is no command \"frobnicate\"; 'pollux help' lists them"),
            (
                ["validate", "--setings", "x"],
                "pollux validate: there is no option --setings; did you mean --settings? "
                    + "'pollux help validate' lists the options"
            ),
            (
                ["doctor", "--yaml"],
                "pollux doctor: there is no option --yaml; 'pollux help doctor' lists the options"
            ),
            (["models", "--settings"], "pollux models: --settings needs a value: --settings FILE"),
            (["models", "--settings", "--json"], "pollux models: --settings needs a value: --settings FILE"),
            (["models", "--json=yes"], "pollux models: --json takes no value"),
            (["models", "--settings", "a", "--settings", "b"], "pollux models: --settings was given twice"),
            (
                ["validate", "other.yaml"],
                "pollux validate: \"other.yaml\" is not an option; to name the settings file, write --settings "
                    + "other.yaml; 'pollux help validate' lists the options"
            ),
            (["version", "now"], "pollux version: \"now\" is not an option; 'pollux help version' lists the options"),
            (["init", "-f"], "pollux init: \"-f\" is not an option; 'pollux help init' lists the options"),
            (
                ["serve", "--demo", "--settings", "x"],
                "pollux serve: --demo brings its own settings; leave out --settings"
            ),
            (["simulate"], "pollux simulate: name one upstream to simulate: gemini-business, openai, gemini-web, all"),
            (
                ["accounts"],
                "pollux accounts: say what to do: \(groupWords); 'pollux help accounts' tells more"
            ),
            (
                ["accounts", "explian", "x"],
                "pollux accounts: there is no command \"explian\"; did you mean \"explain\"? 'pollux help accounts' "
                    + "lists them"
            ),
            (["help", "keys", "x"], "pollux keys: there is no command \"x\"; 'pollux help keys' lists them"),
            (["accounts", "explain"], "pollux accounts explain: name one: pollux accounts explain NAME"),
            (["keys", "revoke", "a", "b"], "pollux keys revoke: name one: pollux keys revoke NAME|ID"),
            (["keys", "create"], "pollux keys create: give the key a name: pollux keys create NAME"),
            (
                ["keys", "create", "x", "--limit", "60"],
                "pollux keys create: --limit takes MEASURE=AMOUNT, such as requests=60/1m or concurrency=2, not \"60\""
            ),
            (
                ["keys", "create", "x", "--expires", "soon"],
                "pollux keys create: --expires takes a length such as 24h or 7d, or a time such as "
                    + "2030-01-31T00:00:00Z, not \"soon\""
            ),
            (
                ["keys", "list", "--sate", "active"],
                "pollux keys list: there is no option --sate; did you mean --state? 'pollux help keys list' lists the "
                    + "options"
            ),
            (
                ["usage", "--by", "model,kye"],
                "pollux usage: --by takes hour, day, key, model, provider, account, not \"kye\"; did you mean key?"
            ),
            (["route", "explain"], "pollux route explain: name the model: --model MODEL; 'pollux models' lists them"),
            (
                ["keys", "list", "--url", "ftp://x"],
                "pollux keys list: --url (or POLLUX_URL) takes the gateway's address such as http://127.0.0.1:7860, "
                    + "and no key in it"
            ),
            (["simulate", "openai", "--listen", "8098"], "pollux simulate: --listen takes HOST:PORT, not \"8098\""),
        ])
    func refused(arguments: [String], message: String) async {
        let run = await CommandRun.of(arguments)
        #expect(run.err == message + "\n")
        #expect(run.out.isEmpty)
        #expect(run.code == 1)
    }

    @Test("options take their value behind a space or an equals sign")
    func values() async throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("", to: "s.yaml")
        for arguments in [["validate", "--settings", path], ["validate", "--settings=\(path)"]] {
            #expect(await CommandRun.of(arguments).code == 0)
        }
    }

    @Test("a program of another name tells commands by that name, and hides the demo that it does not have")
    func otherProgram() async {
        let text = await CommandRun.of(["help"], program: "acme-gateway")
        #expect(text.out.hasPrefix("acme-gateway: one gateway"))
        #expect(text.out.contains("'acme-gateway help COMMAND'"))
        #expect(text.out.contains("Start with 'acme-gateway init'."))
        let serve = await CommandRun.of(["help", "serve"], program: "acme-gateway")
        #expect(serve.out.hasPrefix("Usage: acme-gateway serve"))
        for help in [text.out, serve.out] { #expect(!help.contains("demo") && !help.contains("pollux ")) }
        let refused = await CommandRun.of(["serve", "--demo"], program: "acme-gateway")
        #expect(refused.code == 1)
        #expect(refused.err.contains("'acme-gateway help serve' lists the options"))
        let version = await CommandRun.of(["version"], program: "acme-gateway")
        #expect(version.out == "acme-gateway (pollux \(PolluxVersion.text))\n")
        let missing = await CommandRun.of(["validate", "--settings", "nowhere.yaml"], program: "acme-gateway")
        #expect(missing.err.contains("'acme-gateway init' writes a first settings file"))
        #expect(!missing.err.contains("demo"))
    }
}
