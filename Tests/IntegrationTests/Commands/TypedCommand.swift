import PolluxCore
import Synchronization

@testable import PolluxApp

/// A command as an operator types it, run in this process.
struct TypedCommand {
    let code: Int32
    let out: String
    let err: String

    /// - Parameters:
    ///   - line: Without the program's name; words are parted by blanks.
    ///   - input: What stands on standard input.
    static func run(
        _ line: String, _ environment: [String: String], input: String = ""
    ) async -> TypedCommand {
        let texts = Caught()
        let given = CommandInput(isTerminal: false, readAll: { _ in Array(input.utf8) }, ask: { _, _ in nil })
        let program = GatewayCommand(
            registry: .standard, console: Console { text, isError in texts.add(text, isError) }, input: given)
        let code = await program.run(line.split(separator: " ").map(String.init), environment: environment)
        let (out, err) = texts.all
        return TypedCommand(code: code, out: out, err: err)
    }

    var lines: [Substring] { out.split(separator: "\n") }

    func json() throws -> JSON { try JSON.parse(Array(out.utf8)) }

    private final class Caught: Sendable {
        private let state = Mutex<(out: String, err: String)>(("", ""))
        func add(_ text: String, _ isError: Bool) {
            state.withLock { if isError { $0.err += text } else { $0.out += text } }
        }
        var all: (String, String) { state.withLock { ($0.out, $0.err) } }
    }
}

extension TestGateway {
    /// A command about this gateway.
    func typed(_ line: String, input: String = "", prefix: String = "") async -> TypedCommand {
        await TypedCommand.run(
            line,
            ["POLLUX_URL": "http://127.0.0.1:\(port)\(prefix)", "POLLUX_ADMIN_KEY": GatewaySetup.adminKey],
            input: input)
    }
}
