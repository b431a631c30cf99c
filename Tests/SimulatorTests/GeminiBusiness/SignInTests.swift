import PolluxCore
import PolluxSimulator
import Testing

@Suite("Gemini Business: sign-in")
struct SignInTests {
    @Test("getoxsrf answers the key behind the four guarding characters")
    func guardedKey() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let reply = BusinessClient(server).signIn()
            #expect(reply.status == 200)
            #expect(reply.text.hasPrefix(")]}'\n{"))
            let key = try BusinessClient.key(in: reply)
            #expect(key.id.utf8.count >= 200)
            #expect(key.bytes.count >= 32)
            #expect(!reply.text.contains("="))
        }
    }

    @Test("keys end in every way that unpadded Base64 can end")
    func keyLengths() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let client = BusinessClient(server)
            let lengths = try Set((0..<3).map { _ in try client.key().bytes.count % 3 })
            #expect(lengths == [0, 1, 2])
        }
    }

    static let badCookies: [[(String, String)]] = [
        [], [("cookie", "__Secure-C_SES=CSE.Ad-other")],
        [("cookie", "__Secure-C_SES=CSE.Ad-invented-001; __Host-C_OSES=COS.Af-other")],
        [("cookie", "__Host-C_OSES=COS.Af-invented-001")],
        [("cookie", "x__Secure-C_SES=CSE.Ad-invented-001")],
    ]

    @Test("wrong or missing cookies are an expired sign-in", arguments: badCookies.indices)
    func wrongCookies(_ index: Int) async throws {
        try await withSimulator(.geminiBusiness) { server in
            let reply = BusinessClient(server).signIn(cookies: Self.badCookies[index])
            #expect(reply.status == 401)
            #expect(reply.text == ")]}'\n{\"message\":\"Session has expired.\",\"status\":\"EXPIRED_SIGN_IN\"}")
        }
    }

    @Test("another account's index does not go with these cookies")
    func wrongIndex() async throws {
        try await withSimulator(.geminiBusiness) { server in
            #expect(BusinessClient(server).signIn(csesidx: "498000002").status == 401)
            #expect(BusinessClient(server).signIn(csesidx: "1").status == 401)
        }
    }

    @Test("the second cookie may be left out, and stand before the first")
    func optionalCookie() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let client = BusinessClient(server)
            let first = "__Secure-C_SES=\(client.account.secureCSES)"
            #expect(client.signIn(cookies: [("cookie", first)]).status == 200)
            let both = "__Host-C_OSES=\(client.account.hostCOSES ?? ""); NID=1; \(first)"
            #expect(client.signIn(cookies: [("cookie", both)]).status == 200)
        }
    }

    @Test("a redirected account gets its key over refreshcookies and setocookie, then keeps it with the new cookie")
    func redirectedVariant() async throws {
        let options = SimulatorOptions.quick { $0.accounts[0].isRedirected = true }
        try await withSimulator(.geminiBusiness, options) { server in
            let client = BusinessClient(server)
            let first = client.signIn()
            #expect(first.status == 302)
            let refresh = try #require(first.field("location"))
            #expect(refresh.hasPrefix("\(server.url)/") && refresh.contains("refreshcookies"))

            let second = client.http.get(String(refresh.dropFirst(server.url.count)), client.cookies)
            #expect(second.text.hasPrefix(")]}'\n"))
            let encoded = try #require(try JSON.parse(Array(second.body.dropFirst(5)))["setocookieUrl"]?.string)
            let target = String(decoding: try Base64.decode(encoded, .urlSafe), as: UTF8.self)
            #expect(target.hasPrefix("\(server.url)/auth/setocookie"))

            let third = client.http.get(String(target.dropFirst(server.url.count)), client.cookies)
            #expect(third.status == 302)
            let cookie = try #require(third.field("set-cookie")?.split(separator: ";").first)
            #expect(cookie.hasPrefix("__Host-C_OSES=COS."))
            let back = try #require(third.field("location"))
            #expect(back.contains("getoxsrf"))
            let fourth = client.http.get(String(back.dropFirst(server.url.count)), client.cookies)
            #expect(try BusinessClient.key(in: fourth).bytes.count >= 32)

            #expect(client.signIn().status == 302, "the old cookie alone goes the long way again")
            let renewed = [("cookie", "__Secure-C_SES=\(client.account.secureCSES); \(cookie)")]
            #expect(client.signIn(cookies: renewed).status == 200)
        }
    }

    @Test("list-sessions shows the account, and INVALID_COOKIES without the second cookie")
    func listSessions() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let client = BusinessClient(server)
            let reply = client.http.get("/list-sessions?csesidx=498000001&rt=json", client.cookies)
            #expect(reply.text.hasPrefix(")]}'\n"))
            let session = try JSON.parse(Array(reply.body.dropFirst(5)))["sessions"]?[0]
            #expect(session?["csesidx"]?.string == "498000001")
            #expect(session?["expired"]?.bool == false)
            let alone = [("cookie", "__Secure-C_SES=\(client.account.secureCSES)")]
            let refused = client.http.get("/list-sessions?csesidx=498000001&rt=json", alone)
            #expect(refused.status == 401)
            #expect(refused.json?["status"]?.string == "INVALID_COOKIES")
        }
    }

    @Test("an ordered 302 leads to a sign-in page, which is no part of the long way", arguments: [302, 303])
    func signInPage(_ status: Int) async throws {
        try await withSimulator(.geminiBusiness) { server in
            server.control.add(FaultRule(method: "getoxsrf", status: status))
            let client = BusinessClient(server)
            let reply = client.signIn()
            let target = reply.field("location") ?? ""
            #expect(reply.status == status && target.hasPrefix("\(server.url)/login?continueUrl="))
            #expect(!target.contains("refreshcookies") && client.signIn().status == 200)
        }
    }

    @Test("the long way may end at setocookie, which answers the key with the cookie")
    func shortWay() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let client = BusinessClient(server)
            let record: JSON = [
                "csesidx": .string(client.account.csesidx), "config_id": .string(client.account.configID),
                "secure_c_ses": .string(client.account.secureCSES), "redirected": "short",
            ]
            let accounts = client.http.post("/__sim/accounts", [], record).json?.array
            #expect(accounts?.last?["redirected"]?.string == "short")
            #expect(client.signIn().status == 302)
            let reply = client.signIn("/auth/setocookie")
            let key = try BusinessClient.key(in: reply)
            #expect(reply.status == 200 && reply.field("set-cookie")?.hasPrefix("__Host-C_OSES=COS.") == true)
            let headers = [("authorization", "Bearer \(client.token(key))")]
            let listed = try client.widget("widgetListSessions", "listSessionsRequest", [:], headers: headers)
            #expect(listed.status == 200)
        }
    }

    @Test("refreshcookies and setocookie want the account's cookies too")
    func longWayCookies() async throws {
        try await withSimulator(.geminiBusiness, .quick { $0.accounts[0].isRedirected = true }) { server in
            let client = BusinessClient(server)
            for path in ["/refreshcookies", "/auth/setocookie", "/list-sessions"] {
                #expect(client.signIn(path, cookies: []).status == 401)
                #expect(client.signIn(path, cookies: [("cookie", "__Secure-C_SES=CSE.Ad-other")]).status == 401)
            }
        }
    }

    @Test("getoxsrf is asked with GET only")
    func wrongMethod() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let client = BusinessClient(server)
            #expect(client.http.post("/auth/getoxsrf?csesidx=498000001", client.cookies, [:]).status == 405)
        }
    }
}
