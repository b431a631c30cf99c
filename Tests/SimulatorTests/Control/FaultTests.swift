import PolluxCore
import PolluxSimulator
import Testing

@Suite("Ordered faults")
struct FaultTests {
    private func order(_ server: SimulatorServer, _ fault: JSON) -> BlockingClient.Reply {
        BlockingClient(port: server.port).post("/__sim/fault", [], fault)
    }

    @Test("a fault strikes as often as it was ordered, then no more")
    func timesCountDown() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let client = BusinessClient(server)
            #expect(order(server, ["account": "*", "method": "getoxsrf", "status": 429, "times": 2]).status == 200)
            #expect([client.signIn().status, client.signIn().status, client.signIn().status] == [429, 429, 200])
        }
    }

    @Test("a fault meets its account and its method only")
    func accountAndMethod() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let (first, second) = (BusinessClient(server), BusinessClient(server, account: 1))
            _ = order(server, ["account": "498000002", "method": "widgetCreateSession", "status": 403])
            #expect(try first.createSession().hasPrefix("collections/"))
            #expect(second.signIn().status == 200)
            let refused = try second.createSession()
            #expect(refused.contains("PERMISSION_DENIED"))
            #expect(try second.createSession().hasPrefix("collections/"))
        }
    }

    @Test("a fault of everybody and of every method counts all that it meets; one by number is the same as by text")
    func everybody() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let (first, second) = (BusinessClient(server), BusinessClient(server, account: 1))
            #expect(order(server, ["account": "*", "method": "*", "status": 503, "times": 3]).status == 200)
            #expect([first, second, first, second].map { $0.signIn().status } == [503, 503, 503, 200])
            #expect(order(server, ["account": 498_000_002, "method": "getoxsrf", "status": 429]).status == 200)
            #expect([first.signIn().status, second.signIn().status] == [200, 429])
        }
    }

    @Test("a fault may meet only requests whose body holds a text, so that one class of work is limited")
    func contains() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let client = BusinessClient(server)
            let fault: JSON = [
                "method": "widgetStreamAssist", "status": 429, "times": 2, "contains": "imageGenerationSpec",
            ]
            #expect(order(server, fault).status == 200)
            let tools: JSON = ["imageGenerationSpec": [:]]
            let statuses = try [false, true, false, true, true].map { draws in
                try (draws ? client.ask("x", tools: tools) : client.ask("x")).status
            }
            #expect(statuses == [200, 429, 200, 429, 200])
        }
    }

    @Test("every method of the chat API can be ordered to fail")
    func everyMethod() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let client = BusinessClient(server)
            for (method, member) in WidgetCheckTests.methods {
                _ = order(server, ["account": "498000001", "method": .string(method), "status": 429])
                let reply = try client.widget(method, member, [:])
                #expect(reply.status == 429 && reply.json?["error"]?["status"]?.string == "RESOURCE_EXHAUSTED")
                let verdict = server.control.journal.last?.verdict
                #expect(verdict == "fault: 429" && server.control.journal.last?.account == "498000001")
            }
        }
    }

    @Test("a share of the requests meets a fault, the others do not count; the draw is the same at every start")
    func share() async throws {
        var draws: [[Int]] = []
        for _ in 0..<2 {
            try await withSimulator(.openAI) { server in
                _ = order(server, ["method": "models", "status": 500, "times": 30, "share": 0.5])
                let client = BlockingClient(port: server.port)
                draws.append((0..<100).map { _ in client.get("/v1/models").status })
            }
        }
        #expect(draws[0] == draws[1])
        let failures = draws[0].count { $0 == 500 }
        let firstThirty = draws[0].prefix(30).count { $0 == 500 }
        #expect(failures == 30 && (5...25).contains(firstThirty))
        try await withSimulator(.openAI) { server in
            for share: JSON in [0, 1.5, "half"] {
                let refused = order(server, ["status": 500, "share": share])
                #expect(refused.status == 400 && refused.text.contains("share"))
            }
        }
    }

    @Test("requests are counted by operation and account, with those that were refused or cut, until a reset")
    func counts() async throws {
        try await withSimulator(.openAI) { server in
            let client = BlockingClient(port: server.port)
            _ = order(server, ["method": "models", "status": 500])
            for _ in 0..<3 { _ = client.get("/v1/models") }
            _ = ChatClient(server).chat("[[sim:cut]]", stream: true)
            let counts = try #require(client.get("/__sim/counts").json?.array)
            let models = counts.first { $0["operation"]?.string == "models" }
            let chats = counts.first { $0["operation"]?.string == "chat.completions" }
            #expect(models?["requests"]?.int == 3 && models?["refused"]?.int == 1)
            #expect(chats?["requests"]?.int == 1 && chats?["cut_by_simulator"]?.int == 1 && counts.count == 2)
            _ = client.post("/__sim/reset", [], [:])
            #expect(client.get("/__sim/counts").json?.array?.isEmpty == true)
        }
    }

    @Test("an in-band fault is status 200 with the error as the only element")
    func inBand() async throws {
        try await withSimulator(.geminiBusiness) { server in
            _ = order(
                server, ["account": "*", "method": "widgetStreamAssist", "status": 429, "times": 1, "inband": true])
            let reply = try BusinessClient(server).ask("x")
            #expect(reply.status == 200 && reply.json?.array?.count == 1)
            #expect(reply.json?[0]?["error"]?["code"]?.int == 429)
        }
    }

    @Test("a fault may bring its own body and Retry-After")
    func ownBody() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let body: JSON = ["error": ["code": 429, "message": "超出配额", "status": "RESOURCE_EXHAUSTED"]]
            _ = order(server, ["method": "widgetStreamAssist", "status": 429, "body": body, "retry_after": 9])
            let reply = try BusinessClient(server).ask("x")
            #expect(reply.status == 429 && reply.json == body && reply.field("retry-after") == "9")
            _ = order(server, ["method": "widgetStreamAssist", "status": 429, "body": body, "inband": true])
            #expect(try BusinessClient(server).ask("x").json == [body])
        }
    }

    @Test("a sign-in fault of 401 is the expired sign-in of the real service")
    func signInFault() async throws {
        try await withSimulator(.geminiBusiness) { server in
            _ = order(server, ["method": "getoxsrf", "status": 401])
            #expect(BusinessClient(server).signIn().text.contains("EXPIRED_SIGN_IN"))
        }
    }

    @Test("directives of a fault act as if they stood in the prompt")
    func directives() async throws {
        try await withSimulator(.geminiBusiness) { server in
            _ = order(server, ["method": "widgetStreamAssist", "directives": "[[sim:thoughts-only]]"])
            let struck = AssistAnswer(try BusinessClient(server).ask("x"))
            let spared = AssistAnswer(try BusinessClient(server).ask("x"))
            #expect(struck.text.isEmpty && !spared.text.isEmpty)
        }
    }

    @Test("downloads are a method of their own")
    func downloadFault() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let client = BusinessClient(server)
            _ = order(server, ["method": "downloadFile", "status": 500])
            let path = "/v1alpha/projects/1:downloadFile?fileId=1&alt=media"
            let bearer = try client.bearer()
            #expect(client.http.get(path, bearer).status == 500)
            #expect(client.http.get(path, bearer).status == 404)
        }
    }

    @Test("faults of one API key leave the others alone")
    func keyFault() async throws {
        try await withSimulator(.openAI, .quick { $0.apiKeys = ["sk-one", "sk-two"] }) { server in
            let client = BlockingClient(port: server.port)
            _ = order(server, ["account": "sk-one", "path": "/v1/models", "status": 503, "retry_after": 3])
            #expect(client.get("/v1/models", [("authorization", "Bearer sk-two")]).status == 200)
            let reply = client.get("/v1/models", [("authorization", "Bearer sk-one")])
            #expect(reply.status == 503 && reply.field("retry-after") == "3")
            #expect(client.get("/v1/models", [("authorization", "Bearer sk-one")]).status == 200)
            #expect(client.get("/v1/models", [("authorization", "Bearer sk-three")]).status == 401)
            #expect(client.get("/v1/models").json?["error"]?["code"]?.string == "invalid_api_key")
        }
    }

    static let badFaults: [JSON] = [
        [:], ["status": 99], ["status": "429"], ["status": 429, "times": 0], ["status": 429, "account": []], ["x"], 7,
    ]

    @Test("a fault that cannot be used is refused", arguments: badFaults)
    func badFault(_ fault: JSON) async throws {
        try await withSimulator(.geminiBusiness) { server in
            let reply = order(server, fault)
            #expect(reply.status == 400)
            #expect(reply.json?["error"]?["message"]?.string != nil)
            #expect(BusinessClient(server).signIn().status == 200)
        }
    }
}
