import PolluxCore
import PolluxSimulator
import PolluxTesting
import Testing

@testable import PolluxApp

@Suite("Accounts through the admin API", .serialized)
struct AccountAdminTests {
    private static func body(_ account: BusinessAccount, _ id: String) -> String {
        let values: JSON = [
            "csesidx": .string(account.csesidx), "config_id": .string(account.configID),
            "secure_c_ses": .string(account.secureCSES), "host_c_oses": .string(account.hostCOSES ?? "none"),
        ]
        return (["provider": "business", "id": .string(id), "values": values] as JSON).text
    }

    private static func setup(_ accounts: Int = 1) -> GatewaySetup {
        var setup = Family.geminiBusiness.setup(topLevel: "retry: {max_retries: 0}\n\(GatewaySetup.adminEntry)")
        setup.accounts = BusinessAccount.samples(accounts)
        return setup
    }

    @Test("an account works as soon as it is added, outlives a restart, and is gone once deleted")
    func added() async throws {
        let store = MemoryStateStore()
        let accounts = BusinessAccount.samples(2)
        var setup = Self.setup(2)
        // The source names the first alone; the simulator knows both.
        setup.ownAccounts = GatewaySetup.records([accounts[0]])
        let again = setup
        try await TestGateway.with(setup, store: store) { gateway in
            let reply = try gateway.admin("POST", "accounts", Self.body(accounts[1], "added@example.org"))
            #expect(reply.status == 201, "\(reply.text)")
            #expect(reply.json["source"]?.string == "admin" && !reply.text.contains(accounts[1].secureCSES))
            #expect(try gateway.pool("business").shortage().accounts == 2)
            let test = try gateway.admin("POST", "accounts/business/added%40example.org/test").json
            #expect(test["ok"]?.bool == true, "\(test.text)")
            let twice = try gateway.admin("POST", "accounts", Self.body(accounts[1], "added@example.org"))
            #expect(twice.status == 409 && twice.errorCode == "account_exists")
            let bad = try gateway.admin(
                "POST", "accounts", #"{"provider":"business","id":"x","values":{"csesidx":"1"}}"#)
            #expect(bad.status == 422)
            #expect(try gateway.admin("POST", "accounts", #"{"provider":"busines","id":"x"}"#).status == 404)
        }
        try await TestGateway.with(setup, store: store) { gateway in
            #expect(try gateway.pool("business").shortage().accounts == 2)
            try await gateway.reload(again)
            #expect(try gateway.pool("business").shortage().accounts == 2)
            #expect(try gateway.admin("DELETE", "accounts/business/added@example.org").status == 204)
            #expect(try gateway.pool("business").shortage().accounts == 1)
            let first = accounts[0].label
            let refused = try gateway.admin("DELETE", "accounts/business/\(first)")
            #expect(refused.status == 409 && refused.errorMessage.contains("\"accounts\""))
        }
    }

    @Test("a disabled account gets no request until it is enabled again")
    func disabled() async throws {
        try await TestGateway.with(Self.setup(2)) { gateway in
            let names = BusinessAccount.samples(2).map(\.label)
            let reply = try gateway.admin("POST", "accounts/business/\(names[0])/disable").json
            #expect(reply["state"]?["code"]?.string == "disabled")
            for _ in 0..<4 { #expect(try gateway.chat("hello", model: "gemini-2.5-pro").status == 200) }
            #expect(try gateway.pool("business").shortage().ready == 1)
            let both: JSON = .array(names.map { ["provider": "business", "id": .string($0)] })
            let body = (["action": "enable", "accounts": both] as JSON).text
            #expect(try gateway.admin("POST", "accounts/bulk", body).json["succeeded"]?.int == 2)
            #expect(try gateway.pool("business").shortage().ready == 2)
        }
    }

    @Test("a rest is shown with its end, and ended by hand")
    func reset() async throws {
        try await TestGateway.with(Self.setup()) { gateway in
            let account = BusinessAccount.samples(1)[0]
            try gateway.simulator(.geminiBusiness).control.add(
                FaultRule(account: account.csesidx, status: 429, retryAfter: 3000))
            _ = try gateway.chat("hello", model: "gemini-2.5-pro")
            let shown = try gateway.admin("GET", "accounts/business/\(account.label)").json
            let text = shown["classes"]?.array?.first { $0["class"]?.string == "text" }
            #expect(text?["state"]?.string == "cooling", "\(shown.text)")
            #expect((2900...3000).contains(text?["remaining_seconds"]?.int ?? 0))
            let after = try gateway.admin("POST", "accounts/business/\(account.label)/reset", #"{"class":"text"}"#)
            #expect(after.json["state"]?["code"]?.string == "ready", "\(after.text)")
            #expect(try gateway.chat("hello", model: "gemini-2.5-pro").status == 200)
        }
    }

    @Test("what is exported can be imported as it is; a preview and bad lines change nothing")
    func transfer() async throws {
        let accounts = BusinessAccount.samples(3)
        var setup = Self.setup(3)
        setup.ownAccounts = GatewaySetup.records([accounts[0]])
        try await TestGateway.with(setup) { gateway in
            for (index, account) in accounts.dropFirst().enumerated() {
                #expect(try gateway.admin("POST", "accounts", Self.body(account, "added \(index)")).status == 201)
            }
            let key = (["admin_key": .string(GatewaySetup.adminKey), "provider": "business"] as JSON).text
            let exported = try gateway.admin("POST", "accounts/export", key)
            #expect(exported.json["accounts"]?.array?.count == 3 && exported.text.contains(accounts[2].secureCSES))
            let same = try gateway.admin("POST", "accounts/import?dry_run=true", exported.text).json
            #expect(same["unchanged"]?.int == 3, "\(same.text)")
            #expect(try gateway.admin("DELETE", "accounts/business/added%201").status == 204)
            let back = try gateway.admin("POST", "accounts/import", exported.text).json
            #expect(back["created"]?.int == 1 && back["unchanged"]?.int == 2, "\(back.text)")
            #expect(try gateway.pool("business").shortage().accounts == 3)
            let broken = "[\n {\"id\": \"a\"},\n {\"id\": \"b\",\n  \"expires_at\": \"soon\"}\n]"
            let refused = try gateway.admin("POST", "accounts/import?provider=business", broken)
            let lines = refused.json["error"]?["details"]?.array?.compactMap { $0["line"]?.int } ?? []
            #expect(refused.status == 422 && Set(lines) == [2, 3], "\(refused.text)")
            let wrong = try gateway.admin("POST", "accounts/export", #"{"admin_key":"a guess"}"#)
            #expect(wrong.status == 403)
        }
    }

    @Test("mailboxes are imported line by line, and wait for a sign-in")
    func mailboxes() async throws {
        try await TestGateway.with(Self.setup()) { gateway in
            let text = "# mine\nduckmail----a@example.org----pass\n\nb@example.org----pw----client----token\n"
            let path = "accounts/import?provider=business"
            let reply = try gateway.admin("POST", path, text, type: "text/plain").json
            #expect(reply["created"]?.int == 2, "\(reply.text)")
            let shown = try gateway.admin("GET", "accounts/business/b@example.org").json
            #expect(shown["expires_at"]?.string == "1970-01-01T00:00:00Z")
            #expect(shown["state"]?["code"]?.string != "ready")
            let bad = try gateway.admin("POST", path, "ok\nduckmail----c@example.org", type: "text/plain")
            let lines = bad.json["error"]?["details"]?.array?.compactMap { $0["line"]?.int } ?? []
            #expect(bad.status == 422 && lines == [1, 2])
        }
    }
}

extension GatewaySetup {
    /// Accounts as a source has them.
    static func records(_ accounts: [BusinessAccount]) -> JSON {
        var setup = GatewaySetup()
        setup.accounts = accounts
        do { return try JSON.parse(Array(setup.accountsText.utf8)) } catch { return [] }
    }
}
