import PolluxCore
import PolluxCrypto
import PolluxSimulator
import PolluxTesting
import Testing

/// Protocol notes, section 15.4.
@Suite("Gemini web 15.4: steering")
struct WebDirectiveTests {
    private func ask(_ prompt: String) async throws -> WebTurnReply {
        try await withSimulator(.geminiWeb) { WebClient($0).ask(prompt) }
    }

    @Test("the reply is the last line that is neither empty nor a directive")
    func lastLine() async throws {
        #expect(try await ask("a\nb\n!sim unknown x\n\n").text == "turn 1: b")
        #expect(try await ask("a\r\nb\r\n").text == "turn 1: b")
        #expect(try await ask("!sim nothing").text == "turn 1: ")
    }

    @Test(
        "only lines behind the last heading steer, so replayed history is inert",
        arguments: ["## user", "## assistant", "## function results"])
    func history(_ heading: String) async throws {
        let replayed = "!sim http 500\n## user\n!sim say old\n\(heading)\nnew"
        #expect(try await ask(replayed).text == "turn 1: new")
        #expect(try await ask("\(heading) \n!sim say old").text == "old")
        #expect(try await ask("\(heading)\n!sim say \(heading)").text == heading)
    }

    @Test("say: this text, with line ends; directives combine")
    func say() async throws {
        let turn = try await ask("!sim think hm\\n...\n!sim say a\\nb <&> [x] 😀")
        #expect(turn.text == "a\nb <&> [x] 😀")
        #expect(turn.finished?[37]?[0]?[0]?.string == "hm\n...")
        let thoughts = turn.candidates.compactMap { $0[37]?[0]?[0]?.string }
        #expect(thoughts.first == "hm\n.." && turn.texts.first == "")
        let firstText = turn.texts.firstIndex { !$0.isEmpty } ?? 0
        #expect(thoughts[..<firstText].last == "hm\n...", "thoughts come first")
    }

    @Test("history: the first lines of the user's earlier messages")
    func earlierMessages() async throws {
        try await withSimulator(.geminiWeb) { server in
            let client = WebClient(server)
            let first = client.ask("one\nmore")
            let second = client.ask("two") { $0.chat = first.chat }
            let third = client.ask("!sim history x") { $0.chat = second.chat }
            #expect(third.text == "history: one | two")
        }
    }

    @Test("files: name, size, digest and type of each")
    func files() async throws {
        try await withSimulator(.geminiWeb) { server in
            let client = WebClient(server)
            let contents = Array("hello\r\n--B1\r\n".utf8)
            let ids = [client.upload(contents, type: "text/markdown"), client.upload([])].map(\.text)
            let turn = client.ask("!sim files x") {
                $0.files = [[[.string(ids[0])], "ä b.md"], [[.string(ids[1]), 1], "c.txt"]]
            }
            let digest = SHA256.hash(contents).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
            #expect(turn.text == "files: ä b.md:13:\(digest):text/markdown c.txt:0:\(empty):text/plain")
        }
    }

