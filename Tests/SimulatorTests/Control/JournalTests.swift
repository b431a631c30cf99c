import PolluxCore
import PolluxSimulator
import Testing

@Suite("Journal and reset")
struct JournalTests {
    private func journal(_ server: SimulatorServer) -> [JSON] {
        BlockingClient(port: server.port).get("/__sim/journal").json?.array ?? []
    }

    @Test("every request is listed with method, path, account, body and verdict; control requests are not")
    func entries() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let client = BusinessClient(server)
            let session = try client.createSession()
            _ = try client.ask("Hello", in: session)
            let entries = journal(server)
            let paths = entries.map { $0["path"]?.string }
            #expect(
                paths == [
                    "/auth/getoxsrf", "/v1alpha/locations/global/widgetCreateSession", "/auth/getoxsrf",
                    "/v1alpha/locations/global/widgetStreamAssist",
                ])
            let accounts = Set(entries.map { $0["account"]?.string })
            let verdicts = Set(entries.map { $0["verdict"]?.string })
            #expect(accounts == ["498000001"] && verdicts == ["ok"])
            #expect(entries[0]["method"]?.string == "GET" && entries[0]["body"]?.isNull == true)
            #expect(entries[0]["query"]?.string == "csesidx=498000001")
            #expect(entries[3]["method"]?.string == "POST" && entries[3]["status"]?.int == 200)
            #expect(entries[3]["operation"]?.string == "widgetStreamAssist")
            let request = entries[3]["body"]?["streamAssistRequest"]
            #expect(request?["query"]?["parts"]?[0]?["text"]?.string == "Hello")
            #expect(!entries.map(\.text).joined().contains("CSE.Ad"), "cookies stay out")
        }
    }

    @Test("long Base64 is shortened, ordinary long text is not")
    func shortening() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let client = BusinessClient(server)
            let session = try client.createSession()
            let contents = Base64.encode([UInt8](repeating: 7, count: 3000))
            _ = try client.upload(to: session, contents: contents)
            let prose = String(repeating: "long prose ", count: 100)
            _ = try client.ask(prose, in: session)
            let wordless = String(repeating: "a", count: 1000)
            _ = try client.ask(wordless, in: session)
            let entries = journal(server)
            let shortened = entries[3]["body"]?["addContextFileRequest"]?["fileContents"]?.string ?? ""
            #expect(shortened.hasPrefix(contents.prefix(32)) && shortened.hasSuffix("…(4000 characters)"))
            let asked = [entries[5], entries[7]].map {
                $0["body"]?["streamAssistRequest"]?["query"]?["parts"]?[0]?["text"]?.string
            }
            #expect(asked == [prose, wordless])
        }
    }

    @Test("data URLs keep their type")
    func dataURL() async throws {
        try await withSimulator(.openAI) { server in
            let url = "data:image/png;base64," + Base64.encode([UInt8](repeating: 7, count: 3000))
            let part: JSON = ["type": "image_url", "image_url": ["url": .string(url)]]
            _ = BlockingClient(port: server.port).post(
                "/v1/chat/completions", [], ["model": "m", "messages": [["role": "user", "content": [part]]]])
            let body = journal(server)[0]["body"]?["messages"]?[0]?["content"]?[0]
            #expect(body?["image_url"]?["url"]?.string?.hasPrefix("data:image/png;base64,BwcH") == true)
            #expect(body?["image_url"]?["url"]?.string?.utf8.count ?? 1000 < 100)
        }
    }

    @Test("verdicts say why a request was refused and which fault it met")
    func verdicts() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let client = BusinessClient(server)
            server.control.add(FaultRule(method: "widgetListSessions", status: 503))
            _ = try client.widget("widgetListSessions", "listSessionsRequest", [:])
            _ = try client.widget("widgetListSessions", "listSessionsRequest", [:]) { $0["configId"] = "x" }
            _ = try client.ask("[[sim:http=429]]")
            let verdicts = server.control.journal.filter { $0.method == "POST" }.map(\.verdict)
            #expect(verdicts == ["fault: 503", "refused: the configId is not this account's", "ok", "directive: 429"])
            #expect(server.control.journal.last?.directives == ["http"])
        }
    }

    @Test("the journal tells whole answers from those that the simulator or the client cut")
    func endings() async throws {
        try await withSimulator(.openAI) { server in
            let client = BlockingClient(port: server.port)
            func chat(_ prompt: String) -> JSON {
                ["model": "m", "stream": true, "messages": [["role": "user", "content": .string(prompt)]]]
            }
            _ = client.post("/v1/chat/completions", [], chat("x"))
            #expect(await server.lastEnded()?.ending == .complete)
            _ = client.post("/v1/chat/completions", [], chat("[[sim:cut]]"))
            #expect(await server.lastEnded()?.ending == .cutBySimulator)

            let connection = try #require(
                client.open("POST", "/v1/chat/completions", [], chat("[[sim:stall]]").bytes()))
            _ = connection.receive()
            connection.close()
            let entry = try #require(await server.lastEnded())
            #expect(entry.ending == .cutByClient)
            #expect((entry.ended ?? .distantFuture) - entry.arrived < .seconds(5))
            let json = journal(server)
            #expect(json.last?["ended"]?.string == "cut-by-client" && json.last?["ended_at_ms"]?.int != nil)
        }
    }

    @Test("reset empties the journal, drops faults and forgets sessions, but keys stay good")
    func reset() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let client = BusinessClient(server)
            let (session, bearer) = (try client.createSession(), try client.bearer())
            server.control.add(FaultRule(status: 500, times: 9))
            #expect(client.http.send("POST", "/__sim/reset", [], nil).status == 200)
            #expect(server.control.journal.isEmpty)
            let arguments: JSON = ["name": .string(session)]
            let gone = try client.widget("widgetGetSession", "getSessionRequest", arguments, headers: bearer)
            #expect(gone.status == 404)
        }
    }

    @Test("accounts can be added and exchanged while it runs, and a reset takes them back")
    func accounts() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let http = BlockingClient(port: server.port)
            let cookie = [("cookie", "__Secure-C_SES=CSE.Ad-third")]
            let target = "/auth/getoxsrf?csesidx=498000003"
            #expect(http.get(target, cookie).status == 401)
            let account: JSON = ["csesidx": 498_000_003, "config_id": "c0de", "secure_c_ses": "CSE.Ad-third"]
            #expect(http.post("/__sim/accounts", [], account).json?.array?.count == 3)
            #expect(http.get(target, cookie).status == 200)
            #expect(http.post("/__sim/accounts", [], ["csesidx": "4"]).status == 400)
            _ = http.send("POST", "/__sim/reset", [], nil)
            #expect(http.get(target, cookie).status == 401)
        }
    }

    @Test("an unknown control path names those that exist")
    func unknownControl() async throws {
        try await withSimulator(.openAI) { server in
            let reply = BlockingClient(port: server.port).get("/__sim/nothing")
            #expect(reply.status == 404 && reply.text.contains("/__sim/journal"))
        }
    }
}
