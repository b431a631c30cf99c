import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxApp

@Suite("Who reaches the admin API", .serialized)
struct AdminDoorTests {
    private static let paths = [
        "/admin/api/v1/keys", "/admin/api/v1/nothing", "/admin/api/v1/openapi.json", "/admin/nothing", "/admin",
        "/admin/accounts", "/admin/api/v1/accounts/local/x",
    ]

    @Test("without the admin key every path below it answers alike, whether it is there or not")
    func alike() async throws {
        try await TestGateway.with(.administered()) { gateway in
            for path in Self.paths {
                for key in [nil, GatewaySetup.clientKey] {
                    let reply = try gateway.ask("GET", path, key: key)
                    // A client key counts as a guess, and guesses are limited.
                    #expect(reply.status == 401 || reply.status == 429, "\(path)")
                    if reply.status == 401 { #expect(reply.errorCode == "unauthorized") }
                }
            }
        }
    }

    @Test("a gateway without an admin key has no such path")
    func none() async throws {
        try await TestGateway.with { gateway in
            for path in Self.paths + ["/anything"] {
                for key in [nil, GatewaySetup.adminKey, GatewaySetup.clientKey] {
                    let reply = try gateway.ask("GET", path, key: key)
                    #expect(reply.status == 404 && reply.errorCode == "unknown_url", "\(path)")
                }
            }
        }
    }

    @Test("the admin key is no client key, and a client key no admin key (A-5)")
    func apart() async throws {
        try await TestGateway.with(.administered()) { gateway in
            #expect(try gateway.admin("GET", "keys").status == 200)
            #expect(try gateway.admin("GET", "keys", key: GatewaySetup.clientKey).status == 401)
            let reply = try gateway.ask(
                "POST", "/v1/chat/completions", key: GatewaySetup.adminKey, body: TestGateway.chatBody("hello"))
            #expect(reply.status == 401)
        }
    }

    @Test("after five wrong keys even the right one waits a minute (A-8); the log names the address, never the key")
    func throttle() async throws {
        let time = ManualTime()
        try await TestGateway.with(.administered(), time: time) { gateway in
            for _ in 0..<5 { #expect(try gateway.admin("GET", "keys", key: "a-wrong-key-12345").status == 401) }
            let reply = try gateway.admin("GET", "keys")
            #expect(reply.status == 429 && reply.head["retry-after"] == "60")
            time.advance(by: .seconds(60))
            #expect(try gateway.admin("GET", "keys").status == 200)
            #expect(gateway.log.contains { $0.contains("admin sign-in failed") && $0.contains("127.0.0.1") })
            #expect(!gateway.log.contains { $0.contains("a-wrong-key") || $0.contains(GatewaySetup.adminKey) })
        }
    }

    @Test("on loopback only its own names are let in, so that no web page reaches it by a name of its own (W-5)")
    func rebinding() async throws {
        var setup = GatewaySetup.administered()
        setup.server = ", allowed_hosts: [gate.example.org]"
        try await TestGateway.with(setup) { gateway in
            func status(_ host: String) throws -> Int {
                let client = try RawClient(port: gateway.port)
                try client.send(
                    TestGateway.request("GET", "/admin/api/v1/keys", key: GatewaySetup.adminKey, host: host))
                return try client.reply().status
            }
            for host in ["localhost", "LOCALHOST:\(gateway.port)", "127.0.0.1:1", "[::1]", "gate.example.org"] {
                let found = try status(host)
                #expect(found == 200, "\(host)")
            }
            for host in ["evil.example.org", "127.0.0.1.evil.example.org", "localhost.evil.example.org:80"] {
                let found = try status(host)
                #expect(found == 403, "\(host)")
            }
        }
    }

    @Test("answers carry what keeps them out of caches and sniffers, and nothing for other origins (W-1, W-4)")
    func fields() async throws {
        var setup = GatewaySetup.administered()
        setup.topLevel += "\ncors: {allowed_origins: [\"https://chat.example.org\"]}"
        try await TestGateway.with(setup) { gateway in
            let reply = try gateway.admin("GET", "keys", fields: ["Origin: https://chat.example.org"])
            #expect(reply.head["cache-control"] == "no-store" && reply.head["x-content-type-options"] == "nosniff")
            #expect(reply.head["x-request-id"]?.hasPrefix("req_") == true)
            #expect(reply.head["access-control-allow-origin"] == nil)
            let preflight = try gateway.ask(
                "OPTIONS", "/admin/api/v1/keys", key: nil, fields: ["Origin: https://chat.example.org"])
            #expect(preflight.status == 401 && preflight.head["access-control-allow-methods"] == nil)
        }
    }

    @Test("a key in the URL is not read and not logged; a browser is sent to the sign-in page")
    func keyInURL() async throws {
        try await TestGateway.with(.administered()) { gateway in
            let target = "/admin/accounts?key=\(GatewaySetup.adminKey)"
            #expect(try gateway.ask("GET", target, key: nil).status == 401)
            let page = try gateway.ask("GET", target, key: nil, fields: ["Accept: text/html,*/*;q=0.8"])
            #expect(page.status == 302 && page.head["location"] == "/admin/")
            let itself = try gateway.ask("GET", "/admin/", key: nil, fields: ["Accept: text/html"])
            #expect(itself.status == 401)
            #expect(!gateway.log.contains { $0.contains(GatewaySetup.adminKey) })
        }
    }

    @Test(
        "the prefix may be v1: clients have /v1/v1, the operator /v1/admin, and nothing above it says that it is there")
    func prefixLikeAVersion() async throws {
        try await TestGateway.with(.administered(prefix: "v1")) { gateway in
            let chat = try gateway.ask("POST", "/v1/v1/chat/completions", body: TestGateway.chatBody("hello"))
            #expect(chat.answerText == "echo[sim-large|turn=1]: hello")
            let accounts = try gateway.admin("GET", "accounts", prefix: "/v1")
            #expect(accounts.status == 200 && accounts.json["items"]?.array?.count == 1)
            #expect(try gateway.admin("GET", "accounts", key: nil, prefix: "/v1").status == 401)
            // What a stranger is told at the top is what any path is told.
            let unknown = try gateway.ask("GET", "/nothing/here", key: nil)
            #expect(unknown.status == 404)
            for path in ["/", "/admin", "/admin/", "/admin/api/v1/accounts", "/accounts", "/api/cookies"] {
                for key in [nil, GatewaySetup.adminKey] {
                    let reply = try gateway.ask("GET", path, key: key)
                    #expect(reply.status == 404 && reply.text == unknown.text, "\(path)")
                    #expect(reply.head["www-authenticate"] == nil && reply.head["location"] == nil, "\(path)")
                }
            }
        }
    }

    @Test(
        "a key in the URL of the operator's paths opens nothing, below a prefix too, and is in no record of the log",
        arguments: ["", "v1"])
    func keyInPrefixedURL(prefix: String) async throws {
        try await TestGateway.with(.administered(prefix: prefix)) { gateway in
            let base = prefix.isEmpty ? "" : "/" + prefix
            for path in ["/admin", "/admin/accounts", "/admin/api/v1/accounts", "/api/cookies"] {
                let target = "\(base)\(path)?key=\(GatewaySetup.adminKey)&x=1"
                let script = try gateway.ask("GET", target, key: nil, fields: ["Accept: application/json"])
                #expect(script.status == 401 || script.status == 429, "\(path)")
                let browser = try gateway.ask("GET", target, key: nil, fields: ["Accept: text/html"])
                #expect(browser.status == 302 || browser.status == 429, "\(path)")
                #expect(browser.head["location"] == nil || browser.head["location"] == "\(base)/admin/", "\(path)")
                #expect(!(script.text + browser.text).contains(GatewaySetup.adminKey))
            }
            #expect(gateway.log.contains { $0.contains("admin sign-in failed") })
            #expect(!gateway.log.contains { $0.contains(GatewaySetup.adminKey) })
        }
    }

    @Test("with a prefix the admin API stands below it alone, and clients below it and beside it")
    func prefix() async throws {
        try await TestGateway.with(.administered(prefix: "v1")) { gateway in
            #expect(try gateway.admin("GET", "keys", prefix: "/v1").status == 200)
            let outside = try gateway.ask("GET", "/admin/api/v1/keys", key: GatewaySetup.adminKey)
            #expect(outside.status == 404)
            let other = try gateway.ask("GET", "/anything", key: nil)
            #expect(outside.status == other.status)
            for path in ["/v1/v1/chat/completions", "/v1/chat/completions"] {
                let reply = try gateway.ask("POST", path, body: TestGateway.chatBody("hello"))
                #expect(reply.answerText == "echo[sim-large|turn=1]: hello", "\(path)")
            }
            let older = try gateway.ask("GET", "/v1/accounts", key: GatewaySetup.adminKey)
            #expect(older.json["total"]?.int == 1)
            let page = try gateway.ask("GET", "/v1/admin?key=x", key: nil, fields: ["Accept: text/html"])
            #expect(page.head["location"] == "/v1/admin/")
        }
    }
}
