import PolluxCore
import PolluxSimulator
import PolluxTesting
import Testing

@Suite("Gemini Business: tokens")
struct TokenTests {
    /// One spoilt token each, with a word of the refusal.
    enum Spoilt: String, CaseIterable {
        case alg, kid, signature, iss, aud, sub, nbf, exp, lifetime, padding, parts, header, missingNbf, textualExp

        var word: String {
            switch self {
            case .lifetime: "lives longer"
            case .padding, .signature: "signature"
            case .parts: "three parts"
            case .missingNbf, .textualExp: "whole numbers"
            default: rawValue
            }
        }
    }

    @Test("a token with one fault is refused with 401, and the message names the fault", arguments: Spoilt.allCases)
    func spoiltToken(_ fault: Spoilt) async throws {
        try await withSimulator(.geminiBusiness) { server in
            let client = BusinessClient(server)
            let key = try client.key()
            let reply = try Self.create(client, token: Self.spoilt(client, key, fault))
            #expect(reply.status == 401)
            #expect(reply.json?["error"]?["status"]?.string == "UNAUTHENTICATED")
            #expect(reply.json?["error"]?["code"]?.int == 401)
            #expect(reply.json?["error"]?["message"]?.string?.contains(fault.word) == true, "\(reply.text)")
        }
    }

