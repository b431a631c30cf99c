import PolluxCore
import PolluxSimulator
import Testing

@Suite("OpenAI upstream: faults")
struct ChatFaultTests {
    private func chat(_ prompt: String, stream: Bool = true) async throws -> BlockingClient.Reply {
        try await withSimulator(.openAI) { ChatClient($0).chat(.string(prompt), stream: stream) }
    }

    @Test(
        "http answers with this status, and Retry-After when wanted",
        arguments: [400, 401, 403, 404, 429, 500, 503, 529])
    func status(_ status: Int) async throws {
        let reply = try await chat("[[sim:http=\(status),retry-after=5]]")
        #expect(reply.status == status && reply.field("retry-after") == "5")
        #expect(reply.json?["error"]?["message"]?.string != nil)
    }

    @Test("cut closes inside an event, without the end of the chunked body", arguments: [true, false])
    func cut(_ stream: Bool) async throws {
        let reply = try await chat("Hello [[sim:cut]]", stream: stream)
        #expect(reply.status == 200 && reply.ending == .closedEarly)
        #expect(!reply.text.hasSuffix("\n\n") && reply.body.count > 0)
    }

    @Test("cut=n and at=n say after how many pieces of text", arguments: [0, 1, 3])
    func cutAt(_ count: Int) async throws {
        for prompt in ["Hello everybody [[sim:cut=\(count)]]", "Hello everybody [[sim:cut,at=\(count)]]"] {
            let reply = try await chat(prompt)
            let pieces = reply.text.split(separator: "\n\n").dropLast().filter { $0.contains(#""content":"#) }
            #expect(pieces.count - 1 == count, "\(prompt)")
        }
    }

    @Test("reset ends the connection with a reset, after some of the answer or before any")
    func reset() async throws {
        #expect(try await chat("Hello [[sim:reset]]").ending == .reset)
        #expect(try await chat("Hello [[sim:reset]]", stream: false).ending == .reset)
        let none = try await chat("[[sim:drop=reset]]")
        #expect(none.ending == .reset && none.status == 0)
    }

    @Test("drop closes without a reply")
    func drop() async throws {
        let reply = try await chat("[[sim:drop]]")
        #expect(reply.ending == .closedEarly && reply.status == 0)
    }

    @Test("stall and headerstall keep silent until the client leaves", arguments: ["stall", "headerstall", "halfhead"])
    func stall(_ name: String) async throws {
        try await withSimulator(.openAI) { server in
            let body = ChatClient.body(.string("[[sim:\(name)]]"), stream: true).bytes()
            let connection = try #require(
                BlockingClient(port: server.port).open("POST", "/v1/chat/completions", [], body))
            var received: [UInt8] = []
            while name == "stall", !String(decoding: received, as: UTF8.self).contains("echo") {
                guard case .bytes(let bytes) = connection.receive() else { break }
                received += bytes
            }
            if name == "halfhead", case .bytes(let bytes) = connection.receive() { received += bytes }
            #expect(received.isEmpty == (name == "headerstall"))
            while server.control.journal.isEmpty { await Task.yield() }
            connection.close()
            #expect(await server.lastEnded()?.ending == .cutByClient)
        }
    }

    @Test("badjson is a broken event, or a broken body with status 200")
    func badJSON() async throws {
        let stream = try await chat("Hello [[sim:badjson]]")
        #expect(stream.events.count == stream.chunkObjects.count + 2, "one is broken, one is [DONE]")
        let whole = try await chat("Hello [[sim:badjson]]", stream: false)
        #expect(whole.status == 200 && whole.json == nil && whole.ending == .complete)
    }

    @Test("html and emptybody are answers with status 200 that are none", arguments: [true, false])
    func noJSON(_ stream: Bool) async throws {
        let html = try await chat("[[sim:html]]", stream: stream)
        #expect(html.status == 200 && html.field("content-type") == "text/html; charset=utf-8")
        let empty = try await chat("[[sim:emptybody]]", stream: stream)
        #expect(empty.status == 200 && empty.body.isEmpty && empty.field("content-length") == "0")
    }

    @Test("errorevent is an error inside the stream, or inside a 200")
    func errorEvent() async throws {
        let stream = try await chat("Hello [[sim:errorevent=429]]")
        #expect(stream.chunkObjects.last?["error"]?["code"]?.string == "rate_limit_exceeded")
        #expect(stream.ending == .complete && !stream.events.contains("[DONE]"))
        #expect(!stream.streamedText.isEmpty)
        let first = try await chat("Hello [[sim:errorevent,at=0]]")
        #expect(first.streamedText.isEmpty && first.chunkObjects.last?["error"] != nil)
        let whole = try await chat("Hello [[sim:errorevent]]", stream: false)
        #expect(whole.status == 200 && whole.json?["error"]?["type"]?.string == "server_error")
    }

    @Test("nofinish leaves the finish reason out, nodone the [DONE]")
    func missingEnds() async throws {
        let noFinish = try await chat("Hello [[sim:nofinish]]")
        #expect(noFinish.finishReasons.isEmpty && noFinish.events.last == "[DONE]")
        let noDone = try await chat("Hello [[sim:nodone]]")
        #expect(noDone.finishReasons == ["stop"] && noDone.events.last != "[DONE]" && noDone.ending == .complete)
        let neither = try await chat("Hello [[sim:nofinish,nodone]]")
        #expect(neither.finishReasons.isEmpty && neither.events.last != "[DONE]")
        let whole = try await chat("Hello [[sim:nofinish]]", stream: false)
        #expect(whole.json?["choices"]?[0]?["finish_reason"]?.isNull == true)
    }

    static let framings: [(String, String)] = [
        ("crlf", "\r\n\r\ndata: "), ("cr", "\r\rdata: "), ("nospace", "\n\ndata:{"),
        ("multiline", "data: {\ndata: \"id\""),
        ("comments", ": keep-alive\n\ndata: "), ("fields", "event: message\nid: 1\nretry: 3000\ndata: "),
        ("bom", "\u{FEFF}data: "),
    ]

    @Test("event streams come in every way that the standard allows", arguments: framings)
    func framing(_ name: String, _ sample: String) async throws {
        let reply = try await chat("Hello [[sim:\(name)]]")
        let wanted = Array(sample.utf8)
        #expect(reply.body.indices.contains { reply.body[$0...].starts(with: wanted) }, "\(reply.text.prefix(80))")
    }

    @Test("split cuts events anywhere, characters included")
    func split() async throws {
        let reply = try await chat("\u{4F60}\u{597D}\u{1F600} [[sim:split]]")
        #expect(reply.chunks.count > 3 * reply.events.count)
        #expect(reply.streamedText.contains("\u{4F60}\u{597D}\u{1F600}"))
    }

    @Test("big is one event of so many bytes")
    func big() async throws {
        let reply = try await chat("[[sim:big=1000000]]")
        #expect(reply.deltas.filter { $0["content"]?.string?.isEmpty == false }.count == 1)
        #expect(reply.streamedText.utf8.count == 1_000_000)
    }

    @Test("endless goes on until the client leaves", arguments: [true, false])
    func endless(_ stream: Bool) async throws {
        try await withSimulator(.openAI) { server in
            let body = ChatClient.body("[[sim:endless]]", stream: stream).bytes()
            let connection = try #require(
                BlockingClient(port: server.port).open("POST", "/v1/chat/completions", [], body))
            var received = 0
            while received < 4 << 20, case .bytes(let bytes) = connection.receive() { received += bytes.count }
            connection.close()
            #expect(received >= 4 << 20)
            #expect(await server.lastEnded()?.ending == .cutByClient)
        }
    }

