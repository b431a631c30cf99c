import PolluxCore
import PolluxSimulator
import Testing

/// Protocol notes, section 15.5.
@Suite("Gemini web 15.5: control")
struct WebControlTests {
    @Test("the list of requests tells what each asked")
    func requests() async throws {
        try await withSimulator(.geminiWeb) { server in
            let client = WebClient(server)
            _ = client.get("/app?a=1&b=%20x")
            _ = client.rpc("ESY5D")
            _ = client.ask("!sim say x\n!sim think y") {
                $0.model = WebClient.selector("9d8ca3786ebdfbea")
                $0.inner = {
                    ($0[19], $0[45], $0[80]) = ("gem-1", 1, 2)
                }
            }
            _ = WebClient(server, nil).get("/")
            let list = client.requests()
            #expect(list.map { $0["n"]?.int } == [0, 1, 2, 3])
            #expect(list.map { $0["path"]?.string } == ["/app", WebClient.batchPath, WebClient.turnPath, "/"])
            #expect(list.map { $0["account"]?.string } == ["ada", "ada", "ada", nil])
            #expect(list[0]["method"] == "GET" && list[0]["query"] == ["a": "1", "b": " x"])
            #expect(list[0]["headers"]?["cookie"]?.string?.contains("__Secure-1PSID=g.a000sim-ada") == true)
            let time = list[0]["t"]?.double ?? 0
            #expect(abs(time - Double(WallClock.seconds)) < 60)
            #expect(list[1]["rpcids"] == ["ESY5D"])
            let turn = list[2]
            #expect(turn["prompt"] == "!sim say x\n!sim think y" && turn["inner_len"] == 81)
            #expect(turn["model"] == "9d8ca3786ebdfbea" && turn["selector"]?.array?.count == 17)
            #expect(turn["thinking"] == 2 && turn["temporary"] == 1 && turn["gem"] == "gem-1")
            #expect(turn["directives"] == ["say": "x", "think": "y"])
            let last = client.http.get("/__sim/requests?since=3").json
            #expect(last?["next"]?.int == 4 && last?["requests"]?.array?.count == 1)
            #expect(client.http.get("/__sim/requests?since=x").status == 400)
        }
    }

    @Test("reset forgets accounts, chats, files and requests")
    func reset() async throws {
        try await withSimulator(.geminiWeb) { server in
            let client = WebClient(server)
            client.set(["status": 1014])
            let chat = client.ask("one").chat
            let upload = client.upload([1]).text
            _ = client.rotate()
            #expect(client.http.send("POST", "/__sim/reset", [], []).status == 200)
            #expect(client.http.get("/__sim/requests").json == ["next": 0, "requests": []])
            #expect(client.result("otAQ7b")[14]?.int == 1000)
            let (gone, lost) = (
                client.ask("two") { $0.chat = chat }, client.ask("x") { $0.files = [[[.string(upload)], "a"]] }
            )
            #expect(gone.error == 1097 && lost.error == 1003)
            #expect(client.rotate().field("set-cookie")?.contains("sidts-sim-ada-1") == true)
        }
    }

    @Test("settings are merged into an account")
    func settings() async throws {
        try await withSimulator(.geminiWeb) { server in
            let client = WebClient(server)
            client.set(["status": 1033, "tier_flags": [16]])
            client.set(["capability_flags": [106], "models": [["e6fa609c3fa255c0", "Pro", "3.1 Pro", 3]]])
            let status = client.result("otAQ7b")
            #expect(status[14]?.int == 1033 && status[16] == [16] && status[17] == [106])
            #expect(status[15]?.array?.map { $0[0] } == ["e6fa609c3fa255c0"])
            let other = WebClient(server, "bob").result("otAQ7b")
            #expect(other[14]?.int == 1000 && other[15]?.array?.count == 3)
            client.set(["expired": true])
            #expect(!client.page().text.contains("SNlM0e"))
            #expect(client.result("otAQ7b")[14]?.int == 1016)
        }
    }

    @Test("the page and the rotation do as they are set")
    func pageAndRotation() async throws {
        try await withSimulator(.geminiWeb) { server in
            let client = WebClient(server)
            for (value, status) in [("429", 429), ("503", 503), ("consent", 200), ("normal", 200)] {
                client.set(["init": .string(value)])
                let page = client.page()
                #expect(page.status == status)
                #expect(page.text.contains("cfb2h") == (value == "normal"))
            }
            client.set(["rotate": 401])
            #expect(client.rotate().status == 401)
            client.set(["rotate": "429"])
            #expect(client.rotate().status == 429)
            client.set(["rotate": "no-ts"])
            let kept = client.rotate()
            #expect(kept.status == 200 && kept.field("set-cookie")?.hasPrefix("__Secure-1PSIDCC=") == true)
            #expect(!kept.fields.contains { $0.value.hasPrefix("__Secure-1PSIDTS=") })
            #expect(client.page().text.contains("SNlM0e"))
        }
    }

    @Test(
        "settings that cannot be used are refused by name, and nothing changes",
        arguments: [
            ("status", #"{"status":"x","expired":true}"#), ("init", #"{"expired":true,"init":"soon"}"#),
            ("models", #"{"expired":true,"models":[[1]]}"#), ("speed", #"{"expired":true,"speed":1}"#),
            ("tier_flags", #"{"expired":true,"tier_flags":1}"#), ("JSON", "{"), ("object", "[]"),
        ])
    func badSettings(_ name: String, _ body: String) async throws {
        try await withSimulator(.geminiWeb) { server in
            let client = WebClient(server)
            let reply = client.http.send("POST", "/__sim/accounts/ada", [], Array(body.utf8))
            #expect(reply.status == 400 && reply.json?["error"]?["message"]?.string?.contains(name) == true)
            #expect(client.page().text.contains("SNlM0e"))
            #expect(client.http.send("POST", "/__sim/accounts/a.b", [], Array("{}".utf8)).status == 400)
        }
    }

    @Test("ordered faults meet this upstream too, as a status or as directives")
    func faults() async throws {
        try await withSimulator(.geminiWeb) { server in
            let client = WebClient(server)
            server.control.add(FaultRule(method: "app", status: 503))
            server.control.add(FaultRule(account: "ada", method: "StreamGenerate", status: 429))
            server.control.add(FaultRule(method: "StreamGenerate", directives: "!sim error 1037"))
            #expect(client.page().status == 503 && client.page().status == 200)
            #expect(client.ask("x").reply.status == 429)
            #expect(client.ask("x").error == 1037)
            #expect(client.ask("x").text == "turn 1: x")
            let entry = await server.lastEnded()
            #expect(entry?.operation == "StreamGenerate" && entry?.account == "ada" && entry?.verdict == "ok")
        }
    }
}
