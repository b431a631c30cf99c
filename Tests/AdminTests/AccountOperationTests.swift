import PolluxCore
import Synchronization
import Testing

@testable import PolluxAdmin

@Suite("Admin API: accounts")
struct AccountOperationTests {
    private let client = APIClient()

    @Test("accounts are listed by provider and id, filtered, sorted, and without a secret")
    func list() async throws {
        client.memory.put("local", "b")
        client.memory.put("local", "a")
        client.memory.put("business", "ops@example.org")
        _ = try await client.send(.post, "accounts/local/a/disable")
        func ids(_ target: String) async throws -> [String] {
            let items = try await client.send(.get, target).json["items"]?.array ?? []
            return items.compactMap { $0["id"]?.string }
        }
        #expect(try await ids("accounts") == ["ops@example.org", "a", "b"])
        #expect(try await ids("accounts?sort=id") == ["a", "b", "ops@example.org"])
        #expect(try await ids("accounts?provider=local") == ["a", "b"])
        #expect(try await ids("accounts?state=disabled") == ["a"])
        #expect(try await ids("accounts?query=OPS") == ["ops@example.org"])
        let text = try await client.send(.get, "accounts").json.text
        #expect(!text.contains("a-secret-value") && text.contains("values.api_key"))
    }

    @Test("a disabled account says what may be done with it")
    func buttons() async throws {
        client.memory.put("local", "a")
        let state = try await client.send(.post, "accounts/local/a/disable").json["state"]
        #expect(state?["code"]?.string == "disabled" && state?["severity"]?.string == "muted")
        #expect(state?["can_enable"]?.bool == true && state?["can_disable"]?.bool == false)
        let after = try await client.send(.post, "accounts/local/a/enable").json["state"]
        #expect(after?["code"]?.string == "ready" && after?["can_enable"]?.bool == false)
        #expect(client.memory.state.withLock { $0.resets } == ["local/a all"], "enabling ends every rest")
    }

    @Test("adding, changing, deleting; secrets come in and do not come out")
    func life() async throws {
        let draft: JSON = ["provider": "local", "id": "new", "values": ["api_key": "very-secret"], "weight": 2]
        let added = try await client.send(.post, "accounts", draft)
        #expect(added.status == 201 && !added.json.text.contains("very-secret"))
        #expect(try await client.send(.post, "accounts", draft).error?.status == 409)
        let edited = try await client.send(.patch, "accounts/local/new", ["values": ["api_key": "newer"]])
        #expect(edited.status == 200)
        #expect(try await client.send(.delete, "accounts/local/new").status == 204)
        let gone = try await client.send(.get, "accounts/local/new").error
        #expect(gone?.status == 404 && gone?.code == "account_not_found")
        let text = client.memory.state.withLock { "\($0.audit)" }
        #expect(!text.contains("secret") && !text.contains("newer"))
    }

    @Test("of many accounts each has its own outcome")
    func bulk() async throws {
        client.memory.put("local", "a")
        client.memory.put("local", "b")
        let names: JSON = [
            ["provider": "local", "id": "a"], ["provider": "local", "id": "nobody"], ["provider": "local", "id": "b"],
        ]
        let answer = try await client.send(.post, "accounts/bulk", ["action": "disable", "accounts": names]).json
        #expect(answer["succeeded"]?.int == 2 && answer["failed"]?.int == 1)
        #expect(answer["items"]?[1]?["error"]?["code"]?.string == "account_not_found")
        #expect(client.memory.state.withLock { $0.disabled.filter { $0.id != "nobody" }.count } == 2)
    }

    @Test("a test says how far it came; a reset names the class; history has its evidence")
    func inspection() async throws {
        client.memory.put("local", "a")
        let test = try await client.send(.post, "accounts/local/a/test").json
        #expect(test["ok"]?.bool == false && test["steps"]?[0]?["ok"]?.bool == true)
        #expect(test["steps"]?[1]?["problem"]?.string == "rejected")
        _ = try await client.send(.post, "accounts/local/a/reset", ["class": "images"])
        _ = try await client.send(.post, "accounts/local/a/reset")
        #expect(client.memory.state.withLock { $0.resets } == ["local/a images", "local/a all"])
        let history = try await client.send(.get, "accounts/local/a/transitions").json["items"]?[0]
        #expect(history?["evidence"]?["upstream_status"]?.int == 429 && history?["class"]?.string == "images")
        #expect(try await client.send(.get, "accounts/local/nobody/transitions").error?.status == 404)
    }

