import PolluxCore
import PolluxCrypto
import PolluxSimulator

/// A client of the simulated Gemini Business, written from the protocol notes for these tests.
struct BusinessClient {
    let http: BlockingClient
    let account: BusinessAccount

    init(_ server: SimulatorServer, account: Int = 0) {
        http = BlockingClient(port: server.port)
        self.account = server.options.accounts[account]
    }

    struct Key {
        let id: String
        let bytes: [UInt8]
    }

    var cookies: [(String, String)] {
        [("cookie", "__Secure-C_SES=\(account.secureCSES); __Host-C_OSES=\(account.hostCOSES ?? "")")]
    }

    /// Answer of `getoxsrf` with other cookies than the account's, or another path.
    func signIn(_ path: String = "/auth/getoxsrf", cookies: [(String, String)]? = nil, csesidx: String? = nil)
        -> BlockingClient.Reply
    {
        http.get("\(path)?csesidx=\(csesidx ?? account.csesidx)", cookies ?? self.cookies)
    }

    func key() throws -> Key { try Self.key(in: signIn()) }

    static func key(in reply: BlockingClient.Reply) throws -> Key {
        struct NoKey: Error { let text: String }
        guard reply.text.hasPrefix(")]}'\n"), let json = try? JSON.parse(Array(reply.body.dropFirst(5))),
            let id = json["keyId"]?.string, let token = json["xsrfToken"]?.string
        else { throw NoKey(text: reply.text) }
        return Key(id: id, bytes: try Base64.decode(token, .urlSafe))
    }

    /// A token whose parts can be spoilt one by one.
    func token(_ key: Key, alg: String = "HS256", spoil: (inout JSONObject) -> Void = { _ in }) -> String {
        let now = Int(WallClock.seconds)
        var claims = JSONObject([
            ("iss", "https://business.gemini.google"), ("aud", "https://biz-discoveryengine.googleapis.com"),
            ("sub", .string("csesidx/\(account.csesidx)")), ("iat", .number(JSONNumber(now))),
            ("exp", .number(JSONNumber(now + 300))), ("nbf", .number(JSONNumber(now))),
        ])
        spoil(&claims)
        let header: JSON = ["alg": .string(alg), "typ": "JWT", "kid": .string(key.id)]
        let signed =
            Base64.encode(header.bytes(), .urlSafe) + "." + Base64.encode(JSON.object(claims).bytes(), .urlSafe)
        return signed + "." + Base64.encode(HMACSHA256.authenticate(Array(signed.utf8), key: key.bytes), .urlSafe)
    }

    func bearer() throws -> [(String, String)] { [("authorization", "Bearer \(token(try key()))")] }

    func widget(
        _ method: String, _ member: String, _ arguments: JSON, headers: [(String, String)]? = nil,
        spoil: (inout JSONObject) -> Void = { _ in }
    ) throws -> BlockingClient.Reply {
        var body = JSONObject([
            ("configId", .string(account.configID)), ("additionalParams", ["token": "-"]), (member, arguments),
        ])
        spoil(&body)
        return http.post("/v1alpha/locations/global/\(method)", try headers ?? bearer(), .object(body))
    }

    func createSession() throws -> String {
        let reply = try widget(
            "widgetCreateSession", "createSessionRequest", ["session": ["name": "", "displayName": ""]])
        return reply.json?["session"]?["name"]?.string ?? "none: \(reply.text)"
    }

    func ask(
        _ prompt: String, in session: String? = nil, files: [String] = [], model: String? = nil,
        tools: JSON = ["toolRegistry": "default_tool_registry", "webGroundingSpec": [:]]
    ) throws -> BlockingClient.Reply {
        var request = JSONObject([
            ("session", .string(try session ?? createSession())), ("query", ["parts": [["text": .string(prompt)]]]),
            ("filter", ""), ("fileIds", .array(files.map { .string($0) })), ("answerGenerationMode", "NORMAL"),
            ("toolsSpec", tools), ("languageCode", "en"), ("userMetadata", ["timeZone": "Etc/UTC"]),
            ("assistSkippingMode", "REQUEST_ASSIST"),
        ])
        if let model { request["assistGenerationConfig"] = ["modelId": .string(model)] }
        return try widget("widgetStreamAssist", "streamAssistRequest", .object(request))
    }

    func upload(to session: String, mimeType: String = "image/png", contents: String = "iVBORw0KGgo=") throws
        -> BlockingClient.Reply
    {
        try widget(
            "widgetAddContextFile", "addContextFileRequest",
            [
                "name": .string(session), "fileName": "upload_1_a.png", "mimeType": .string(mimeType),
                "fileContents": .string(contents),
            ])
    }

    func files(of session: String, filter: String = "") throws -> [JSON] {
        let reply = try widget(
            "widgetListSessionFileMetadata", "listSessionFileMetadataRequest",
            ["name": .string(session), "filter": .string(filter)])
        return reply.json?["listSessionFileMetadataResponse"]?["fileMetadata"]?.array ?? []
    }
}

/// The parts of an answer stream, gathered.
struct AssistAnswer {
    var text = ""
    var thoughts = ""
    var deltas = 0
    var files: [String] = []
    var last: JSON = .null

    init(_ reply: BlockingClient.Reply) {
        for element in reply.json?.array ?? [] {
            last = element
            for part in element["streamAssistResponse"]?["answer"]?["replies"]?.array ?? [] {
                let content = part["groundedContent"]?["content"]
                let piece = content?["text"]?.string ?? ""
                if content?["thought"]?.bool ?? false {
                    thoughts += piece
                } else if !piece.isEmpty {
                    text += piece
                    deltas += 1
                }
                if let file = content?["file"]?["fileId"]?.string { files.append(file) }
            }
        }
    }

    var state: String? { last["streamAssistResponse"]?["answer"]?["state"]?.string }
}
