import PolluxCore
import Synchronization
import Testing

@testable import PolluxApp

@Suite("The values of an account that is added by hand")
struct AccountValuesTests {
    private func invocation(_ input: CommandInput) -> Invocation {
        Invocation(
            environment: [:], registry: .standard, console: Console { _, _ in }, input: input, arguments: [],
            values: [:])
    }

    private func piped(_ text: String) -> Invocation {
        invocation(CommandInput(isTerminal: false, readAll: { _ in Array(text.utf8) }, ask: { _, _ in nil }))
    }

    @Test(
        "lines and JSON say the same",
        arguments: [
            "api_key=k=1==\n# a note\n\n weight = 2\r\n", #"{"api_key": "k=1==", "weight": 2}"#,
            " \n {\"api_key\": \"k=1==\", \"weight\": 2, \"id\": \"other\", \"provider\": \"x\"}",
        ])
    func forms(text: String) throws {
        let body = try AccountValues.read(piped(text), provider: "p", id: "a")
        #expect(body["values"]?["api_key"] == "k=1==")
        #expect(body["id"] == "a" && body["provider"] == "p", "what was typed names the account")
        #expect(body["weight"] == 2)
    }

    @Test("on a terminal each value is asked for, and only names show")
    func asked() throws {
        let asking = Asking(answers: ["secure_c_ses", "secret", "csesidx", "7", ""])
        let input = CommandInput(isTerminal: true, readAll: { _ in [] }, ask: { _, isHidden in asking.next(isHidden) })
        let body = try AccountValues.read(invocation(input), provider: "p", id: "a")
        #expect(body["values"]?["secure_c_ses"] == "secret" && body["values"]?["csesidx"] == "7")
        #expect(asking.hidden == [false, true, false, true, false])
        let silent = CommandInput(isTerminal: true, readAll: { _ in [] }, ask: { _, _ in nil })
        #expect(throws: GatewayError.self) {
            try AccountValues.read(invocation(silent), provider: "p", id: "a")
        }
    }

    private final class Asking: Sendable {
        private let state: Mutex<(answers: [String], hidden: [Bool])>
        init(answers: [String]) { state = Mutex((answers, [])) }

        func next(_ isHidden: Bool) -> String? {
            state.withLock { state in
                state.hidden.append(isHidden)
                return state.answers.isEmpty ? nil : state.answers.removeFirst()
            }
        }

        var hidden: [Bool] { state.withLock { $0.hidden } }
    }
}
