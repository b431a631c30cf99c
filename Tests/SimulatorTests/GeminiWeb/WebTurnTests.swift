import PolluxCore
import PolluxSimulator
import PolluxTesting
import Testing

/// Protocol notes, section 15.3, point 4.
@Suite("Gemini web 15.3: turns")
struct WebTurnTests {
    private static let pro = WebClient.selector("9d8ca3786ebdfbea")

    @Test("a turn names its chat, grows by five characters, completes, gets a title, and ends")
    func frames() async throws {
        try await withSimulator(.geminiWeb) { server in
            let turn = WebClient(server).ask("Hello there")
            let text = "turn 1: Hello there"
            #expect(turn.frames.faults.isEmpty && turn.frames.hasEnd)
            #expect(turn.texts == [5, 10, 15, 19, 19].map { String(text.prefix($0)) })
            #expect(turn.statuses == [1, 1, 1, 1, 2])
            #expect(turn.bodies.first == [nil, [.string(turn.cid), .string(turn.rid)]])
            #expect(turn.bodies.allSatisfy { $0[1] == turn.bodies[0][1] })
            #expect(turn.bodies.filter { $0[25] != nil }.count == 1)
            #expect(turn.bodies.dropLast().last?[25]?.string?.isEmpty == false)
            #expect(turn.bodies.last?[2] == ["11": ["Hello there"], "44": true])
            #expect(turn.frames.parts.suffix(3).map { $0[0]?.string } == ["di", "af.httprm", "e"])
            #expect(turn.cid.hasPrefix("c_") && turn.rid.hasPrefix("r_"))
            #expect(turn.cid.utf8.count == 18 && turn.rid.utf8.count == 18)
            let rcid = turn.finished?[0]?.string ?? ""
            #expect(rcid.hasPrefix("rc_") && rcid.utf8.count == 19)
        }
    }

    @Test("a chat goes on by its id, with new ids for each turn; accounts do not see each other's")
    func continuity() async throws {
        try await withSimulator(.geminiWeb) { server in
            let client = WebClient(server)
            let first = client.ask("one")
            let second = client.ask("two") { $0.chat = first.chat }
            #expect(second.text == "turn 2: two" && second.cid == first.cid && second.rid != first.rid)
            let bare = client.ask("three") { $0.chat = [.string(first.cid)] }
            #expect(bare.text == "turn 3: three")
            let stranger = WebClient(server, "bob").ask("four") { $0.chat = first.chat }
            #expect(stranger.error == 1097)
        }
    }

    @Test("a chat keeps its model; without a selector that is the first model, and unknown ones are refused")
    func models() async throws {
        try await withSimulator(.geminiWeb) { server in
            let client = WebClient(server)
            let chat = client.ask("one") { $0.model = Self.pro }.chat
            let (same, other) = (
                client.ask("two") {
                    $0.chat = chat
                    $0.model = "[1,null,null,null,\"9d8ca3786ebdfbea\",null,null,0,[4]]"
                },
                client.ask("two") { $0.chat = chat }
            )
            #expect(same.text == "turn 2: two" && other.error == 1050)
            let first = client.ask("one").chat
            let flash = client.ask("two") {
                $0.chat = first
                $0.model = WebClient.selector("fbb127bbb056c959")
            }
            #expect(flash.text == "turn 2: two")
            for model in [WebClient.selector("0123456789abcdef"), "nonsense", "[1]", "[1,2,3,4,5]", "{}"] {
                let unknown = client.ask("x") { $0.model = model }
                #expect(unknown.error == 1052, "\(model)")
            }
            let guest = WebClient(server, nil)
            let (guestPro, guestFlash) = (guest.ask("x") { $0.model = Self.pro }, guest.ask("x"))
            #expect(guestPro.error == 1052 && guestFlash.text == "turn 1: x")
        }
    }

    @Test("request checks answer 400 in the order: http directive, token, query and header, ids")
    func order() async throws {
        try await withSimulator(.geminiWeb) { server in
            let client = WebClient(server)
            func everythingWrong(_ ask: inout WebClient.Ask) {
                (ask.at, ask.query, ask.fields, ask.headerID) = ("wrong", "hl=en", [], nil)
                (ask.model, ask.chat) = ("nonsense", ["c_0000000000000000"])
            }
            #expect(client.askRaw("!sim http 503\n!sim error 1013", everythingWrong).status == 503)
            let token = client.ask("!sim drop x", everythingWrong)
            #expect(token.reply.status == 400 && token.newToken == client.token)
            let headers = client.ask("!sim drop x") {
                everythingWrong(&$0)
                $0.at = nil
            }
            #expect(headers.reply.status == 400 && headers.newToken == nil)
            for change in Self.requestFaults {
                let reply = client.ask("!sim drop x", change)
                #expect(reply.reply.status == 400 && reply.frames.parts.first?[0]?.string == "er")
            }
        }
    }

