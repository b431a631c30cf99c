import PolluxCore
import Testing

@testable import PolluxCredentialSources

@Suite("Account records")
struct AccountListTests {
    private func parse(_ text: String) throws(AccountList.Fault) -> [Credential] {
        try AccountList.parse(Array(text.utf8))
    }

    private func problems(_ text: String) -> String? {
        do {
            _ = try parse(text)
            return nil
        } catch {
            return "\(error)"
        }
    }

    @Test("every text is kept under its name, the fields about the account are read")
    func record() throws {
        let credentials = try parse(
            #"""
            [{"id": "ops1@mail.example.org", "secure_c_ses": "CSE.Ad-invented", "host_c_oses": "COS.Af-invented",
              "csesidx": 498000001, "config_id": "0cd0aa00-0000-4000-8000-00000000c0de",
              "expires_at": "2026-01-31 18:00:00", "disabled": true, "disabled_reason": "holiday",
              "proxy": "socks5h://user:pass@127.0.0.1:1080", "trial_end": "2026-02-01",
              "SECURE_1PSID": "g.a000", "mail_settings": {"a": 1}, "tags": ["x"], "note": null, "automatic": false}]
            """#)
        let expected = Credential(
            accountID: "ops1@mail.example.org",
            values: [
                "secure_c_ses": Secret("CSE.Ad-invented"), "host_c_oses": Secret("COS.Af-invented"),
                "csesidx": Secret("498000001"), "config_id": Secret("0cd0aa00-0000-4000-8000-00000000c0de"),
                "disabled_reason": Secret("holiday"), "trial_end": Secret("2026-02-01"),
                "secure_1psid": Secret("g.a000"),
            ],
            // 18:00 at UTC+8 is 10:00 UTC.
            expiresAt: WallTime(seconds: 1_769_853_600), isDisabled: true,
            proxy: Secret("socks5h://user:pass@127.0.0.1:1080"))
        #expect(credentials == [expected])
    }

    @Test("csesidx is the same as a number and as a text", arguments: ["498000001", "\"498000001\"", "4.98000001e8"])
    func csesidx(written: String) throws {
        #expect(try parse("[{\"csesidx\": \(written)}]").first?["csesidx"] == Secret("498000001"))
    }

    @Test("cookie values are kept byte for byte")
    func byteExact() throws {
        let value = "CSE.A%2Fd-_.ä b"
        #expect(try parse(#"[{"secure_c_ses": "\#(value)"}]"#).first?["secure_c_ses"] == Secret(value))
    }

    @Test("the older names of config_id are read", arguments: ["team_id", "group_id", "config_id"])
    func aliases(name: String) throws {
        #expect(try parse("[{\"\(name)\": \"c\"}]").first?["config_id"] == Secret("c"))
        #expect(try parse("[{\"config_id\": \"c\", \"\(name)x\": \"y\"}]").first?["config_id"] == Secret("c"))
    }

    @Test(
        "the cookies of a Gemini web account are read under each of their names",
        arguments: ["secure_1psid", "SECURE_1PSID", "__Secure-1PSID"])
    func webCookies(name: String) throws {
        let record = try parse(#"[{"\#(name)": "g.a000", "\#(name)TS": "x", "auth_user": 1}]"#).first
        #expect(record?["secure_1psid"] == Secret("g.a000"))
        #expect(record?["auth_user"] == Secret("1"))
    }

    @Test("a browser's list of cookies is kept whole; what is wrong with it is named by its place")
    func cookieList() throws {
        let list = #"[{"name":"__Secure-1PSID","value":"g.a000","domain":".google.com","secure":true}]"#
        #expect(try parse(#"[{"cookies": \#(list)}]"#).first?["cookies"] == Secret(list))
        #expect(try parse(#"[{"cookies": []}]"#).first?["cookies"] == nil)
        #expect(problems(#"[{"cookies": {}}]"#)?.contains("accounts[0].cookies: expected a list") == true)
        #expect(
            problems(#"[{"cookies": [{"name": "a", "value": 1}, 7]}]"#)
                == "accounts[0].cookies[0].value: expected a text, found a number; "
                + "accounts[0].cookies[1].name: expected a text, found a number; "
                + "accounts[0].cookies[1].value: expected a text, found a number")
    }

    @Test("an account without an id is named after its place, from 1")
    func defaultNames() throws {
        let credentials = try parse(#"{"accounts": [{"id": ""}, {"id": 7}, {}]}"#)
        #expect(credentials.map(\.accountID) == ["account_1", "7", "account_3"])
    }

    @Test("a bare list and an object with accounts are the same, also behind a byte order mark")
    func forms() throws {
        let list = try parse(#"[{"id":"a"}]"#)
        #expect(try parse(#"{"version": 2, "accounts": [{"id":"a"}]}"#) == list)
        #expect(try parse("\u{FEFF}[{\"id\":\"a\"}]") == list)
        #expect(try parse("[]").isEmpty)
    }

    @Test(
        "everything wrong with the records is told with place and field, and without values",
        arguments: [
            (#"[{"id":"a"},{"id":true}]"#, "accounts[1].id: expected a text, found a Boolean"),
            (#"[{"csesidx":["1"]}]"#, "accounts[0].csesidx: expected a text or a number, found an array"),
            (#"[{"proxy":1}]"#, "accounts[0].proxy: expected a text, found a number"),
            (#"[{"disabled":"yes"}]"#, "accounts[0].disabled: expected true or false, found a string"),
            (#"[{"weight":0}]"#, "accounts[0].weight: expected a whole number from 1 to 100"),
            (#"[{"weight":"2"}]"#, "accounts[0].weight: expected a whole number from 1 to 100"),
            (#"[{"weight":2.5}]"#, "accounts[0].weight: expected a whole number from 1 to 100"),
            (
                #"[{"expires_at":"tomorrow"}]"#,
                "accounts[0].expires_at: expected a time like \"2026-01-31 18:00:00\" (UTC+8)"
                    + " or \"2026-01-31T10:00:00Z\""
            ),
            (
                #"[{"expires_at":5}]"#,
                "accounts[0].expires_at: expected a time like \"2026-01-31 18:00:00\" (UTC+8)"
                    + " or \"2026-01-31T10:00:00Z\""
            ),
            (
                #"[{"config_id":"a","team_id":"b"}]"#,
                "accounts[0].team_id: says something else than another field for config_id; keep one of them"
            ),
            ("[1]", "accounts[0]: expected an object, found a number"),
            (
                #"[{"id":"a"},{"id":"b"},{"id":"a"}]"#,
                "accounts[2].id: \"a\" is also the id of accounts[0]; give each account its own"
            ),
            (
                #"[{},{"id":"account_1"}]"#,
                "accounts[1].id: \"account_1\" is also the id of accounts[0]; give each account its own"
            ),
            ("{}", "expected a list of accounts, [{…}], or an object {\"accounts\": [{…}]}, found an object"),
            (
                #"{"accounts":"CSE.secret"}"#,
                "expected a list of accounts, [{…}], or an object {\"accounts\": [{…}]}, "
                    + "found \"accounts\" with a string"
            ),
        ])
    func refusals(text: String, message: String) {
        #expect(problems(text) == message)
    }

    @Test("all records are checked in one go")
    func severalProblems() {
        #expect(
            problems(#"[{"disabled":1},{"id":[]}]"#)
                == "accounts[0].disabled: expected true or false, found a number; "
                + "accounts[1].id: expected a text, found an array")
        let many = "[" + Array(repeating: "1", count: 12).joined(separator: ",") + "]"
        #expect(problems(many)?.hasSuffix("accounts[9]: expected an object, found a number; and 2 more") == true)
    }

    @Test("a slip of the pen is told with line and column, and no secret is quoted")
    func syntax() {
        let problem = problems("[\n  {\"secure_c_ses\": \"CSE.secret\" \"x\"}\n]") ?? ""
        #expect(problem.contains("line 2, column 33"))
        #expect(!problem.contains("CSE.secret"))
    }

    @Test(
        "times are read as UTC+8, others are refused",
        arguments: [
            ("1970-01-01 08:00:00", 0), ("2024-02-29T23:59:59", 1_709_222_399), ("2026-01-01 00:00:00", 1_767_196_800),
            ("2026-02-29 00:00:00", nil), ("2026-1-1 00:00:00", nil), ("2026-01-01 00:00", nil), ("2026-01-01", nil),
            ("2026-01-01 24:00:00", nil), ("2026-01-01 00:00:0x", nil), ("２026-01-01 00:00:00", nil), ("", nil),
        ] as [(String, Int64?)])
    func dates(text: String, seconds: Int64?) {
        #expect(AccountDate.parse(text) == seconds.map { WallTime(seconds: $0) })
    }
}
