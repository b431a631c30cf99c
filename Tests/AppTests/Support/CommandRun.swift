import PolluxCore
import Synchronization

@testable import PolluxApp
@testable import pollux

/// The program as it is built, with its output caught.
struct CommandRun {
    let code: Int32
    let out: String
    let err: String

    static let program = GatewayCommand(
        registry: .standard, demo: SimulatedDemo(), more: [SimulateCommand()])

    /// - Parameter name: Of a program that somebody else made, without simulators; `nil` is `pollux`.
    static func of(
        _ arguments: [String], environment: [String: String] = [:], program name: String? = nil
    ) async -> CommandRun {
        let caught = Caught()
        let console = Console { text, isError in caught.add(text, isError) }
        let program =
            if let name {
                GatewayCommand(registry: .standard, program: name, console: console)
            } else {
                GatewayCommand(
                    registry: .standard, demo: SimulatedDemo(), more: [SimulateCommand()], console: console)
            }
        let code = await program.run(arguments, environment: environment)
        let (out, err) = caught.texts
        return CommandRun(code: code, out: out, err: err)
    }

    /// The output as JSON.
    func json() throws -> JSON { try JSON.parse(Array(out.utf8)) }

    private final class Caught: Sendable {
        private let state = Mutex<(out: String, err: String)>(("", ""))
        func add(_ text: String, _ isError: Bool) {
            state.withLock { if isError { $0.err += text } else { $0.out += text } }
        }
        var texts: (String, String) { state.withLock { ($0.out, $0.err) } }
    }
}
