import PolluxCore
import PolluxCredentialSources
import Testing

@Suite("Mailboxes as lines of text")
struct MailboxLineTests {
    private static let lines = [
        "duckmail----a@example.org----pass word", "moemail----b@example.org----box-7", "gptmail----c@example.org",
        "freemail----d@example.org", "freemail----e@example.org----https://m.example.org--------verify",
        "cfmail----f@example.org----token", "g@example.org----password----client----refresh",
    ]

    @Test("what is written is what was read")
    func roundTrip() throws {
        let text = Self.lines.joined(separator: "\n") + "\n"
        let records = try AccountImportReader.readLines(Array(text.utf8))
        #expect(records.allSatisfy { $0.problems.isEmpty })
        #expect(AccountLineWriter.text(records.compactMap(\.credential)) == text)
    }

    @Test(
        "an account that no line can hold is a comment, which an import passes over",
        arguments: [
            Credential(accountID: "amber", values: ["secure_1psid": Secret("a-secret")]),
            Credential(
                accountID: "amber", values: ["mail_provider": Secret("gptmail"), "mail_address": Secret("a@b.org")]),
            Credential(
                accountID: "a@b.org",
                values: [
                    "mail_provider": Secret("duckmail"), "mail_address": Secret("a@b.org"),
                    "mail_password": Secret("a----secret"),
                ]),
            Credential(
                accountID: "a@b.org",
                values: [
                    "mail_provider": Secret("duckmail"), "mail_address": Secret("a@b.org"),
                    "mail_password": Secret("a-secret\nx"),
                ]),
        ])
    func comment(credential: Credential) throws {
        let text = AccountLineWriter.text([credential])
        #expect(text == "# \(credential.accountID): no mailbox that a line could hold; export it as JSON\n")
        #expect(try AccountImportReader.readLines(Array(text.utf8)).isEmpty)
    }
}
