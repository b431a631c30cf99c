import PolluxCore
import PolluxSimulator
import Testing

@Suite("Gemini Business: what every request is held to")
struct WidgetCheckTests {
    @Test("a wrong configId is 401")
    func wrongConfig() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let client = BusinessClient(server)
            for value: JSON? in ["0cd0aa00-0000-4000-8000-00000000c002", "", nil] {
                let reply = try client.widget("widgetCreateSession", "createSessionRequest", ["session": [:]]) {
                    $0["configId"] = value
                }
                #expect(reply.status == 401)
            }
        }
    }

    @Test("additionalParams.token must be a hyphen", arguments: ["", "x", "--"])
    func wrongParameterToken(_ token: String) async throws {
        try await withSimulator(.geminiBusiness) { server in
            let reply = try BusinessClient(server).widget(
                "widgetCreateSession", "createSessionRequest", ["session": [:]]
            ) { $0["additionalParams"] = ["token": .string(token)] }
            #expect(reply.status == 400)
            #expect(reply.json?["error"]?["status"]?.string == "INVALID_ARGUMENT")
        }
    }

    static let methods = [
        ("widgetCreateSession", "createSessionRequest"), ("widgetStreamAssist", "streamAssistRequest"),
        ("widgetAddContextFile", "addContextFileRequest"),
        ("widgetListSessionFileMetadata", "listSessionFileMetadataRequest"),
        ("widgetListSessions", "listSessionsRequest"), ("widgetGetSession", "getSessionRequest"),
        ("widgetDeleteSession", "deleteSessionRequest"),
    ]

    @Test("each method wants its own request member", arguments: methods)
    func requestMember(_ method: String, _ member: String) async throws {
        try await withSimulator(.geminiBusiness) { server in
            let reply = try BusinessClient(server).widget(method, "otherRequest", [:])
            #expect(reply.status == 400)
            #expect(reply.text.contains(member))
        }
    }

    @Test(
        "a session that is unknown, another account's or deleted is 404",
        arguments: methods.dropFirst().filter { $0.0 != "widgetListSessions" })
    func unknownSession(_ method: String, _ member: String) async throws {
        try await withSimulator(.geminiBusiness) { server in
            let client = BusinessClient(server)
            let foreign = try BusinessClient(server, account: 1).createSession()
            let deleted = try client.createSession()
            #expect(
                try client.widget("widgetDeleteSession", "deleteSessionRequest", ["name": .string(deleted)]).text
                    == "{}")
            for name in [foreign, deleted, "-", "", "collections/default_collection/sessions/1"] {
                let reply = try client.widget(method, member, ["name": .string(name), "session": .string(name)])
                #expect(reply.status == 404, "\(name)")
                #expect(reply.json?["error"]?["status"]?.string == "NOT_FOUND")
            }
        }
    }

    @Test("files of another session are refused, those of this one are counted")
    func filesOfTheSession() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let client = BusinessClient(server)
            let (first, second) = (try client.createSession(), try client.createSession())
            let upload = try client.upload(to: first)
            let id = try #require(upload.json?["addContextFileResponse"]?["fileId"]?.string)
            #expect(upload.json?["addContextFileResponse"]?["session"]?.string == first)
            #expect(upload.json?["addContextFileResponse"]?["tokenCount"]?.string != nil)
            #expect(try client.ask("x", in: second, files: [id]).status == 400)
            let answer = AssistAnswer(try client.ask("x", in: first, files: [id]))
            #expect(answer.text == "echo[auto|files=1|turn=1]: x")
        }
    }

    @Test("an empty question needs a file")
    func emptyQuestion() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let client = BusinessClient(server)
            let session = try client.createSession()
            #expect(try client.ask("", in: session).status == 400)
            let id = try client.upload(to: session).json?["addContextFileResponse"]?["fileId"]?.string ?? ""
            #expect(try client.ask("", in: session, files: [id]).status == 200)
        }
    }

    @Test("what is no JSON, no method and no POST is refused in the error form")
    func badRequests() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let client = BusinessClient(server)
            let path = "/v1alpha/locations/global/"
            let broken = client.http.send("POST", path + "widgetCreateSession", try client.bearer(), Array("{".utf8))
            #expect(broken.status == 400 && broken.json?["error"]?["code"]?.int == 400)
            let unknown = client.http.post(path + "widgetInvented", try client.bearer(), [:])
            #expect(unknown.status == 404 && unknown.json?["error"]?["code"]?.int == 404)
            #expect(client.http.get(path + "widgetCreateSession", try client.bearer()).status == 405)
            #expect(client.http.get("/elsewhere").json?["error"]?["status"]?.string == "NOT_FOUND")
        }
    }
}
