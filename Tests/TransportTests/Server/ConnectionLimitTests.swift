import Glibc
import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxTransport

@Suite("Connections: limits, idling, draining")
struct ConnectionLimitTests {
    private let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test("one connection too many is told to come back, and room is found again")
    func maxConnections() async throws {
        var limits = HTTPServerLimits()
        limits.maxConnections = 2
        try await withServer(limits: limits) { server in
            let held = [server.connect(), server.connect()]
            for client in held {
                client.send(get)
                #expect(client.answer()?.status == 200)
            }
            let third = server.connect()
            third.send(get)
            let answer = third.answer()
            #expect(answer?.status == 503 && answer?.fields["retry-after"] == "1")
            #expect(answer?.fields["connection"] == "close")
            #expect(third.rest() == ([], .closed))

            held[0].send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            #expect(held[0].answer()?.status == 200)
            #expect(held[0].rest().end == .closed)
            let fourth = server.connect()
            fourth.send(get)
            #expect(fourth.answer()?.status == 200)
            #expect(server.server.openConnections == 2)
        }
    }

    @Test("one address may hold only so many; this host is exempt unless told otherwise")
    func perAddress() async throws {
        for isExempt in [true, false] {
            var limits = HTTPServerLimits()
            limits.maxConnectionsPerIP = 1
            limits.exemptsLoopback = isExempt
            try await withServer(limits: limits) { server in
                let clients = [server.connect(), server.connect()]
                clients[0].send(get)
                #expect(clients[0].answer()?.status == 200)
                clients[1].send(get)
                #expect(clients[1].answer()?.status == (isExempt ? 200 : 503))
            }
        }
    }

    @Test("an idle connection is closed without a word, whether it was ever used or not")
    func idle() async throws {
        let time = ManualTime()
        try await withServer(time: time) { server in
            let silent = server.connect()
            await time.untilSomeoneWaits(until: time.now + .seconds(60))
            time.advance(by: .microseconds(59_999_999))
            #expect(!silent.waitForInput(milliseconds: 0))
            time.advance(by: .microseconds(1))
            #expect(silent.rest() == ([], .closed))

            let used = server.connect()
            await time.untilSomeoneWaits(until: time.now + .seconds(60))
            time.advance(by: .seconds(40))
            used.send(get)
            #expect(used.answer()?.status == 200)
            await server.settle()
            time.advance(by: .microseconds(59_999_999))
            #expect(!used.waitForInput(milliseconds: 0), "the answer began a new minute")
            time.advance(by: .microseconds(1))
            #expect(used.rest() == ([], .closed))
        }
    }

    @Test("draining closes idle connections, ends the others behind their answers, and refuses new ones")
    func drain() async throws {
        let (began, goOn) = (Signal(), Signal())
        let server = try TestServer { exchange throws(GatewayError) in
            if exchange.head.target == "/slow" {
                began.fire()
                await goOn.wait()
            }
            try await echo(exchange)
        }
        let (idle, busy) = (server.connect(), server.connect())
        idle.send(get)
        #expect(idle.answer()?.status == 200)
        busy.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        await began.wait()
        #expect(server.server.requestsInFlight == 1)

        server.server.beginDrain()
        #expect(idle.rest() == ([], .closed))
        let time = LoopTime(fallback: server.loops.loops[0])
        #expect(await server.server.waitUntilIdle(until: time.now + .milliseconds(20)) == false)
        goOn.fire()
        #expect(busy.answer()?.fields["connection"] == "close")
        #expect(await server.server.waitUntilIdle(until: time.now + .seconds(5)))
        #expect(server.server.openConnections == 0 && server.server.requestsInFlight == 0)
        let late = server.connect()
        late.send(get)
        #expect(late.answer() == nil)
        server.loops.stop()
    }