    @Test("call: a fenced block behind the text, its JSON as given")
    func call() async throws {
        let turn = try await ask("!sim say Well.\n!sim call look {\"at\": [1, {\"b\":2}]}\n!sim call done")
        let fence = "```"
        #expect(
            turn.text
                == "Well.\n\(fence)pollux-call\n{\"name\": \"look\", \"arguments\": {\"at\": [1, {\"b\":2}]}}\n\(fence)"
                + "\n\(fence)pollux-call\n{\"name\": \"done\", \"arguments\": {}}\n\(fence)")
    }

    @Test("image, image-edit: field 7 in its place or sparse, with placeholders in the text")
    func images() async throws {
        let (plain, edited) = (try await ask("!sim image 2\n!sim say Here"), try await ask("!sim image-edit\nx"))
        #expect(plain.content?[7]?[0]?.array?.count == 2)
        #expect(plain.content?[7]?[0]?[0]?[0]?[3]?[3]?.string?.contains("/gg/") == true)
        #expect(plain.content?[7]?[0]?[0]?[1]?[0]?.string?.isEmpty == false)
        let link = "http://googleusercontent.com/image_generation_content/"
        #expect(plain.text == "Here\n\(link)0\n\(link)1")
        #expect(edited.content?.array?.count == 1)
        #expect(edited.content?[0]?["8"]?[0]?.array?.count == 1)
    }

    @Test("webimage, video, music, cite: fields 1, 59, 86 and 43")
    func media() async throws {
        let turn = try await ask("!sim webimage x\n!sim video x\n!sim music x\n!sim cite x\n!sim say Look")
        let sparse = turn.content?.array?.last
        #expect(turn.content?[1]?[0]?[0]?[0]?[0]?.string?.contains("/gg/") == true)
        #expect(turn.content?[1]?[0]?[0]?[4]?.string != nil)
        #expect(sparse?["60"]?[0]?[0]?[0]?[0]?[7]?.array?.count == 2)
        #expect(sparse?["87"]?[0]?[1]?[7]?.array?.count == 2 && sparse?["87"]?[1]?[1]?[7]?.array?.count == 2)
        #expect(sparse?["44"]?[0]?[0]?[0]?.string == " [cite: 1, 2]")
        #expect(sparse?["44"]?[0]?[1]?.array?.compactMap { $0[3]?[0]?[2]?.string } == ["Source 1", "Source 2"])
        #expect(turn.text == "Look [cite: 1, 2]")
        #expect(turn.candidates.dropLast().allSatisfy { $0[12] == nil })
    }

    @Test("flicker: unfinished frames end with an artefact, the last one does not")
    func flicker() async throws {
        let turn = try await ask("!sim flicker x\n!sim say 0123456789\\n```\\ncode\\n```\\nend.")
        let unfinished = turn.texts.dropLast()
        #expect(unfinished.allSatisfy { $0.hasSuffix("\n```") || $0.hasSuffix("\\*") })
        #expect(unfinished.contains { $0.hasSuffix("\n```") } && unfinished.contains { $0.hasSuffix("\\*") })
        #expect(turn.text == "0123456789\n```\ncode\n```\nend.")
    }

    @Test("split: chunks of seven bytes, characters cut")
    func split() async throws {
        let turn = try await ask("!sim split x\n!sim say 😀😀😀😀😀😀😀😀")
        #expect(turn.reply.chunks.dropLast().allSatisfy { $0.count == 7 })
        #expect(turn.reply.chunks.contains { String(validating: $0, as: UTF8.self) == nil })
        #expect(turn.frames.faults.isEmpty && turn.text == "😀😀😀😀😀😀😀😀")
    }

    @Test("stall: nothing more behind the first text until the time has passed")
    func stall() async throws {
        let time = ManualTime()
        try await withSimulator(.geminiWeb, .quick { $0.time = time }) { server in
            let question = WebClient(server).question("!sim stall 30\nhello there")
            let connection = try #require(
                WebClient(server).http.open("POST", question.target, question.fields, question.body))
            await time.untilSleeping(1)
            time.advance(by: .seconds(30))
            var reader = ReplyReader(connection)
            let turn = WebTurnReply(reader.read())
            #expect(turn.text == "turn 1: hello there" && turn.frames.hasEnd)
            connection.close()
        }
    }

    @Test("truncate: half of the text and no end, but the turn is finished and can be read")
    func truncate() async throws {
        try await withSimulator(.geminiWeb) { server in
            let client = WebClient(server)
            let turn = client.ask("!sim truncate x\n!sim say 0123456789 0123456789")
            #expect(turn.reply.ending == .complete && turn.frames.faults.isEmpty && !turn.frames.hasEnd)
            #expect(turn.texts == ["01234", "0123456789"] && turn.finished == nil && turn.context == nil)
            let read = client.result("hNvQHb", "[\"\(turn.cid)\",10]")[0]?[0]
            #expect(read?[3]?[0]?[0]?[1]?[0]?.string == "0123456789 0123456789")
            #expect(read?[3]?[0]?[0]?[8]?[0]?.int == 2)
        }
    }

    @Test("cut: the connection breaks inside a frame")
    func cut() async throws {
        let turn = try await ask("!sim cut x\n!sim say 0123456789 0123456789")
        #expect(turn.reply.ending == .closedEarly)
    }

    @Test("drop, status, error: nothing but that, at HTTP status 200")
    func nothingElse() async throws {
        for (prompt, part) in [
            ("!sim status 13", ["wrb.fr", nil, nil, nil, nil, [13]] as JSON),
            ("!sim drop x", .null),
        ] {
            let turn = try await ask(prompt)
            #expect(turn.reply.status == 200 && turn.frames.hasEnd && turn.bodies.isEmpty)
            let first: JSON? = turn.frames.parts.first { $0[0]?.string == "wrb.fr" }
            #expect((first ?? .null) == part)
        }
        for code in [1003, 1013, 1037, 1060, 1096, 4711] {
            let turn = try await ask("!sim error \(code)")
            #expect(turn.reply.status == 200 && turn.error == code && turn.frames.faults.isEmpty)
        }
    }

    @Test("late-error: behind a complete answer, 1096 unless said otherwise")
    func lateError() async throws {
        for (prompt, code) in [("!sim late-error\nx", 1096), ("!sim late-error 1155\nx", 1155)] {
            let turn = try await ask(prompt)
            #expect(turn.text == "turn 1: x" && turn.bodies.last?[2] != nil)
            let error = turn.frames.parts.last { $0[0]?.string == "wrb.fr" }
            #expect(error?[5]?[2]?[0]?[1]?[0]?.int == code)
        }
    }

    @Test("http: a plain error", arguments: [400, 401, 405, 429, 500, 503])
    func http(_ status: Int) async throws {
        let reply = try await withSimulator(.geminiWeb) { WebClient($0).askRaw("!sim http \(status)") }
        #expect(reply.status == status && !reply.text.contains("wrb.fr"))
    }

    @Test("xsrf: the token changes once for a prompt, and the old one is no longer good")
    func xsrf() async throws {
        try await withSimulator(.geminiWeb) { server in
            let client = WebClient(server)
            let first = client.ask("!sim xsrf x\nhello")
            let token = try #require(first.newToken)
            #expect(first.reply.status == 400 && token != client.token)
            let again = client.ask("!sim xsrf x\nhello") { $0.at = token }
            #expect(again.text == "turn 1: hello")
            #expect(client.ask("other").newToken == token)
            #expect(client.page().text.contains("\"SNlM0e\":\"\(token)\""))
        }
    }

    @Test("escape: outside code blocks as the web app writes it")
    func escape() async throws {
        let turn = try await ask("!sim escape x\n!sim say a<b [c] & d_e\\n```\\nx<y_\\n```\\n|")
        #expect(turn.text == "a&lt;b \\[c\\] &amp; d\\_e\n```\nx<y_\n```\n\\|")
    }

    @Test("a megabyte comes in few large frames, still cumulative")
    func large() async throws {
        let turn = try await ask("!sim say " + String(repeating: "0123456789", count: 100_000))
        #expect(turn.text?.utf8.count == 1_000_000 && turn.frames.faults.isEmpty)
        #expect((10...100).contains(turn.texts.count))
    }
}
