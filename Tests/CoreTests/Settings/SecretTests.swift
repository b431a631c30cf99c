import PolluxCore
import Testing

@Suite("Secrets")
struct SecretTests {
    @Test("a secret hides from every way of printing")
    func hidden() {
        struct Holder { let secret: Secret }
        let secret = Secret("hunter2")
        var dumped = ""
        dump(Holder(secret: secret), to: &dumped)
        let printed = ["\(secret)", String(reflecting: secret), "\(Holder(secret: secret))", "\([secret])", dumped]
        for text in printed { #expect(!text.contains("hunter2")) }
        #expect(Mirror(reflecting: secret).children.isEmpty)
        #expect(secret.reveal() == "hunter2")
        #expect(Secret("").isEmpty && !secret.isEmpty)
    }

    @Test(
        "empty and placeholder secrets are refused",
        arguments: [
            "", " ", "changeme", "CHANGE-ME", "change_me", "your-key", "your_api_key", "YOUR_API_KEY_HERE", "sk-xxx",
            "sk-xxxxxxxxxxxxxxxx", "sk-...", "xxxx", "secret", "password", "Admin", "<key>", "<your key>", "***",
            "your token", "$API_KEY", "a\nb", "a\u{0}b",
        ])
    func placeholders(_ text: String) {
        let (value, messages) = Nodes.read(.secret, Nodes.text(text), default: Secret("fallback"))
        #expect(value == Secret("fallback"))
        #expect(messages.count == 1)
        if text.count > 6 { #expect(!messages.joined().contains(text)) }
    }

    @Test(
        "real ones pass",
        arguments: [
            "sk-xA93kd0", "hunter2hunter2", "correct horse battery", "12345678", "yourself-42", "p$ssw0rd!", "é",
        ])
    func real(_ text: String) {
        let (value, messages) = Nodes.read(.secret, Nodes.text(text), default: Secret(""))
        #expect(value == Secret(text))
        #expect(messages.isEmpty)
    }

    @Test("a kind's own message cannot show a secret or a value from the environment")
    func ownMessages() {
        var map = SettingsMap(
            Nodes.mapping([
                "key": Nodes.text("hunter2"), "keys": Nodes.list(["hunter3", "other-one"]),
                "name": Nodes.text("hunter4", from: "${N}"), "free": Nodes.text("shown"),
            ]))
        _ = map.secret("key", example: "${KEY}", help: "")
        _ = map.secretList("keys", example: "${KEY}", help: "")
        _ = map.string("name", default: "", help: "")
        _ = map.string("free", default: "", help: "")
        map.issue(at: "key", "hunter2 is weak")
        map.issue(at: "keys", "hunter3 is weak")
        map.issue(at: "name", "hunter4 is taken")
        map.issue(at: "free", "shown is taken", severity: .warning)
        #expect(
            map.issues.sorted.map(\.message) == [
                "‹secret› is weak", "‹secret› is weak", "‹from the environment› is taken", "shown is taken",
            ])
    }
}