    @Test("cancelling everything still lets handlers say their last words")
    func cancelAll() async throws {
        let began = Signal()
        let server = try TestServer { exchange throws(GatewayError) in
            try await exchange.startStream(HTTPResponseHead(status: 200), firstBytes: Array("a".utf8))
            began.fire()
            let time = LoopTime(fallback: try EventLoop(name: "unused"))
            do throws(GatewayError) {
                try await time.sleep(until: .distantFuture)
            } catch {
                try await exchange.write(Array("shutting down".utf8))
                try await exchange.finishStream()
            }
        }
        let client = server.connect()
        client.send(get)
        await began.wait()
        server.server.beginDrain()
        server.server.cancelAll()
        #expect(client.answer()?.text == "ashutting down")
        let time = LoopTime(fallback: server.loops.loops[0])
        #expect(await server.server.waitUntilIdle(until: time.now + .seconds(5)))
        server.loops.stop()
    }

    @Test("several loops share one port")
    func severalLoops() async throws {
        let names = Log()
        try await withServer(loops: 3) { exchange throws(GatewayError) in
            names.add(EventLoop.current?.name ?? "none")
            try await echo(exchange)
        } _: { server in
            for _ in 0..<60 {
                let client = server.connect()
                client.send(get)
                #expect(client.answer()?.status == 200)
            }
        }
        #expect(Set(names.lines).isSubset(of: ["loop-0", "loop-1", "loop-2"]))
        #expect(Set(names.lines).count > 1, "the kernel spreads connections by their port numbers")
    }

    @Test("listens on IPv6, and tells the peer's address")
    func addresses() async throws {
        for (host, ipv6, expected) in [
            ("::1", true, "::1"), ("::", false, "127.0.0.1"), ("localhost", false, "127.0.0.1"),
        ] {
            let server = try TestServer(host: host) { exchange throws(GatewayError) in
                try await exchange.respond(HTTPAnswer(status: 200, body: Array(exchange.peerAddress.utf8)))
            }
            let client = TestClient(port: server.port, ipv6: ipv6)
            client.send(get)
            #expect(client.answer()?.text == expected)
            client.close()
            await server.stop()
        }
    }

    @Test("a port in use and an address that is none are refused with advice")
    func badAddresses() async throws {
        try await withServer(loops: 2) { server in
            let second = HTTPServer(loops: server.loops, handler: ClosureHandler(body: echo))
            do throws(GatewayError) {
                try second.listen(host: "127.0.0.1", port: server.port)
                Issue.record("two servers on one port")
            } catch {
                #expect(error.message.contains("in use by another program"))
            }
            do throws(GatewayError) {
                try second.listen(host: "gateway.test", port: 0)
                Issue.record("a name was taken for an address")
            } catch {
                #expect(error.message.contains("is not a numeric address"))
            }
        }
    }

    @Test("sources are counted by IPv4 address or IPv6 network")
    func sources() {
        #expect(PeerAddress(address("203.0.113.9")).text == "203.0.113.9")
        #expect(PeerAddress(address("2001:db8::1")).text == "2001:db8::1")
        #expect(PeerAddress(address("::ffff:203.0.113.9")) == PeerAddress(address("203.0.113.9")))
        #expect(PeerAddress(address("2001:db8::1")).source == PeerAddress(address("2001:db8::2")).source)
        #expect(PeerAddress(address("2001:db8:0:1::1")).source != PeerAddress(address("2001:db8::1")).source)
        #expect(PeerAddress(address("127.8.9.1")).isLoopback && PeerAddress(address("::1")).isLoopback)
        #expect(!PeerAddress(address("128.0.0.1")).isLoopback && !PeerAddress(address("::2")).isLoopback)
    }

    private func address(_ text: String) -> sockaddr_storage {
        SocketAddress(host: text, port: 80)?.storage ?? sockaddr_storage()
    }

    @Test(
        "the Date line is right over leap years and before 1970",
        arguments: [
            (0, "date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"), (951_782_400, "date: Tue, 29 Feb 2000 00:00:00 GMT\r\n"),
            (4_107_542_399, "date: Sun, 28 Feb 2100 23:59:59 GMT\r\n"),
            (4_107_542_400, "date: Mon, 01 Mar 2100 00:00:00 GMT\r\n"), (-1, "date: Wed, 31 Dec 1969 23:59:59 GMT\r\n"),
            (1_792_368_185, "date: Mon, 19 Oct 2026 00:03:05 GMT\r\n"),
        ] as [(Int64, String)])
    func dateLine(seconds: Int64, expected: String) {
        #expect(String(decoding: DateLine.make(seconds), as: UTF8.self) == expected)
    }
}
