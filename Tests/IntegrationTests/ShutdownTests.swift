import Glibc
import PolluxCore
import Testing

@Suite("The end of a gateway process", .serialized)
struct ShutdownTests {
    @Test("SIGTERM lets a running stream finish, refuses new connections, and exits with 0")
    func drain() async throws {
        try await BlockingThread.run {
            let child = try ChildGateway()
            let client = try child.startChat("[[sim:slow=100,chunks=12]] a text that takes a second")
            _ = try client.head()
            child.gateway.signal(SIGTERM)
            _ = try child.gateway.line(with: "draining")
            #expect(eventually { (try? RawClient(port: child.port)) == nil }, "the port is closed")
            var reply = try Self.rest(of: client)
            #expect(reply.fault == nil)
            #expect(StreamedAnswer(reply).endsWithDone)
            #expect(StreamedAnswer(reply).finishReason == "stop")
            reply.body = []
            #expect(child.gateway.waitForExit() == 0, "\(child.gateway.written)")
        }
    }

    @Test("a stream that outlasts drain.timeout ends with the error server_shutting_down")
    func cutAtTimeout() async throws {
        try await BlockingThread.run {
            let child = try ChildGateway(topLevel: "drain: {timeout: 300ms}")
            let client = try child.startChat("[[sim:stall=2]] never ends")
            _ = try client.head()
            child.gateway.signal(SIGTERM)
            let reply = try Self.rest(of: client)
            let answer = StreamedAnswer(reply)
            #expect(reply.fault == nil, "the chunked body ends properly")
            #expect(answer.lastError?["code"]?.string == "server_shutting_down", "\(reply.text)")
            #expect(!answer.hasDone)
            #expect(answer.finishReason == nil)
            #expect(child.gateway.waitForExit() == 0)
        }
    }

    @Test("a request without a byte yet that outlasts drain.timeout is answered with 503")
    func refusedAtTimeout() async throws {
        try await BlockingThread.run {
            let child = try ChildGateway(local: ", pool: {max_in_flight: 4}", topLevel: "drain: {timeout: 300ms}")
            let stream = try child.startChat("[[sim:headerstall]] never begins")
            let watcher = try child.startChat("[[sim:stall=2]] never ends")
            _ = try watcher.head()
            child.gateway.signal(SIGINT)
            let reply = try stream.reply()
            #expect(reply.status == 503)
            #expect(reply.errorCode == "server_shutting_down")
            #expect(reply.isErrorEnvelope)
            #expect(child.gateway.waitForExit() == 0)
        }
    }

    @Test("a second signal ends the process at once with 2")
    func secondSignal() async throws {
        try await BlockingThread.run {
            let child = try ChildGateway()
            let client = try child.startChat("[[sim:stall=2]] never ends")
            _ = try client.head()
            child.gateway.signal(SIGTERM)
            _ = try child.gateway.line(with: "draining")
            child.gateway.signal(SIGTERM)
            #expect(child.gateway.waitForExit(within: .seconds(3)) == 2)
        }
    }

    @Test("while it drains, readiness is gone and keep-alive connections are told to close")
    func unreadyWhileDraining() async throws {
        try await BlockingThread.run {
            let child = try ChildGateway(topLevel: "drain: {delay: 1s}")
            #expect(try child.get("/readyz").status == 200)
            child.gateway.signal(SIGTERM)
            _ = try child.gateway.line(with: "draining")
            #expect(eventually { (try? child.get("/readyz").status) == 503 })
            #expect(child.gateway.waitForExit() == 0)
        }
    }

    @Test("a state folder serves one gateway; the second one says so and exits with 1")
    func stateFolderLock() async throws {
        try await BlockingThread.run {
            let child = try ChildGateway()
            let second = try child.startAnother()
            #expect(second.waitForExit() == 1)
            #expect(second.written.contains("another gateway uses the state folder /tmp/pollux-test-"))
            #expect(try child.get("/healthz").status == 200, "the first one serves on")
        }
    }

    @Test("after kill -9 the next gateway starts on the same state folder")
    func startAfterKill() async throws {
        try await BlockingThread.run {
            let child = try ChildGateway()
            child.gateway.signal(SIGKILL)
            #expect(child.gateway.waitForExit() == 128 + SIGKILL)
            let second = try child.startAnother()
            #expect(try second.line(with: "is listening on").contains("http://127.0.0.1:"))
        }
    }
}

extension ShutdownTests {
    /// What follows a head that was read already.
    private static func rest(of client: RawClient) throws -> Reply {
        var reply = Reply(head: try Reply.Head(Array("HTTP/1.1 200 OK".utf8)))
        do {
            while let piece = try client.piece() { reply.body += piece }
        } catch let fault as RawClient.Fault { reply.fault = fault }
        return reply
    }
}
