import PolluxCore
import Testing

@Suite("References to variables and files")
struct SettingsExpansionTests {
    struct Unreadable: Error {}

    private func expand(_ text: String, quoted: Bool = false) -> (scalar: SettingsScalar?, messages: [String]) {
        let environment = ["NAME": "value", "EMPTY": "", "NESTED": "${NAME} $$", "A1_b": "x"]
        let expansion = SettingsExpansion(environment: environment) { path in
            if path == "/key" { return "from-file\r\n\n" }
            if path == "/empty" { return "\n" }
            throw Unreadable()
        }
        let issues = SettingsIssues()
        let node = expansion.expand(Nodes.text(text, quoted: quoted), issues: issues)
        guard case .scalar(let scalar) = node.content else { return (nil, issues.sorted.map(\.message)) }
        return (scalar, issues.sorted.map(\.message))
    }

    @Test(
        "references are replaced",
        arguments: [
            ("${NAME}", "value"), ("a${NAME}b${A1_b}", "avaluebx"), ("${NAME:-other}", "value"),
            ("${EMPTY:-other}", "other"), ("${UNSET:-}", ""), ("${UNSET:-a b:-c}", "a b:-c"), ("${EMPTY}", ""),
            ("$${NAME}", "${NAME}"), ("$$", "$"), ("$", "$"), ("$5 a$", "$5 a$"), ("${file:/key}", "from-file"),
            ("Bearer ${file:/key}", "Bearer from-file"), ("$$$$x", "$$x"), ("$NAME", "$NAME"),
        ])
    func replaced(_ text: String, _ expected: String) {
        #expect(expand(text).scalar?.text == expected)
    }

    @Test("what comes in is not expanded again")
    func notAgain() {
        #expect(expand("${NESTED}").scalar?.text == "${NAME} $$")
    }

    @Test("only text with a reference is marked as replaced")
    func marked() {
        #expect(expand("${NAME}").scalar?.template == "${NAME}")
        #expect(expand("$$").scalar?.template == nil)
        #expect(expand("plain").scalar?.template == nil)
    }

    @Test(
        "a reference that cannot be replaced is an error that says what to do",
        arguments: [
            ("${UNSET}", "the environment variable UNSET is not set; set it or write ${UNSET:-default}"),
            ("${file:/none}", "the file \"/none\" cannot be read: Unreadable()"),
            ("${file:/empty}", "the file \"/empty\" is empty"),
        ])
    func unset(_ text: String, _ message: String) {
        #expect(expand(text).messages == [message])
        #expect(expand(text).scalar == nil)
    }

    @Test(
        "a broken reference is refused without showing the text",
        arguments: ["${", "${}", "${ NAME}", "${1A}", "${A:=b}"])
    func malformed(_ text: String) {
        let message = "\"${\" must be followed by a variable's name and \"}\"; write $$ for a plain dollar sign"
        #expect(expand(text).messages == [message])
    }

    @Test("a value with a problem is not reported a second time by its reader")
    func reportedOnce() {
        let issues = SettingsIssues()
        let expansion = SettingsExpansion(environment: [:]) { _ in throw Unreadable() }
        let node = Nodes.mapping(["a": Nodes.text("${A}"), "b": Nodes.text("${B}"), "c": Nodes.text("${C}")])
        var map = SettingsMap(expansion.expand(node, issues: issues), issues: issues)
        _ = map.integer("a", default: 1, help: "")
        _ = map.secret("b", example: "${B}", help: "")
        _ = map.map("c", as: NoSettings.self, help: "")
        #expect(issues.sorted.count == 3)
    }
}
