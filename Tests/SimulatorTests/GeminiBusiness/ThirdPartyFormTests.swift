import PolluxCore
import PolluxSimulator
import Testing

/// What other clients of this protocol send, where it differs from the best form of the protocol notes.
@Suite("Gemini Business: forms that other clients send")
struct ThirdPartyFormTests {
    private static let tool: JSON = ["imageGenerationSpec": [:]]

    @Test("a session may be asked for with an empty name, a hyphen, or a random name that is shown too")
    func sessionNames() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let client = BusinessClient(server)
            for (name, shown) in [("", ""), ("-", ""), ("a1b2c3d4e5f6", "a1b2c3d4e5f6")] {
                let reply = try client.widget(
                    "widgetCreateSession", "createSessionRequest",
                    ["session": ["name": .string(name), "displayName": .string(shown)]])
                let session = reply.json?["session"]
                #expect(reply.status == 200 && session?["displayName"]?.string == shown)
                #expect(session?["state"]?.string == "IN_PROGRESS")
                let path = try #require(session?["name"]?.string)
                #expect(AssistAnswer(try client.ask("x", in: path)).text.hasPrefix("echo["))
            }
        }
    }

    @Test("a file's name may end in the whole subtype of its type", arguments: ["png", "svg+xml", "vnd.ms-excel"])
    func uploadNames(_ subtype: String) async throws {
        try await withSimulator(.geminiBusiness) { server in
            let client = BusinessClient(server)
            let session = try client.createSession()
            let name = "upload_1767225600_a1b2c3.\(subtype)"
            let reply = try client.widget(
                "widgetAddContextFile", "addContextFileRequest",
                [
                    "name": .string(session), "fileName": .string(name), "mimeType": .string("image/\(subtype)"),
                    "fileContents": "iVBORw0KGgo=",
                ])
            let answer = reply.json?["addContextFileResponse"]
            #expect(answer?["session"]?.string == session && answer?["fileId"]?.string != nil)
            #expect(try client.files(of: session).first?["name"]?.string == name)
        }
    }

    @Test("a file may be named by its address, which must be http or https")
    func fileAddress() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let client = BusinessClient(server)
            let session = try client.createSession()
            func upload(_ address: String) throws -> BlockingClient.Reply {
                try client.widget(
                    "widgetAddContextFile", "addContextFileRequest",
                    ["name": .string(session), "fileUri": .string(address)])
            }
            let id = try upload("https://example.org/a.png").json?["addContextFileResponse"]?["fileId"]?.string
            let answer = AssistAnswer(try client.ask("x", in: session, files: [try #require(id)]))
            #expect(answer.text == "echo[auto|files=1|turn=1]: x")
            #expect(try upload("file:///etc/passwd").status == 400)
        }
    }

    @Test("pictures and films need no toolRegistry, no model and no fileIds", arguments: ["image", "video"])
    func mediaRequest(_ kind: String) async throws {
        try await withSimulator(.geminiBusiness) { server in
            let client = BusinessClient(server)
            let session = try client.createSession()
            let tools = JSONObject([("\(kind)GenerationSpec", [:])])
            let reply = try client.widget(
                "widgetStreamAssist", "streamAssistRequest",
                [
                    "session": .string(session), "query": ["parts": [["text": "a cat"]]],
                    "toolsSpec": .object(tools),
                ])
            #expect(AssistAnswer(reply).files.count == 1)
            #expect(AssistAnswer(reply).state == "SUCCEEDED")
        }
    }

    @Test("several files are downloaded at the same time, each with its own bytes")
    func parallelDownloads() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let client = BusinessClient(server)
            let session = try client.createSession()
            _ = try client.ask("cats [[sim:images=4]]", in: session, tools: Self.tool)
            let files = try client.files(of: session)
            let bearer = try client.bearer()
            let connections = try files.map { file in
                let (full, id) = (file["session"]?.string ?? "", file["fileId"]?.string ?? "")
                let path = "/download/v1alpha/\(full):downloadFile?fileId=\(id)&alt=media"
                return try #require(client.http.open("GET", path, bearer, nil))
            }
            let bodies = connections.reversed().map { connection in
                var reader = ReplyReader(connection)
                let body = reader.read().body
                connection.close()
                return body
            }
            #expect(bodies.count == 4 && Set(bodies).count == 4)
            #expect(bodies.allSatisfy { $0.starts(with: [0x89, 0x50, 0x4E, 0x47]) })
        }
    }

    @Test("the filter of the file list may be left out, and call uploads USER_UPLOADED; another one is refused")
    func filters() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let client = BusinessClient(server)
            let session = try client.createSession()
            _ = try client.upload(to: session)
            _ = try client.ask("x", in: session, tools: Self.tool)
            func list(_ filter: JSON?) throws -> BlockingClient.Reply {
                var request = JSONObject([("name", .string(session))])
                if let filter { request["filter"] = filter }
                return try client.widget(
                    "widgetListSessionFileMetadata", "listSessionFileMetadataRequest", .object(request))
            }
            func count(_ reply: BlockingClient.Reply) -> Int? {
                reply.json?["listSessionFileMetadataResponse"]?["fileMetadata"]?.array?.count
            }
            let (all, uploads) = (try list(nil), try list("file_origin_type = USER_UPLOADED"))
            #expect(count(all) == 2 && count(uploads) == 1)
            #expect(try list("file_origin_type = AI").status == 400)
            #expect(try list("size > 3").status == 400)
        }
    }

    @Test("sizes and counts of tokens are decimal strings, and downloadUri leads elsewhere")
    func metadataForms() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let client = BusinessClient(server)
            let session = try client.createSession()
            let upload = try client.upload(to: session).json?["addContextFileResponse"]
            #expect(Int(upload?["tokenCount"]?.string ?? "") != nil)
            let file = try #require(try client.files(of: session).first)
            #expect(file["byteSize"]?.string == "8" && file["uploadTime"]?.string?.hasSuffix("Z") == true)
            #expect(file["downloadUri"]?.string?.hasPrefix("https://discoveryengine.googleapis.com/v1/") == true)
            #expect(file["views"]?["thumbnail_256x256"]?["imageCharacteristics"]?["width"]?.int == 256)
        }
    }

    @Test("a file of 24 MiB is taken whole, and is short in the journal")
    func largeUpload() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let client = BusinessClient(server)
            let session = try client.createSession()
            let bytes = [UInt8](repeating: 0x5A, count: 24 << 20)
            let reply = try client.upload(to: session, contents: Base64.encode(bytes))
            #expect(reply.json?["addContextFileResponse"]?["fileId"]?.string != nil)
            #expect(try client.files(of: session).first?["byteSize"]?.string == String(bytes.count))
            let entry = server.control.journal.first { $0.operation == "widgetAddContextFile" }
            let kept = entry?.body?["addContextFileRequest"]?["fileContents"]?.string?.utf8.count ?? .max
            #expect(kept < 100)
        }
    }
}
