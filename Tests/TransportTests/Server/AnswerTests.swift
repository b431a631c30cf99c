import PolluxCore
import PolluxTesting
import PolluxTransport
import Testing

@Suite("Answers")
struct AnswerTests {
    private let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test("HEAD gets the head that GET would get, streamed or not, and no body")
    func head() async throws {
        try await withServer { exchange throws(GatewayError) in
            guard exchange.head.target == "/stream" else {
                return try await exchange.respond(HTTPAnswer(status: 200, body: Array("hello".utf8)))
            }
            try await exchange.startStream(HTTPResponseHead(status: 200), firstBytes: Array("a".utf8))
            try await exchange.write(Array("b".utf8))
            try await exchange.finishStream()
        } _: { server in
            let client = server.connect()
            client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(client.answer(toHead: true)?.fields["content-length"] == "5")
            client.send("HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(client.answer(toHead: true)?.fields["transfer-encoding"] == "chunked")
            client.send(get)
            #expect(client.answer()?.text == "hello", "nothing of the bodies was sent")
        }
    }

    @Test("204 and 304 have neither body nor length", arguments: [204, 304])
    func bodiless(status: Int) async throws {
        try await withServer { exchange throws(GatewayError) in
            try await exchange.respond(HTTPAnswer(status: status, body: Array("none".utf8)))
        } _: { server in
            let client = server.connect()
            for _ in 0..<2 {
                client.send(get)
                let answer = client.answer()
                #expect(answer?.status == status && answer?.fields["content-length"] == nil)
            }
        }
    }

    @Test("a stream arrives chunk by chunk, each as soon as it is written")
    func stream() async throws {
        let steps = (0..<3).map { _ in Signal() }
        try await withServer { exchange throws(GatewayError) in
            try await exchange.startStream(HTTPResponseHead(status: 200), firstBytes: Array("one".utf8))
            #expect(exchange.isCommitted)
            await steps[0].wait()
            try await exchange.write(Array("two".utf8))
            try await exchange.write([])
            await steps[1].wait()
            try await exchange.write([UInt8](repeating: 0x33, count: 40_000))
            await steps[2].wait()
            try await exchange.finishStream()
        } _: { server in
            let client = server.connect()
            client.send(get)
            #expect(client.head()?.fields["transfer-encoding"] == "chunked")
            #expect(client.chunk() == Array("one".utf8))
            steps[0].fire()
            #expect(client.chunk() == Array("two".utf8))
            steps[1].fire()
            #expect(client.chunk()?.count == 40_000)
            steps[2].fire()
            #expect(client.chunk() == [])
        }
    }

    @Test("a stream of a known length says it, is no longer than that, and leaves the connection open")
    func counted() async throws {
        try await withServer { exchange throws(GatewayError) in
            var head = HTTPResponseHead(status: 200)
            head.bodyLength = 4
            try await exchange.startStream(head, firstBytes: Array("ab".utf8))
            exchange.keepAlive(Array("~".utf8), every: .microseconds(1))
            try await exchange.write(Array("cdEFG".utf8))
            try await exchange.finishStream()
        } _: { server in
            let client = server.connect()
            for version in ["1.1", "1.0"] {
                client.send("HEAD / HTTP/\(version)\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
                #expect(client.answer(toHead: true)?.fields["content-length"] == "4")
                client.send("GET / HTTP/\(version)\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
                let answer = client.answer()
                #expect(answer?.fields["content-length"] == "4" && answer?.fields["transfer-encoding"] == nil)
                #expect(answer?.text == "abcd", "what is too much would be read as the next answer")
            }
        }
    }

    @Test("a stream that ends before its length is cut, so that nobody waits for the rest")
    func countedTooShort() async throws {
        try await withServer { exchange throws(GatewayError) in
            var head = HTTPResponseHead(status: 200)
            head.bodyLength = 4
            try await exchange.startStream(head, firstBytes: Array("ab".utf8))
            await #expect(throws: GatewayError.self) { try await exchange.finishStream() }
        } _: { server in
            let client = server.connect()
            client.send(get)
            let rest = client.rest()
            #expect(String(decoding: rest.bytes, as: UTF8.self).hasSuffix("\r\n\r\nab"))
            #expect(rest.end == .closed)
        }
    }

    @Test("a stream to HTTP/1.0 is bare bytes up to the connection's end")
    func streamToOldClient() async throws {
        try await withServer { exchange throws(GatewayError) in
            try await exchange.startStream(HTTPResponseHead(status: 200), firstBytes: Array("a".utf8))
            try await exchange.write(Array("b".utf8))
            try await exchange.finishStream()
        } _: { server in
            let client = server.connect()
            client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            let answer = client.answer()
            #expect(answer?.fields["transfer-encoding"] == nil && answer?.fields["connection"] == "close")
            #expect(answer?.text == "ab")
        }
    }

    @Test("HTTP/1.0 connections are kept only on request, HTTP/1.1 ones closed only on request")
    func keepAlive() async throws {
        try await withServer { server in
            for (version, header, expected) in [
                ("1.0", "", "close"), ("1.0", "Connection: Keep-Alive\r\n", "keep-alive"), ("1.1", "", nil),
                ("1.1", "Connection: x, Close\r\n", "close"),
            ] {
                let client = server.connect()
                client.send("GET / HTTP/\(version)\r\nHost: a\r\n\(header)\r\n")
                #expect(client.answer()?.fields["connection"] == expected)
                if expected == "close" { #expect(client.rest() == ([], .closed)) }
            }
        }
    }

    @Test("the last allowed request on a connection closes it")
    func requestsPerConnection() async throws {
        var limits = HTTPServerLimits()
        limits.maxRequestsPerConnection = 3
        try await withServer(limits: limits) { server in
            let client = server.connect()
            for index in 1...3 {
                client.send(get)
                #expect(client.answer()?.fields["connection"] == (index == 3 ? "close" : nil))
            }
            #expect(client.rest() == ([], .closed))
        }
    }

    @Test("an aborted stream ends without its last chunk; one to HTTP/1.0 with a reset")
    func abort() async throws {
        try await withServer { exchange throws(GatewayError) in
            try await exchange.startStream(HTTPResponseHead(status: 200), firstBytes: Array("a".utf8))
            exchange.abortStream()
            await #expect(throws: GatewayError.self) { try await exchange.write(Array("b".utf8)) }
        } _: { server in
            let client = server.connect()
            client.send(get)
            let rest = client.rest()
            #expect(String(decoding: rest.bytes, as: UTF8.self).hasSuffix("\r\n\r\n1\r\na\r\n"))
            #expect(rest.end == .closed)
            let old = server.connect()
            old.send("GET / HTTP/1.0\r\n\r\n")
            #expect(old.rest().end == .reset)
        }
    }

    @Test("a handler that answers nothing makes a 500, one that leaves its stream open a cut")
    func carelessHandler() async throws {
        try await withServer { exchange throws(GatewayError) in
            guard exchange.head.target == "/stream" else { return }
            try await exchange.startStream(HTTPResponseHead(status: 200), firstBytes: Array("a".utf8))
        } _: { server in
            let client = server.connect()
            client.send(get)
            #expect(client.answer()?.status == 500)
            #expect(client.rest() == ([], .closed))
            let other = server.connect()
            other.send("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(other.answer() == nil)
        }
    }

    @Test("an exchange used against its rules throws and leaves the answer as it is")
    func misuse() async throws {
        try await withServer { exchange throws(GatewayError) in
            await #expect(throws: GatewayError.self) { try await exchange.write([1]) }
            await #expect(throws: GatewayError.self) { try await exchange.finishStream() }
            await #expect(throws: GatewayError.self) { try await exchange.respond(HTTPAnswer(status: 99)) }
            try await exchange.respond(HTTPAnswer(status: 200))
            await #expect(throws: GatewayError.self) { try await exchange.respond(HTTPAnswer(status: 200)) }
            exchange.abortStream()
        } _: { server in
            let client = server.connect()
            for _ in 0..<2 {
                client.send(get)
                #expect(client.answer()?.status == 200)
            }
        }
    }

    @Test("an exchange used off its loop throws, and can still be used on it")
    func offLoop() async throws {
        // Not the test's own threads: blocking clients may hold all of them.
        let elsewhere = try LoopGroup(count: 1)
        defer { elsewhere.stop() }
        try await withServer { exchange throws(GatewayError) in
            let error = await Task(executorPreference: elsewhere.next) {
                await kindThrown { () throws(GatewayError) in
                    try await exchange.respond(HTTPAnswer(status: 200))
                }
            }.value
            #expect(error == .internalError)
            try await exchange.respond(HTTPAnswer(status: 204))
        } _: { server in
            let client = server.connect()
            client.send(get)
            #expect(client.answer()?.status == 204)
        }
    }

    @Test("TRACE and CONNECT are refused with the methods that exist")
    func refusedMethods() async throws {
        try await withServer { server in
            for request in ["TRACE /", "CONNECT a:443"] {
                let client = server.connect()
                client.send("\(request) HTTP/1.1\r\nHost: a\r\n\r\n")
                let answer = client.answer()
                #expect(answer?.status == 405 && answer?.fields["allow"]?.contains("POST") == true)
            }
        }
    }

    @Test("fields that could split the head are dropped, and framing fields are the server's own")
    func unsafeFields() async throws {
        try await withServer { exchange throws(GatewayError) in
            let fields: HTTPFields = [
                "x-good": "gr\u{FC}n", "x-split": "a\r\nset-cookie: b", "x-nul": "a\0b", "x-lf": "a\nb",
                "x bad": "v", "": "v", "content-length": "99", "transfer-encoding": "chunked", "connection": "upgrade",
                "date": "never",
            ]
            try await exchange.respond(HTTPAnswer(status: 200, fields: fields, body: Array("ok".utf8)))
        } _: { server in
            let client = server.connect()
            client.send(get)
            let answer = try #require(client.answer())
            #expect(Set(answer.fields.keys) == ["x-good", "date", "content-length"])
            #expect(answer.fields["content-length"] == "2" && answer.fields["date"] != "never")
        }
    }

    @Test("the commit clock starts the stream for a slow handler, and keep-alives fill the silence")
    func clocks() async throws {
        let (silence, time) = (Signal(), ManualTime())
        try await withServer(time: time) { exchange throws(GatewayError) in
            let head = HTTPResponseHead(status: 200, fields: ["content-type": "text/event-stream"])
            exchange.commitLater(head, firstBytes: Array(": never\n\n".utf8), after: .seconds(1))
            exchange.commitNoLonger()
            exchange.commitLater(head, firstBytes: Array(": wait\n\n".utf8), after: .seconds(10))
            exchange.keepAlive(Array(": ping\n\n".utf8), every: .seconds(15))
            #expect(!exchange.isCommitted)
            if exchange.head.target == "/slow" { await silence.wait() }
            #expect(exchange.isCommitted == (exchange.head.target == "/slow"))
            try await exchange.startStream(HTTPResponseHead(status: 500), firstBytes: Array("data: 1\n\n".utf8))
            try await exchange.finishStream()
        } _: { server in
            let client = server.connect()
            client.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
            await time.untilSomeoneWaits(until: time.now + .seconds(15))
            time.advance(by: .microseconds(9_999_999))
            #expect(!client.waitForInput(milliseconds: 0))
            time.advance(by: .microseconds(1))
            let head = client.head()
            #expect(head?.status == 200 && head?.fields["content-type"] == "text/event-stream")
            #expect(client.chunk() == Array(": wait\n\n".utf8))
            time.advance(by: .microseconds(14_999_999))
            #expect(!client.waitForInput(milliseconds: 0), "15 s after the last byte, not after the request")
            time.advance(by: .seconds(31))
            for _ in 0..<3 { #expect(client.chunk() == Array(": ping\n\n".utf8)) }
            silence.fire()
            #expect(client.chunk() == Array("data: 1\n\n".utf8))
            #expect(client.chunk() == [])
            client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            #expect(client.answer()?.text == "data: 1\n\n", "the first answer in time disarms the clock")
        }
    }
}

private func kindThrown(_ body: () async throws(GatewayError) -> Void) async -> GatewayError.Kind? {
    do throws(GatewayError) { try await body() } catch { return error.kind }
    return nil
}
