import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxProviders

@Suite("Gemini web: signing in and staying signed in")
struct WebSignInTests {
    @Test("one page and one status open a session that later questions share")
    func once() async throws {
        let world = try WebWorld()
        for _ in 0..<3 { _ = try await world.events() }
        #expect(
            world.http.requests.map(WebWorld.name) == ["app", "otAQ7b"]
                + [String](repeating: "StreamGenerate", count: 3))
        let page = try #require(world.requests("app").first)
        #expect(page.url == "https://gemini.google.com/app")
        #expect(page.fields["cookie"] == "__Secure-1PSID=g.a000FAKE; __Secure-1PSIDTS=sidts-FAKE1")
        #expect(page.fields["origin"] == "https://gemini.google.com")
    }

    @Test("requests that come at once share one sign-in, and its failure")
    func singleFlight() async throws {
        let gate = Gate()
        let world = try WebWorld(script: { request, _ throws(GatewayError) in
            guard WebWorld.name(of: request) == "app" else { return nil }
            try await gate.pass()
            return FakeResponse(503, text: "")
        })
        let kinds = await withTaskGroup(of: GatewayError.Kind?.self) { group in
            for _ in 0..<4 { group.addTask { await world.failure().error?.kind } }
            while gate.waitingCount < 1 { await Task.yield() }
            for _ in 0..<2000 { await Task.yield() }
            gate.open()
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(kinds == [.upstreamUnavailable, .upstreamUnavailable, .upstreamUnavailable, .upstreamUnavailable])
        #expect(world.requests("app").count < 4)
    }

    @Test("a page without the token is good when the status says that the account is signed in")
    func noToken() async throws {
        let world = try WebWorld(script: { request, _ in
            WebWorld.name(of: request) == "app" ? FakeResponse(text: WebWorld.page(token: nil)) : nil
        })
        #expect(try await world.events().text == "Hello there.")
        #expect(WebWorld.form(world.requests("StreamGenerate").first)["at"] == "")
    }

    @Test("a guest's page is seen through: cookies are renewed once, then the account is rejected")
    func guest() async throws {
        let world = try WebWorld(script: { request, _ in
            guard WebWorld.name(of: request) == "otAQ7b" else { return nil }
            return FakeResponse(text: WebWorld.call("otAQ7b", WebWorld.status(code: 1016)))
        })
        let (_, error) = await world.failure()
        #expect(error?.kind == .upstreamAuth)
        #expect(error?.accountEffect == .rejectCredential)
        #expect(world.http.requests.map(WebWorld.name) == ["app", "otAQ7b", "RotateCookies", "app", "otAQ7b"])
    }

    @Test("cookies that count again after a renewal are used")
    func renewed() async throws {
        let world = try WebWorld(script: { request, attempt in
            guard WebWorld.name(of: request) == "otAQ7b", attempt == 1 else { return nil }
            return FakeResponse(text: WebWorld.call("otAQ7b", nil, status: [7]))
        })
        #expect(try await world.events().text == "Hello there.")
        let question = try #require(world.requests("StreamGenerate").first)
        #expect(question.fields["cookie"]?.contains("__Secure-1PSIDTS=sidts-FAKE2") == true)
        #expect(world.lease.jar?.cookies.contains { $0.value == Secret("sidts-FAKE2") } == true)
    }

    @Test(
        "what stands in the page's place says what is wrong",
        arguments: [
            (FakeResponse(429, text: ""), .rateLimited, .cool),
            (
                FakeResponse(302, fields: ["location": "https://www.google.com/sorry/index?continue=x"]), .rateLimited,
                .cool
            ),
            (
                FakeResponse(302, fields: ["location": "https://accounts.google.com/v3/ServiceLogin?x"]), .upstreamAuth,
                .rejectCredential
            ),
            (FakeResponse(text: "<html><title>Before you continue</title></html>"), .upstreamAuth, .rejectCredential),
            (FakeResponse(503, text: ""), .upstreamUnavailable, .none),
            (FakeResponse(500, text: ""), .upstreamError, .none),
            (FakeResponse(302, fields: ["location": "https://elsewhere.example/"]), .upstreamBadResponse, .none),
        ] as [(FakeResponse, GatewayError.Kind, GatewayError.AccountEffect)])
    func badPage(_ page: FakeResponse, _ kind: GatewayError.Kind, _ effect: GatewayError.AccountEffect) async throws {
        let world = try WebWorld(script: { request, _ in WebWorld.name(of: request) == "app" ? page : nil })
        let (_, error) = await world.failure()
        #expect(error?.kind == kind)
        #expect(error?.accountEffect == effect)
        #expect(world.http.requests.count == 1, "cookies follow no redirect to another place")
    }

    @Test("a page's title is told to the log, its body never")
    func title() async throws {
        let html = "<html><title>Before you continue</title>secret words</html>"
        let world = try WebWorld(script: { request, _ in
            WebWorld.name(of: request) == "app" ? FakeResponse(text: html) : nil
        })
        let error = await world.failure().error
        #expect(error?.detail.contains("Before you continue") == true)
        #expect(error?.detail.contains("secret words") == false)
    }

    @Test("a redirect within the site is followed with the cookies")
    func redirect() async throws {
        let world = try WebWorld(script: { request, attempt in
            guard WebWorld.name(of: request) == "app", attempt == 1 else { return nil }
            return FakeResponse(302, fields: ["location": "/app?hl=en"])
        })
        #expect(try await world.events().text == "Hello there.")
        #expect(world.requests("app").last?.url == "https://gemini.google.com/app?hl=en")
        #expect(world.requests("app").last?.fields["cookie"]?.isEmpty == false)
    }

    @Test(
        "an account's status decides",
        arguments: [
            (1000, nil, .none), (1033, nil, .none), (1040, nil, .none), (1014, .upstreamAuth, .cool),
            (1021, .upstreamAuth, .restrict), (1054, .upstreamAuth, .needHuman), (1060, .upstreamAuth, .restrict),
            (4711, .upstreamAuth, .restrict),
        ] as [(Int, GatewayError.Kind?, GatewayError.AccountEffect)])
    func status(_ code: Int, _ kind: GatewayError.Kind?, _ effect: GatewayError.AccountEffect) async throws {
        let world = try WebWorld(script: { request, _ in
            guard WebWorld.name(of: request) == "otAQ7b" else { return nil }
            return FakeResponse(text: WebWorld.call("otAQ7b", WebWorld.status(code: code)))
        })
        let error = await world.failure().error
        #expect(error?.kind == kind)
        #expect((error?.accountEffect ?? .none) == effect)
    }

    @Test("cookies of every answer are merged, handed to the pool before they are used, and sent from then on")
    func merged() async throws {
        let cookie = "__Secure-1PSIDCC=AKEyFAKE; Domain=.google.com; Path=/; Secure; HttpOnly; Max-Age=31536000"
        let world = try WebWorld(script: { request, attempt in
            guard WebWorld.name(of: request) == "app" else { return nil }
            return FakeResponse(fields: ["set-cookie": cookie], text: WebWorld.page())
        })
        _ = try await world.events()
        #expect(world.lease.rotations.count == 1)
        #expect(world.requests("otAQ7b").first?.fields["cookie"]?.hasSuffix("__Secure-1PSIDCC=AKEyFAKE") == true)
        // What the source published stays as it was beside the jar.
        #expect(world.lease.credential["secure_1psid"] == Secret("g.a000FAKE"))
        let shown = "\(world.lease.credential)"
        #expect(!shown.contains("AKEyFAKE"))
    }

    @Test("a page that clears the cookie of the identity does not take it away")
    func cleared() async throws {
        let clearing = "__Secure-1PSID=; Domain=.google.com; Path=/; Secure; Max-Age=0"
        let world = try WebWorld(script: { request, _ in
            guard WebWorld.name(of: request) == "app" else { return nil }
            return FakeResponse(fields: ["set-cookie": clearing], text: WebWorld.page())
        })
        _ = try await world.events()
        #expect(world.requests("StreamGenerate").first?.fields["cookie"]?.contains("g.a000FAKE") == true)
    }

    @Test("a credential that its source has changed begins anew; the gateway's own jar does not")
    func republished() async throws {
        let world = try WebWorld()
        _ = try await world.events()
        world.lease.publish(
            Credential(accountID: "web-1", values: ["secure_1psid": Secret("g.a000NEW")]))
        _ = try await world.events()
        #expect(world.requests("app").count == 2)
        #expect(world.requests("StreamGenerate").last?.fields["cookie"] == "__Secure-1PSID=g.a000NEW")
    }

    // MARK: Renewal

    @Test("cookies that have grown old are renewed before the next question, with the literal body")
    func renewal() async throws {
        let world = try WebWorld()
        _ = try await world.events()
        world.time.advance(by: .seconds(580))
        _ = try await world.events()
        #expect(world.requests("RotateCookies").isEmpty)
        world.time.advance(by: .seconds(40))
        _ = try await world.events()
        let renewal = try #require(world.requests("RotateCookies").first)
        #expect(renewal.url == "https://accounts.google.com/RotateCookies")
        #expect(renewal.body == Array(#"[000,"-0000000000000000000"]"#.utf8))
        #expect(renewal.fields["content-type"] == "application/json")
        #expect(renewal.fields["origin"] == "https://accounts.google.com")
        #expect(world.requests("StreamGenerate").last?.fields["cookie"]?.contains("sidts-FAKE2") == true)
        #expect(world.requests("app").count == 1)
    }

    @Test("never twice within a minute, whatever asks for it")
    func tooOften() async throws {
        let world = try WebWorld(script: { request, _ in
            WebWorld.name(of: request) == "StreamGenerate" ? FakeResponse(401, text: "") : nil
        })
        _ = await world.failure()
        world.time.advance(by: .seconds(59))
        _ = await world.failure()
        #expect(world.requests("RotateCookies").count == 1)
        world.time.advance(by: .seconds(2))
        _ = await world.failure()
        #expect(world.requests("RotateCookies").count == 2)
    }

    @Test("a renewal from before a restart counts")
    func acrossRestarts() async throws {
        let first = try WebWorld()
        _ = try await first.events()
        first.time.advance(by: .seconds(700))
        _ = try await first.events()
        let kept = first.lease.credential
        let second = try WebWorld(credential: kept)
        // Its civil clock stands 700 s before the renewal, so it is another clock's; then 300 s behind it.
        second.time.stepWallClock(by: .seconds(1000))
        _ = try await second.events()
        #expect(second.requests("StreamGenerate").first?.fields["cookie"]?.contains("sidts-FAKE2") == true)
        second.time.advance(by: .seconds(250))
        _ = try await second.events()
        #expect(second.requests("RotateCookies").isEmpty)
        second.time.advance(by: .seconds(80))
        _ = try await second.events()
        #expect(second.requests("RotateCookies").count == 1)
    }

    @Test("a renewal that fails stops nothing", arguments: [429, 401, 500])
    func failedRenewal(_ status: Int) async throws {
        let world = try WebWorld(script: { request, _ in
            WebWorld.name(of: request) == "RotateCookies" ? WebWorld.renewal(nil, status: status) : nil
        })
        _ = try await world.events()
        world.time.advance(by: .seconds(620))
        #expect(try await world.events().text == "Hello there.")
        // A refusal makes the next session tell whether the account is signed out.
        #expect(world.requests("app").count == (status == 401 ? 2 : 1))
        _ = try await world.events()
        #expect(world.requests("RotateCookies").count == 1)
    }

    @Test("three renewals without a new cookie are told once")
    func fruitless() async throws {
        let world = try WebWorld(script: { request, _ in
            WebWorld.name(of: request) == "RotateCookies" ? WebWorld.renewal(nil) : nil
        })
        for _ in 0..<6 {
            _ = try await world.events()
            world.time.advance(by: .seconds(620))
        }
        #expect(world.log.records.count { $0.event == "gemini_web.cookies_not_renewed" } == 1)
    }

    @Test("accounts that nobody uses are kept alive")
    func keepAlive() async throws {
        let world = try WebWorld()
        try await world.provider.keepAlive(world.lease)
        #expect(world.http.requests.isEmpty)
        world.time.advance(by: .seconds(620))
        try await world.provider.keepAlive(world.lease)
        try await world.provider.keepAlive(world.lease)
        #expect(world.http.requests.map(WebWorld.name) == ["RotateCookies"])
    }

    // MARK: Where cookies go

    @Test("with base_url every request goes there, and cookies nowhere else")
    func replacedSite() async throws {
        let cookie = "__Secure-1PSIDCC=CC; Path=/; Secure; HttpOnly"
        let world = try WebWorld(
            script: { request, attempt in
                guard WebWorld.name(of: request) == "app" else { return nil }
                // The real host stands for the replacement; another port of this machine does not.
                if attempt == 1 { return FakeResponse(302, fields: ["location": "https://gemini.google.com/app?x"]) }
                return FakeResponse(fields: ["set-cookie": cookie], text: WebWorld.page())
            }, settings: { $0.baseURL = "http://127.0.0.1:8099" })
        _ = try await world.events()
        #expect(world.http.requests.allSatisfy { $0.url.hasPrefix("http://127.0.0.1:8099/") })
        #expect(
            world.requests("StreamGenerate").first?.fields["cookie"]
                == "__Secure-1PSID=g.a000FAKE; __Secure-1PSIDTS=sidts-FAKE1; __Secure-1PSIDCC=CC")
        let other = try WebWorld(
            script: { request, _ in
                guard WebWorld.name(of: request) == "app" else { return nil }
                return FakeResponse(302, fields: ["location": "http://127.0.0.1:9000/app"])
            }, settings: { $0.baseURL = "http://127.0.0.1:8099" })
        #expect(await other.failure().error?.kind == .upstreamBadResponse)
        #expect(other.http.requests.count == 1)
    }

    @Test("of a browser's whole jar only what a session needs is sent, unless all of it is wanted")
    func cookieScope() async throws {
        let list = #"""
            [{"name":"__Secure-1PSID","value":"g.a000","domain":".google.com","path":"/","secure":true},
             {"name":"NID","value":"n","domain":".google.com","path":"/"},
             {"name":"other","value":"o","domain":".example.org","path":"/"}]
            """#
        var credential = Credential(accountID: "a", values: ["cookies": Secret(list)])
        let narrow = try WebWorld(credential: credential)
        _ = try await narrow.events()
        #expect(narrow.requests("app").first?.fields["cookie"] == "__Secure-1PSID=g.a000")
        credential.values["cookie_scope"] = Secret("full")
        let wide = try WebWorld(credential: credential)
        _ = try await wide.events()
        #expect(wide.requests("app").first?.fields["cookie"] == "__Secure-1PSID=g.a000; NID=n")
    }
}

@Suite("Gemini web: account records")
struct WebAccountTests {
    @Test(
        "what an account lacks is named",
        arguments: [
            ([:], "secure_1psid is missing"), (["secure_1psid": "a;b"], "secure_1psid holds a character"),
            (["secure_1psid": "a", "secure_1psidts": "x\n"], "secure_1psidts holds a character"),
            (["secure_1psid": "a", "auth_user": "x"], "auth_user must be a number"),
            (["secure_1psid": "a", "cookie_scope": "some"], "cookie_scope must be"),
            (["secure_1psid": "a", "history": "none"], "history must be"),
            (["cookies": "a=b"], "cookies must be a list"), (["cookies": "[]"], "secure_1psid is missing"),
            (["secure_c_ses": "business"], "secure_1psid is missing"),
        ] as [([String: String], String)])
    func problems(_ values: [String: String], _ problem: String) {
        let found = WebAccount.problem(with: Credential(accountID: "a", values: values.mapValues { Secret($0) }))
        #expect(found?.hasPrefix(problem) == true, "\(found ?? "none")")
    }

    @Test("the identity's cookie is enough")
    func enough() {
        #expect(WebAccount.problem(with: Credential(accountID: "a", values: ["secure_1psid": Secret("g.a000")])) == nil)
    }
}
