import PolluxCore
import PolluxSimulator
import PolluxTesting
import Testing

@testable import PolluxApp

@Suite("Paths of earlier gateways for everybody, and for clients", .serialized)
struct OlderPublicTests {
    @Test("load, uptime and the log are open, below a prefix too, and name nobody", arguments: ["", "/team"])
    func open(base: String) async throws {
        let time = ManualTime()
        var setup = GatewaySetup.administered(prefix: base.isEmpty ? "" : "team")
        setup.topLevel += "\nmodels: [{id: mine, targets: [local/sim-large]}]"
        try await TestGateway.with(setup, time: time, store: MemoryStateStore()) { gateway in
            #expect(try gateway.ask("GET", "\(base)/public/stats", key: nil).json["total_requests"]?.int == 0)
            #expect(try gateway.chat("a secret prompt", model: "mine").status == 200)
            #expect(try gateway.chat("again", model: "a name that nobody knows").status == 404)
            let path = "\(base)/public/log?limit=5"
            // Requests are collected for a second, and what is shown is read every few.
            let isThere = try eventually {
                time.advance(by: .seconds(4))
                return try gateway.ask("GET", path, key: nil).json["total"]?.int == 2
            }
            #expect(isThere)
            let log = try gateway.ask("GET", path, key: nil)
            #expect(log.json["logs"]?.array?.map { $0["status"]?.string } == ["error", "success"])
            #expect(log.json["logs"]?[1]?["events"]?[0]?["content"]?.string == "mine")
            let stats = try gateway.ask("GET", "\(base)/public/stats", key: nil).json
            #expect(stats["total_requests"]?.int == 2 && stats["total_visitors"]?.int == 1)
            let uptime = try gateway.ask("GET", "\(base)/public/uptime?days=30", key: nil).json
            #expect(uptime["services"]?["mine"]?["status"]?.string == "up")
            #expect(uptime["services"]?["account_pool"]?["total"]?.int == 1)
            let everything = log.text + stats.text + uptime.text
            for secret in ["secret prompt", "nobody knows", "tester", GatewaySetup.clientKey, "key-", "127.0.0.1"] {
                #expect(!everything.contains(secret), "\(secret)")
            }
            #expect(try gateway.ask("POST", "\(base)/public/log", key: nil).status == 404)
            #expect(try gateway.ask("GET", "\(base)/public/nothing", key: nil).status == 404)
        }
    }

    @Test("what the gateway is and offers is told to clients with a key, as far as the key reaches")
    func info() async throws {
        var setup = GatewaySetup.administered()
        setup.keys = "[{name: tester, key: \(GatewaySetup.clientKey), models: [sim-large]}]"
        try await TestGateway.with(setup) { gateway in
            for path in ["/api/info", "/api/models"] {
                #expect(try gateway.ask("GET", path, key: nil).status == 401)
                #expect(try gateway.ask("GET", "\(path)?key=\(GatewaySetup.clientKey)", key: nil).status == 401)
            }
            let info = try gateway.ask("GET", "/api/info").json
            #expect(info["name"]?.string == "pollux" && info["version"]?.string == PolluxVersion.text)
            #expect(info["models"] == ["sim-large"])
            #expect(info["providers"] == [["kind": "openai-compatible", "accounts": 1, "available": 1]])
            let models = try gateway.ask("GET", "/api/models").json
            #expect(models == ["models": [["id": "sim-large", "type": "text", "available": true]]])
            let id = try #require(try gateway.pool("local").reports().first?.accountID)
            _ = try gateway.admin("POST", "accounts/local/\(id)/disable")
            let later = try gateway.ask("GET", "/api/models").json
            #expect(later["models"]?[0]?["available"]?.bool == false)
        }
    }