    @Test("an export needs the admin key once more, and is audited")
    func export() async throws {
        client.memory.put("local", "a")
        let refused = try await client.send(.post, "accounts/export", ["admin_key": "a guess"])
        #expect(refused.error?.status == 403)
        #expect(client.memory.state.withLock { $0.audit.isEmpty })
        let key = JSON.string(MemoryBackend.adminKey)
        let answer = try await client.send(.post, "accounts/export", ["admin_key": key])
        #expect(answer.json["accounts"]?[0]?["api_key"]?.string == "a-secret-value")
        #expect(client.memory.state.withLock { $0.audit.map(\.action) } == ["accounts.export"])
        let text = try await client.send(.post, "accounts/export", ["admin_key": key, "format": "text"])
        #expect(text.json.string == "a a-secret-value\n")
        #expect(client.memory.state.withLock { $0.audit.count } == 2)
        let format = try await client.send(.post, "accounts/export", ["admin_key": key, "format": "xml"])
        #expect(format.error?.param == "format")
        let other = try await client.send(
            .post, "accounts/export", ["admin_key": key, "accounts": [["provider": "local", "id": "z"]]])
        #expect(other.error?.status == 404)
    }
}

@Suite("Admin API: importing accounts")
struct ImportTests {
    private let client = APIClient()

    private func send(_ text: String, _ query: String = "") async throws -> APIClient.Answer {
        try await client.send(
            .post, "accounts/import?provider=local\(query)", bytes: Array(text.utf8), type: "text/plain")
    }

    @Test("a dry run says what would happen and does nothing; the import then does it")
    func preview() async throws {
        client.memory.put("local", "a", ["api_key": "one", "other": "kept"])
        client.memory.put("local", "b", ["api_key": "two"])
        let text = "a new-value\nb two\nc three"
        let preview = try await send(text, "&dry_run=true").json
        #expect(preview["applied"]?.bool == false)
        #expect(preview["items"]?.array?.compactMap { $0["outcome"]?.string } == ["changed", "unchanged", "created"])
        #expect(client.memory.state.withLock { $0.accounts.count } == 2)
        #expect(try await send(text).json["applied"]?.bool == true)
        let accounts = client.memory.state.withLock { $0.accounts }
        #expect(accounts[AccountName(provider: "local", id: "a")]?["api_key"]?.reveal() == "new-value")
        #expect(accounts[AccountName(provider: "local", id: "a")]?["other"]?.reveal() == "kept")
        #expect(accounts[AccountName(provider: "local", id: "c")] != nil)
    }

    @Test("bad lines are named, and nothing is imported unless the rest is asked for")
    func badLines() async throws {
        let text = "a one\nbroken\n\nb two\na twice"
        let refused = try await send(text).error
        #expect(refused?.status == 422 && refused?.code == "invalid_records")
        #expect(refused?.details.map(\.line) == [2, 5])
        #expect(refused?.details.last?.message.contains("line 1") == true)
        #expect(client.memory.state.withLock { $0.accounts.isEmpty && $0.audit.isEmpty })
        let partial = try await send(text, "&partial=true").json
        #expect(partial["created"]?.int == 2 && partial["invalid"]?.int == 2)
        #expect(client.memory.state.withLock { $0.audit.map(\.action) } == ["accounts.import"])
    }

    @Test("a record for a provider that is not there is bad")
    func unknownProvider() async throws {
        let answer = try await client.send(
            .post, "accounts/import?provider=busines", bytes: Array("a one".utf8), type: "text/plain")
        #expect(answer.error?.details.first?.message.contains("did you mean \"business\"") == true)
        let nobody = try await client.send(.post, "accounts/import", bytes: Array("a one".utf8), type: "text/plain")
        #expect(nobody.error?.details.first?.message.contains("name the provider") == true)
    }
}
