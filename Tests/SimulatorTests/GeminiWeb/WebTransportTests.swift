import PolluxCore
import PolluxSimulator
import PolluxTesting
import Testing

/// Protocol notes, sections 15.1 and 15.2.
@Suite("Gemini web 15.1, 15.2: HTTP, accounts and cookies")
struct WebTransportTests {
    private static let offer = [
        ("connection", "Upgrade, HTTP2-Settings"), ("upgrade", "h2c"), ("http2-settings", "AAMAAABkAAQAAP__"),
    ]

    @Test("an offer of HTTP/2 is ignored, with and without a body")
    func upgrade() async throws {
        try await withSimulator(.geminiWeb) { server in
            let client = WebClient(server)
            let page = client.get("/app", Self.offer)
            #expect(page.status == 200 && page.field("upgrade") == nil)
            let turn = client.ask("hello") { $0.fields += Self.offer }
            #expect(turn.reply.status == 200)
            #expect(turn.text == "turn 1: hello")
        }
    }

    @Test("a turn is chunked, with one chunk for each frame; the prefix goes with the first")
    func chunks() async throws {
        try await withSimulator(.geminiWeb) { server in
            let turn = WebClient(server).ask("hello, how are you?")
            #expect(turn.reply.field("transfer-encoding") == "chunked")
            let lines = turn.reply.chunks.map { String(decoding: $0, as: UTF8.self).split(separator: "\n").count }
            // The last chunk holds the end too.
            #expect(lines.first == 3)
            #expect(lines.dropFirst().allSatisfy { $0 == 2 })
            #expect(turn.frames.faults.isEmpty && turn.frames.hasEnd)
        }
    }

    @Test("requests are served side by side: a stalled turn holds up nobody")
    func concurrent() async throws {
        try await withSimulator(.geminiWeb) { server in
            let client = WebClient(server)
            let question = client.question("!sim stall 3600\nhello")
            let connection = try #require(
                client.http.open("POST", question.target, question.fields, question.body))
            var reader = ReplyReader(connection)
            #expect(reader.readHead().status == 200)
            #expect(client.ask("me too").text == "turn 1: me too")
            connection.close()
        }
    }

    @Test("a connection is kept for the next request")
    func keepAlive() async throws {
        try await withSimulator(.geminiWeb) { server in
            let connection = try #require(Connection(port: server.port))
            for _ in 0..<2 {
                connection.send(Array("GET /app HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".utf8))
                var reader = ReplyReader(connection)
                #expect(reader.read().status == 200)
            }
            connection.close()
        }
    }

    @Test(
        "only cookies of the given form are an account",
        arguments: [
            ("g.a000sim-ada", "sidts-sim-ada-0", true), ("g.a000sim-Ada_1-x", "sidts-sim-Ada_1-x-0", true),
            ("g.a000sim-ada", "sidts-sim-ada-1", false), ("g.a000sim-ada", "sidts-sim-bob-0", false),
            ("g.a000sim-", "sidts-sim--0", false), ("g.a000sim-a.b", "sidts-sim-a.b-0", false),
            ("g.a000real", "sidts-real", false),
        ])
    func accounts(_ identity: String, _ freshness: String, _ isAccount: Bool) async throws {
        try await withSimulator(.geminiWeb) { server in
            let http = BlockingClient(port: server.port)
            let page = http.get("/app", [("cookie", "a=b; __Secure-1PSID=\(identity); __Secure-1PSIDTS=\(freshness)")])
            #expect(page.text.contains("SNlM0e") == isAccount)
            let bare = http.get("/app", [("cookie", "__Secure-1PSID=\(identity)")])
            #expect(!bare.text.contains("SNlM0e"))
        }
    }

    @Test("cookies carry a domain only for hosts below google.com")
    func domain() async throws {
        try await withSimulator(.geminiWeb) { server in
            func cookie(host: String) throws -> String {
                let connection = try #require(Connection(port: server.port))
                defer { connection.close() }
                connection.send(Array("GET /app HTTP/1.1\r\nhost: \(host)\r\nconnection: close\r\n\r\n".utf8))
                var reader = ReplyReader(connection)
                return reader.read().field("set-cookie") ?? ""
            }
            let end = "Path=/; Secure; HttpOnly; Max-Age=31536000"
            let loopback = try cookie(host: "127.0.0.1:1")
            #expect(loopback.hasSuffix("; \(end)") && !loopback.contains("Domain"))
            let other = try cookie(host: "notgoogle.com")
            #expect(!other.isEmpty && !other.contains("Domain"))
            let inside = try cookie(host: "gemini.google.com")
            #expect(inside.hasSuffix("; Domain=.google.com; \(end)"))
            let itself = try cookie(host: "google.com:80")
            #expect(itself.contains("; Domain=.google.com; "))
        }
    }
}