    private static let requestFaults: [@Sendable (inout WebClient.Ask) -> Void] = [
        { $0.query = "hl=en&rt=c" }, { $0.query = "_reqid=x&rt=c" }, { $0.query = "_reqid=1" },
        { $0.query = "_reqid=1&rt=j" }, { $0.fields = [] }, { $0.headerID = nil },
        { $0.headerID = "00000000-0000-0000-0000-000000000000" }, { $0.inner = { $0[0] = nil } },
        { $0.inner = { $0 = [["x"], nil] } }, { $0.files = "f" },
    ]

    @Test("in-band checks come in the order: drop, status, error, model, files, chat")
    func inBandOrder() async throws {
        try await withSimulator(.geminiWeb) { server in
            let client = WebClient(server)
            @Sendable func wrong(_ ask: inout WebClient.Ask) {
                ask.model = WebClient.selector("0123456789abcdef")
                (ask.chat, ask.files) = (["c_0000000000000000"], [[["/contrib_service/ttl_1d/0"], "x"]])
            }
            let dropped = client.ask("!sim error 1013\n!sim status 4\n!sim drop x", wrong)
            #expect(dropped.frames.parts.map { $0[0]?.string } == ["di", "af.httprm", "e"])
            let bare = client.ask("!sim error 1013\n!sim status 4", wrong)
            #expect(bare.frames.parts.first == ["wrb.fr", nil, nil, nil, nil, [4]])
            #expect(client.ask("!sim error 1013", wrong).error == 1013)
            #expect(client.ask("x", wrong).error == 1052)
            let files = client.ask("x") {
                wrong(&$0)
                $0.model = nil
            }
            #expect(files.error == 1003)
            let chat = client.ask("x") { $0.chat = ["c_0000000000000000"] }
            #expect(chat.error == 1097)
        }
    }

    @Test("short messages of older clients are understood")
    func shortMessages() async throws {
        try await withSimulator(.geminiWeb) { server in
            let turn = WebClient(server).ask("") {
                $0.headerID = nil
                $0.inner = { $0 = [["Hello"], nil, nil] }
            }
            #expect(turn.text == "turn 1: Hello")
        }
    }

    @Test("a temporary chat goes on, but is neither listed nor readable")
    func temporary() async throws {
        try await withSimulator(.geminiWeb) { server in
            let client = WebClient(server)
            let first = client.ask("one") { $0.inner = { $0[45] = 1 } }
            let second = client.ask("two") {
                $0.chat = first.chat
                $0.inner = { $0[45] = 1 }
            }
            #expect(second.text == "turn 2: two")
            #expect(client.result("MaZiqc", "[13,null,[0,null,1]]")[2] == [])
            #expect(client.result("hNvQHb", "[\"\(first.cid)\",10]") == [])
        }
    }

    @Test("whatever is sent instead of a form draws an error, and the simulator goes on")
    func hostile() async throws {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededRandom(seed: seed)
        try await withSimulator(.geminiWeb) { server in
            let client = WebClient(server)
            let good = client.question("hello").body
            for _ in 0..<60 {
                var body = good
                for _ in 0..<Int.random(in: 1...8, using: &random) where !body.isEmpty {
                    let place = Int.random(in: 0..<body.count, using: &random)
                    switch Int.random(in: 0...2, using: &random) {
                    case 0: body[place] = UInt8.random(in: 0...255, using: &random)
                    case 1: body.remove(at: place)
                    default: body.removeLast(body.count - place)
                    }
                }
                for target in ["\(WebClient.turnPath)?_reqid=1&rt=c", "\(WebClient.batchPath)?rt=c&rpcids=x"] {
                    let reply = client.post(
                        target, client.cookies + [("x-same-domain", "1")], body, type: WebClient.formType.1)
                    #expect(reply.status == 200 || reply.status == 400, "seed \(seed)")
                }
                #expect(client.post("/upload", [], body, type: "multipart/form-data").status == 400, "seed \(seed)")
            }
            let nested = String(repeating: "[", count: 100_000)
            let bomb = WebClient.form([("at", client.token), ("f.req", nested)])
            let fields = client.cookies + [("x-same-domain", "1")]
            #expect(
                client.post("\(WebClient.turnPath)?_reqid=1&rt=c", fields, bomb, type: WebClient.formType.1).status
                    == 400)
            #expect(client.ask("still here").text == "turn 1: still here")
        }
    }
}
