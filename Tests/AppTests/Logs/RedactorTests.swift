import PolluxCore
import Testing

@testable import PolluxApp

@Suite("Secrets do not reach the log (L-2)")
struct RedactorTests {
    private static let known = "correct horse battery staple"
    private let redactor = Redactor(secrets: [Secret(known), Secret("short")])

    @Test(
        "what looks like a secret is masked, alone and inside other text",
        arguments: [
            "sk-proj-abcdefghijklmn", "AIzaSyA1234567890abcdef", "plx_0123456789abcdefghijklmnopqrstuvwxyz",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl", "CSE.AbCdEfGhIjKlMnOp", "COS.AbCdEfGhIjKlMnOp",
            "g.a000AbCdEfGhIjKl", "sidts-AbCdEfGhIjKl", RedactorTests.known,
        ])
    func shapes(secret: String) {
        let places: [(String) -> String] = [
            { $0 }, { "the key \($0) was refused" }, { "https://example.org/v1?x=1&q=\($0)&y=2" },
            { "{\"a\":\"\($0)\"}" },
            { "(\($0))" }, { "a=\($0);b" }, { "https://u:\($0)@example.org/" }, { "/keys/\($0)/x" }, { "\($0)\n\($0)" },
        ]
        for place in places {
            let clean = redactor.clean(place(secret))
            #expect(!clean.contains(secret), "\(clean)")
            #expect(!clean.contains(secret.prefix(9)), "\(clean)")
            #expect(clean.contains("‹redacted›"))
        }
    }

    @Test(
        "what stands behind a telling name is masked",
        arguments: [
            "https://h/x?key=hunter2", "https://h/x?a=b&access_token=hunter2&c=d", "code=hunter2", "password=hunter2",
            "client_secret=hunter2", "__Secure-1PSID=hunter2", "__Secure-1PSIDTS=hunter2;", "__Secure-C_SES=hunter2",
            "__Host-C_OSES=hunter2", "Bearer hunter2", "bearer hunter2", "csesidx=hunter2", "sub=csesidx/hunter2",
            "Authorization: Basic hunter2", "authorization: Bearer hunter2", "authorization:hunter2",
            "Cookie: a=1; b=hunter2", "set-cookie: NID=hunter2; Path=/", "{\"api_key\":\"hunter2\"}",
            "{\"access_token\" : 1, \"token\": \"hunter2\"}", "{\"password\":\"hun\\\"hunter2\"}",
            "{\"Authorization\":\"Bearer hunter2\"}", "{\"cookie\": \"a=1; b=hunter2\"}",
            "{\"secure_c_ses\":\"hunter2\"}",
            "KEY=hunter2", "x-api-key=hunter2",
        ])
    func labels(text: String) {
        let clean = redactor.clean(text)
        #expect(!clean.contains("hunter2"), "\(clean)")
        #expect(clean.contains("‹redacted›"))
    }

    @Test(
        "ordinary text stays as it is",
        arguments: [
            "no route serves the model \"gemini-3-flsh\"", "attempt 2 of 3 took 41.5 ms", "short", "task-sk-1", "eyJ",
            "libcurl 7: Failed to connect to 127.0.0.1 port 11434",
            "{\"error\":{\"message\":\"quota\",\"status\":429}}",
            "żółć 🎈 日本語", "plx_ is what keys begin with", "a key is missing", "",
        ])
    func harmless(text: String) {
        #expect(redactor.clean(text) == text)
    }

    @Test("controls, escapes and line separators become U+FFFD, so that a record stays one line")
    func controls() {
        #expect(redactor.clean("a\r\nb\u{1B}[31m\u{0}c\u{7F}") == "a\u{FFFD}\u{FFFD}b\u{FFFD}[31m\u{FFFD}c\u{FFFD}")
        #expect(redactor.clean("a\u{2028}b\u{2029}c\u{85}d\u{9B}e") == "a\u{FFFD}b\u{FFFD}c\u{FFFD}d\u{FFFD}e")
        #expect(redactor.clean("\u{A0}\u{2027}\u{202A}ÿ") == "\u{A0}\u{2027}\u{202A}ÿ")
    }

    @Test("texts that end in the middle of a pattern are no trouble")
    func edges() {
        for text in ["key=", "bearer ", "\"token\":", "\"token\":\"", "\"token\":\"a\\", "cookie:", "sk-", "\u{C2}"] {
            #expect(redactor.clean(text).hasPrefix(text.prefix(2)))
        }
    }
}
