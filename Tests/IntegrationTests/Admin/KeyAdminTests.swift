import PolluxCore
import PolluxTesting
import Synchronization
import Testing

@testable import PolluxApp

@Suite("Client keys at run time", .serialized)
struct KeyAdminTests {
    private static func chat(_ gateway: TestGateway, _ key: String, model: String = "sim-large") throws -> Reply {
        try gateway.ask("POST", "/v1/chat/completions", key: key, body: TestGateway.chatBody("hello", model: model))
    }

    @Test("a key opens the gateway as soon as it is made, and nothing once it is revoked (A-2, A-3)")
    func life() async throws {
        try await TestGateway.with(.administered()) { gateway in
            let made = try gateway.admin("POST", "keys", #"{"name":"team","models":["sim-small"]}"#)
            #expect(made.status == 201)
            let key = try #require(made.json["key"]?.string)
            let id = try #require(made.json["id"]?.string)
            #expect(key.hasPrefix("plx_") && key.count == 53 && ClientKeyMaker.isWellFormed(Secret(key)))
            #expect(made.json["prefix"]?.string == String(key.dropFirst(4).prefix(8)))
            #expect(try Self.chat(gateway, key, model: "sim-small").status == 200)
            #expect(try Self.chat(gateway, key).status == 403, "a model that it may not use")
            let shown = try gateway.admin("GET", "keys/\(id)")
            #expect(shown.json["last_used_at"]?.string != nil && !shown.text.contains(key))
            #expect(try gateway.admin("PATCH", "keys/\(id)", #"{"models":["*"]}"#).status == 200)
            #expect(try Self.chat(gateway, key).status == 200)
            #expect(try gateway.admin("DELETE", "keys/\(id)").json["state"]?.string == "revoked")
            #expect(try Self.chat(gateway, key).status == 401)
            let again = try gateway.admin("POST", "keys", #"{"name":"team"}"#)
            #expect(again.status == 201, "the name of a revoked key is free")
            #expect(!gateway.log.contains { $0.contains(key) })
        }
    }

    @Test("a key that has expired says so to who has it")
    func expiry() async throws {
        let time = ManualTime()
        try await TestGateway.with(.administered(), time: time) { gateway in
            let end = (time.wallNow + .seconds(90)).rfc3339Text
            let made = try gateway.admin("POST", "keys", "{\"name\":\"guest\",\"expires_at\":\"\(end)\"}")
            let key = try #require(made.json["key"]?.string)
            #expect(try Self.chat(gateway, key).status == 200)
            time.advance(by: .seconds(90))
            let reply = try Self.chat(gateway, key)
            #expect(reply.status == 401 && reply.errorMessage.contains("has expired"))
            #expect(try gateway.admin("GET", "keys?state=expired").json["items"]?[0]?["name"]?.string == "guest")
        }
    }

    @Test("keys of the settings are listed, and are changed there: the API says where")
    func ofSettings() async throws {
        try await TestGateway.with(.administered()) { gateway in
            let first = try gateway.admin("GET", "keys").json["items"]?[0]
            #expect(first?["name"]?.string == "tester" && first?["source"]?.string == "settings")
            let id = try #require(first?["id"]?.string)
            let refused = try gateway.admin("DELETE", "keys/\(id)")
            #expect(refused.status == 409 && refused.errorMessage.contains("under keys:"))
            #expect(try gateway.admin("POST", "keys", #"{"name":"tester"}"#).status == 409)
            let limits = #"{"name":"x","limits":{"requests":"60 a minute","tokns":"9/1m"}}"#
            let bad = try gateway.admin("POST", "keys", limits)
            let paths = bad.json["error"]?["details"]?.array?.compactMap { $0["param"]?.string } ?? []
            #expect(bad.status == 422 && Set(paths) == ["limits.requests", "limits.tokns"], "\(bad.text)")
            #expect(try gateway.chat("hello").status == 200)
        }
    }

    @Test("keys made at run time outlive a restart and a reload; revoked ones stay revoked")
    func restart() async throws {
        let store = MemoryStateStore()
        let made = Mutex<[String]>([])
        try await TestGateway.with(.administered(), store: store) { gateway in
            for name in ["kept", "revoked"] {
                let reply = try gateway.admin("POST", "keys", "{\"name\":\"\(name)\"}")
                let key = try #require(reply.json["key"]?.string)
                made.withLock { $0.append(key) }
                if name == "revoked" { _ = try gateway.admin("DELETE", "keys/\(reply.json["id"]?.string ?? "")") }
            }
            try await gateway.reload(.administered(", timeouts: {gap: 7s}"))
            #expect(try Self.chat(gateway, made.withLock { $0[0] }).status == 200)
        }
        try await TestGateway.with(.administered(), store: store) { gateway in
            #expect(try Self.chat(gateway, made.withLock { $0[0] }).status == 200)
            #expect(try Self.chat(gateway, made.withLock { $0[1] }).status == 401)
            let audit = try gateway.admin("GET", "audit").json["items"]?.array ?? []
            let actions = audit.compactMap { $0["action"]?.string }
            #expect(actions == ["keys.revoke", "keys.create", "keys.create"])
        }
    }
}
