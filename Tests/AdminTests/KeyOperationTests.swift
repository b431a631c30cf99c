import PolluxCore
import Testing

@testable import PolluxAdmin

@Suite("Admin API: client keys")
struct KeyOperationTests {
    private let client = APIClient()

    @Test("a key is shown when it is made, and never again (A-2)")
    func shownOnce() async throws {
        let made = try await client.send(.post, "keys", ["name": "team", "models": ["gemini-*"], "limits": .null])
        #expect(made.status == 201)
        #expect(made.json["key"]?.string == "plx_the-whole-key")
        #expect(made.json["id"]?.string == "key_1" && made.json["prefix"]?.string == "abcdefgh")
        for target in ["keys", "keys/key_1"] {
            let text = try await client.send(.get, target).json.text
            #expect(text.contains("team") && !text.contains("whole-key"))
        }
    }

    @Test("a key that would open nothing from the start is not made")
    func bornExpired() async throws {
        let body: JSON = ["name": "team", "expires_at": "1969-12-31T00:00:00Z"]
        let refused = try await client.send(.post, "keys", body)
        #expect(refused.status == 422)
        #expect(refused.json["error"]?["code"]?.string == "expires_in_the_past")
        #expect(refused.json["error"]?["param"]?.string == "expires_at")
        let made = try await client.send(.get, "keys").json["items"]?.array
        #expect(made?.isEmpty == true)
    }

    @Test("a key is changed and revoked; unknown ones are a 404 with a code")
    func life() async throws {
        _ = try await client.send(.post, "keys", ["name": "team"])
        let edited = try await client.send(.patch, "keys/key_1", ["expires_at": "2020-01-01T00:00:00Z"])
        #expect(edited.json["state"]?.string == "expired")
        #expect(try await client.send(.patch, "keys/key_1", ["expires_at": .null]).json["state"]?.string == "active")
        #expect(try await client.send(.delete, "keys/key_1").json["state"]?.string == "revoked")
        let active = try await client.send(.get, "keys?state=active").json["items"]?.array
        #expect(active?.isEmpty == true)
        let unknown = try await client.send(.delete, "keys/key_9").error
        #expect(unknown?.status == 404 && unknown?.code == "key_not_found")
    }

    @Test("pages follow one another, each item once, whatever comes in between", arguments: [1, 2, 3, 7, 100])
    func paging(limit: Int) async throws {
        for number in 0..<7 { _ = try await client.send(.post, "keys", ["name": .string("key \(number)")]) }
        var names: [String] = []
        var target = "keys?limit=\(limit)"
        for _ in 0..<10 {
            let answer = try await client.send(.get, target).json
            names += answer["items"]?.array?.compactMap { $0["name"]?.string } ?? []
            guard let next = answer["next"]?.string else { break }
            target = "keys?limit=\(limit)&cursor=\(next)"
        }
        #expect(names == (0..<7).map { "key \($0)" })
    }

    @Test("a cursor of another list, or one that was changed, is refused")
    func cursors() async throws {
        let text = Cursor(["a", "b"]).text(of: "keys")
        #expect(try Cursor(text, of: "keys").values == ["a", "b"])
        #expect(throws: AdminError.self) { try Cursor(text, of: "audit") }
        for index in text.indices {
            var changed = text
            changed.replaceSubrange(index...index, with: text[index] == "A" ? "B" : "A")
            let value = try? Cursor(changed, of: "keys")
            #expect(value == nil || changed == text)
        }
    }
}
