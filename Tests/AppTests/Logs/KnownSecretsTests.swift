import PolluxCore
import Testing

@testable import PolluxApp

@Suite("Secrets that are loaded while the gateway runs")
struct KnownSecretsTests {
    @Test("a secret is masked from the moment it is known, wherever it stands")
    func loadedLater() {
        let known = KnownSecrets([Secret("from-the-settings")])
        let text = "tried cookie-value-of-an-account, not from-the-settings"
        let before = known.redactor.clean(text)
        known.add([Secret("cookie-value-of-an-account"), Secret("short")])
        let after = known.redactor.clean(text)
        #expect(before == "tried cookie-value-of-an-account, not ‹redacted›")
        #expect(after == "tried ‹redacted›, not ‹redacted›")
    }

    @Test("thousands of secrets with the same beginning are told apart")
    func many() {
        let known = KnownSecrets((0..<5_000).map { Secret("same-beginning-\($0)-") })
        let clean = known.redactor.clean("x same-beginning-4321- same-beginning-9999- y")
        #expect(clean == "x ‹redacted› same-beginning-9999- y")
    }
}