/// Protocol notes, section 15.3, points 1 and 2.
@Suite("Gemini web 15.3: pages and rotation")
struct WebPageTests {
    @Test("the page before sets a cookie; the page holds all five tokens and a fresh cookie; a guest's lacks one")
    func pages() async throws {
        try await withSimulator(.geminiWeb) { server in
            let client = WebClient(server)
            #expect(client.get("/").status == 200)
            #expect(client.get("/").field("set-cookie")?.hasPrefix("NID=") == true)
            let (first, second, guest) = (client.page(), client.page(), WebClient(server, nil).page())
            for key in ["FdrFJe", "SNlM0e", "TuX5cc", "cfb2h", "qKIAYe"] {
                #expect(first.text.contains("\"\(key)\":\""))
            }
            #expect(first.text.contains("\"qKIAYe\":\"feeds/"))
            #expect(first.text.contains("\"SNlM0e\":\"\(client.token)\""))
            #expect(first.field("set-cookie")?.hasPrefix("__Secure-1PSIDCC=") == true)
            #expect(first.field("set-cookie") != second.field("set-cookie"))
            #expect(guest.status == 200 && !guest.text.contains("SNlM0e") && guest.text.contains("cfb2h"))
            #expect(client.get("/u/1/app").text.contains("SNlM0e"))
        }
    }

    @Test("rotation gives a new value; the one before stays good, older ones do not")
    func rotation() async throws {
        let time = ManualTime()
        try await withSimulator(.geminiWeb, .quick { $0.time = time }) { server in
            var client = WebClient(server)
            let reply = client.rotate()
            #expect(reply.status == 200)
            #expect(reply.text == ")]}'\n\n[[\"identity.hfcr\",600],[\"di\",27]]")
            let cookies = reply.fields.filter { $0.name == "set-cookie" }.map(\.value)
            #expect(cookies.map { $0.prefix { $0 != "=" } } == ["__Secure-1PSIDTS", "__Secure-1PSIDCC"])
            #expect(cookies[0].hasPrefix("__Secure-1PSIDTS=sidts-sim-ada-1;"))
            #expect(client.page().text.contains("SNlM0e"), "the value before is still good")
            time.advance(by: .seconds(59))
            #expect(client.rotate().status == 429)
            time.advance(by: .seconds(1))
            #expect(client.rotate().field("set-cookie")?.contains("sidts-sim-ada-2") == true)
            #expect(!client.page().text.contains("SNlM0e"), "two rotations are too many")
            client.freshness = "sidts-sim-ada-1"
            #expect(client.page().text.contains("SNlM0e"))
        }
    }

    @Test("rotation refuses guests with 401, other bodies and types with 400")
    func rotationRefusals() async throws {
        try await withSimulator(.geminiWeb) { server in
            let client = WebClient(server)
            #expect(WebClient(server, nil).rotate().status == 401)
            #expect(client.rotate("{}").status == 400)
            #expect(client.rotate("").status == 400)
            #expect(client.rotate(type: "text/plain").status == 400)
            #expect(
                client.rotate("[0,\"-0000000000000000000\"]", type: "application/json; charset=utf-8").status == 200)
        }
    }

    @Test("other paths are 404, other methods 405")
    func elsewhere() async throws {
        try await withSimulator(.geminiWeb) { server in
            let client = WebClient(server)
            #expect(client.get("/nothing").status == 404)
            #expect(client.get("/u//app").status == 404)
            #expect(client.get(WebClient.turnPath).status == 405)
            #expect(client.post("/app", [], [], type: "text/plain").status == 405)
        }
    }
}