    @Test("comments=only never sends a payload")
    func commentsOnly() async throws {
        try await withSimulator(.openAI) { server in
            let body = ChatClient.body("[[sim:comments=only]]", stream: true).bytes()
            let connection = try #require(
                BlockingClient(port: server.port).open("POST", "/v1/chat/completions", [], body))
            var text = ""
            while text.count(of: "keep-alive") < 3, case .bytes(let bytes) = connection.receive() {
                text += String(decoding: bytes, as: UTF8.self)
            }
            connection.close()
            #expect(!text.contains("data:"))
            #expect(await server.lastEnded()?.ending == .cutByClient)
        }
    }

    @Test("redirect points elsewhere")
    func redirect() async throws {
        let reply = try await chat("[[sim:redirect]]")
        #expect(reply.status == 302 && reply.field("location")?.hasPrefix("http://127.0.0.1:") == true)
    }

    @Test("heads and chunks may be broken, and an interim answer may come first")
    func brokenFraming() async throws {
        #expect(try await chat("[[sim:badstatus]]").status == 0)
        #expect(try await chat("[[sim:bighead]]").field("x-filler")?.utf8.count == 70_000)
        let chunk = try await chat("Hello [[sim:badchunk]]")
        #expect(chunk.status == 200 && chunk.ending == .closedEarly)
        let interim = try await chat("Hello [[sim:interim]]")
        #expect(interim.status == 200 && interim.events.last == "[DONE]")
    }

    @Test("badencoding claims gzip and sends none")
    func badEncoding() async throws {
        let reply = try await chat("[[sim:badencoding]]")
        #expect(reply.status == 200 && reply.field("content-encoding") == "gzip")
    }

    @Test("slow pauses between events")
    func slow() async throws {
        try await withSimulator(.openAI) { server in
            let reply = ChatClient(server).chat("Hello [[sim:slow=3]]", stream: true)
            let entry = try #require(await server.lastEnded())
            #expect((entry.ended ?? entry.arrived) - entry.arrived >= .milliseconds(3 * reply.events.count))
        }
    }

    @Test("a directive may come from an ordered fault, for one key")
    func orderedDirective() async throws {
        try await withSimulator(.openAI) { server in
            server.control.add(FaultRule(method: "chat.completions", directives: "[[sim:reset]]"))
            #expect(ChatClient(server).chat("Hello", stream: true).ending == .reset)
            #expect(ChatClient(server).chat("Hello", stream: true).ending == .complete)
        }
    }
}