    @Test("a token of 300 seconds that starts now is taken, in any order of its claims")
    func goodToken() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let client = BusinessClient(server)
            let token = client.token(try client.key()) {
                $0 = JSONObject($0.members.reversed().map { ($0.key, $0.value) })
            }
            #expect(try Self.create(client, token: token).status == 200)
        }
    }

    /// Claims in relation to the simulator's clock, and whether such a token is taken.
    static let edges: [(issued: Int, starts: Int, expires: Int, isTaken: Bool)] = [
        (0, 0, 300, true), (0, 0, 301, false), (-299, -299, 1, true), (-300, -300, 0, false), (0, 1, 300, false),
        (-10, -10, 290, true), (0, -5, 60, true),
    ]

    @Test("nbf may be now but not later, exp must be later than now, exp - iat may be 300", arguments: edges.indices)
    func edgesOfTime(_ index: Int) async throws {
        let time = ManualTime()
        try await withSimulator(.geminiBusiness, .quick { $0.time = time }) { server in
            let client = BusinessClient(server)
            let (edge, now) = (Self.edges[index], Int(time.wallNow.seconds))
            let token = client.token(try client.key()) {
                $0["iat"] = .number(JSONNumber(now + edge.issued))
                $0["nbf"] = .number(JSONNumber(now + edge.starts))
                $0["exp"] = .number(JSONNumber(now + edge.expires))
            }
            #expect(try Self.create(client, token: token).status == (edge.isTaken ? 200 : 401))
        }
    }

    @Test("a token is good until its end, and not any more behind it")
    func ageing() async throws {
        let time = ManualTime()
        try await withSimulator(.geminiBusiness, .quick { $0.time = time }) { server in
            let client = BusinessClient(server)
            let now = Int(time.wallNow.seconds)
            let token = client.token(try client.key()) {
                ($0["iat"], $0["nbf"]) = (.number(JSONNumber(now)), .number(JSONNumber(now)))
                $0["exp"] = .number(JSONNumber(now + 300))
            }
            time.stepWallClock(by: .seconds(299))
            #expect(try Self.create(client, token: token).status == 200)
            time.stepWallClock(by: .seconds(1))
            #expect(try Self.create(client, token: token).status == 401)
        }
    }

    @Test("the refusal of a token carries the reason SESSION_COOKIE_INVALID")
    func reason() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let error = try Self.create(BusinessClient(server), token: "a.b.c").json?["error"]
            #expect(error?["details"]?[0]?["reason"]?.string == "SESSION_COOKIE_INVALID")
        }
    }

    @Test("an account that expires gets no key, and its earlier tokens are refused everywhere")
    func expiredAccount() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let client = BusinessClient(server)
            let bearer = try client.bearer()
            let record: JSON = [
                "csesidx": .string(client.account.csesidx), "config_id": .string(client.account.configID),
                "secure_c_ses": .string(client.account.secureCSES), "expired": true,
                "host_c_oses": .string(client.account.hostCOSES ?? ""),
            ]
            #expect(client.http.post("/__sim/accounts", [], record).status == 200)
            let key = client.signIn()
            #expect(key.status == 401 && key.text.contains("EXPIRED_SIGN_IN"))
            let reply = try client.widget("widgetListSessions", "listSessionsRequest", [:], headers: bearer)
            #expect(reply.status == 401 && reply.text.contains("SESSION_COOKIE_INVALID"))
            let path = "/v1alpha/projects/1:downloadFile?fileId=1&alt=media"
            #expect(client.http.get(path, bearer).status == 401)
            let sessions = client.http.get("/list-sessions?csesidx=498000001&rt=json", client.cookies)
            #expect(sessions.text.contains("\"expired\":true"))
            #expect(try BusinessClient(server, account: 1).createSession().hasPrefix("collections/"))
        }
    }

    @Test("a token signed with another account's key acts for that account only")
    func otherAccount() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let (first, second) = (BusinessClient(server), BusinessClient(server, account: 1))
            #expect(try Self.create(first, token: first.token(try second.key())).status == 401)
            let headers = [("authorization", "Bearer \(second.token(try second.key()))")]
            let reply = try first.widget(
                "widgetCreateSession", "createSessionRequest", ["session": [:]], headers: headers)
            #expect(reply.status == 401, "the configId is the first account's")
        }
    }

    @Test("requests without a bearer token are refused")
    func noToken() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let client = BusinessClient(server)
            for headers in [[], [("authorization", "Basic abc")], [("authorization", "Bearer ")]] {
                let reply = try client.widget("widgetListSessions", "listSessionsRequest", [:], headers: headers)
                #expect(reply.status == 401)
            }
        }
    }

    private static func create(_ client: BusinessClient, token: String) throws -> BlockingClient.Reply {
        try client.widget(
            "widgetCreateSession", "createSessionRequest", ["session": ["name": "", "displayName": ""]],
            headers: [("authorization", "Bearer \(token)")])
    }

    private static func spoilt(_ client: BusinessClient, _ key: BusinessClient.Key, _ fault: Spoilt) -> String {
        let now = WallClock.seconds
        func number(_ value: Int) -> JSON { .number(JSONNumber(value)) }
        switch fault {
        case .alg: return client.token(key, alg: "none")
        case .kid: return client.token(BusinessClient.Key(id: "sim-key-0001", bytes: key.bytes))
        case .signature: return client.token(BusinessClient.Key(id: key.id, bytes: key.bytes + [0x55]))
        case .iss: return client.token(key) { $0["iss"] = "https://example.org" }
        case .aud: return client.token(key) { $0["aud"] = "http://127.0.0.1" }
        case .sub: return client.token(key) { $0["sub"] = "csesidx/498000002" }
        case .nbf: return client.token(key) { $0["nbf"] = number(now + 30) }
        case .exp:
            return client.token(key) {
                $0["iat"] = number(now - 301)
                $0["nbf"] = number(now - 301)
                $0["exp"] = number(now - 1)
            }
        case .lifetime: return client.token(key) { $0["exp"] = number(now + 400) }
        case .padding: return client.token(key) + "="
        case .parts: return client.token(key) + ".x"
        case .header: return "e30K!." + client.token(key).split(separator: ".").dropFirst().joined(separator: ".")
        case .missingNbf: return client.token(key) { $0["nbf"] = nil }
        case .textualExp: return client.token(key) { $0["exp"] = .string(String(now + 300)) }
        }
    }
}