    @Test("/health says what is remembered", arguments: ["/health", "/team/health"])
    func health(path: String) async throws {
        var setup = GatewaySetup.administered(prefix: "team")
        // With one account there is nothing to remember.
        setup.upstreamKeys = [GatewaySetup.firstKey, GatewaySetup.secondKey]
        try await TestGateway.with(setup) { gateway in
            #expect(
                try gateway.ask("GET", path, key: nil).json == [
                    "status": "ok", "conversations": 0, "images": 0,
                ])
            _ = try gateway.chat("hello")
            let health = try gateway.ask("GET", path, key: nil).json
            #expect(health["status"]?.string == "ok" && health["conversations"]?.int ?? 0 > 0)
        }
    }

    // MARK: Cookies

    private static func post(_ gateway: TestGateway, _ body: JSON, key: String? = GatewaySetup.adminKey) throws -> Reply
    {
        try gateway.ask("POST", "/api/cookies", key: key, body: body.text)
    }

    private static let topLevel = "retry: {max_retries: 0}\n\(GatewaySetup.adminEntry)"

    @Test("new cookies are tried, then take the place of the old ones")
    func cookies() async throws {
        try await WebUpstream.with(topLevel: Self.topLevel) { gateway, upstream in
            #expect(try gateway.askWeb("Hello", stream: false).status == 200)
            let swapped = try Self.post(
                gateway, ["SECURE_1PSID": "g.a000sim-birch", "SECURE_1PSIDTS": "sidts-sim-birch-0"])
            #expect(swapped.status == 200, "\(swapped.text)")
            #expect(swapped.json == ["success": true, "account": "amber", "status": "ready"])
            #expect(try gateway.askWeb("Hello again", stream: false).status == 200)
            let asked = try upstream.questions().map { $0["account"]?.string }
            #expect(asked == ["amber", "birch"], "the account has the new sign-in")
            let audit = try gateway.admin("GET", "audit")
            #expect(audit.json["items"]?[0]?["action"]?.string == "accounts.edit")
            #expect(!gateway.log.contains { $0.contains("sidts-sim-birch") || $0.contains("g.a000sim-birch") })
        }
    }

    @Test("cookies that the upstream does not take change nothing, and the answer says why")
    func badCookies() async throws {
        try await WebUpstream.with(topLevel: Self.topLevel) { gateway, upstream in
            let refused = try Self.post(gateway, ["account": "amber", "SECURE_1PSID": "g.a000-of-nobody"])
            #expect(refused.status == 422, "\(refused.text)")
            #expect(refused.json["success"]?.bool == false && refused.json["account"]?.string == "amber")
            #expect(refused.json["status"]?.string?.isEmpty == false)
            #expect(try gateway.askWeb("Hello", stream: false).status == 200)
            let asked = try upstream.questions().map { $0["account"]?.string }
            #expect(asked == ["amber"])
            #expect(try gateway.admin("GET", "audit").json["items"]?.array?.isEmpty == true)
        }
    }

    @Test("they need the admin key, and are checked field by field")
    func cookieFields() async throws {
        try await WebUpstream.with(topLevel: Self.topLevel) { gateway, _ in
            #expect(try Self.post(gateway, ["SECURE_1PSID": "x"], key: nil).status == 401)
            #expect(try Self.post(gateway, ["SECURE_1PSID": "x"], key: GatewaySetup.clientKey).status == 401)
            let faults: [(JSON, Int, String?)] = [
                ([:], 400, "SECURE_1PSID"), (["SECURE_1PSID": 5], 400, "SECURE_1PSID"),
                (["SECURE_1PSID": "x", "SECURE_1PSIDT": "y"], 400, "SECURE_1PSIDT"),
                (["SECURE_1PSID": "x", "account": "nobody"], 404, nil), ([], 400, nil),
            ]
            for (body, status, param) in faults {
                let reply = try Self.post(gateway, body)
                let found = reply.json["error"]?["param"]?.string
                #expect(reply.status == status && found == param, "\(body.text): \(reply.text)")
            }
            #expect(try gateway.ask("GET", "/api/cookies", key: GatewaySetup.adminKey).status == 405)
        }
    }
}
