import CSystem
import Glibc
import PolluxCore
import Synchronization
import Testing

@testable import PolluxTransport

/// Requirements R-1 and R-3: a vanished client ends its request, a slow one holds it back.
@Suite("Clients that go or do not read")
struct ClientGoneTests {
    private static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    enum Leaving: CaseIterable {
        case close, halfClose, reset

        func perform(_ client: TestClient) {
            switch self {
            case .close: client.close()
            case .halfClose: client.halfClose()
            case .reset: client.reset()
            }
        }
    }

    @Test("a waiting handler is cancelled when its client goes", arguments: Leaving.allCases)
    func cancelsWaiting(leaving: Leaving) async throws {
        let (began, cancelled) = (Signal(), Signal())
        try await withServer { exchange throws(GatewayError) in
            began.fire()
            await untilCancelled()
            await #expect(throws: GatewayError.cancelled) { try await exchange.respond(HTTPAnswer(status: 200)) }
            cancelled.fire()
        } _: { server in
            let client = server.connect()
            client.send(Self.get)
            await began.wait()
            leaving.perform(client)
            await cancelled.wait()
        }
    }

    @Test("so is one in the middle of a stream, or of reading a body", arguments: Leaving.allCases)
    func cancelsBusy(leaving: Leaving) async throws {
        for request in [Self.get, "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello"] {
            let (began, cancelled) = (Signal(), Signal())
            try await withServer { exchange throws(GatewayError) in
                began.fire()
                do throws(GatewayError) {
                    if exchange.head.target == "/body" { _ = try await exchange.readBody() }
                    try await exchange.startStream(HTTPResponseHead(status: 200), firstBytes: [])
                    while true { try await exchange.write([UInt8](repeating: 0x78, count: 100_000)) }
                } catch {
                    #expect(error.kind == .cancelled && Task.isCancelled)
                    cancelled.fire()
                    throw error
                }
            } _: { server in
                let client = server.connect()
                client.send(request)
                await began.wait()
                leaving.perform(client)
                await cancelled.wait()
            }
        }
    }

    @Test("going after the whole answer was sent is no abort")
    func goneAfterAnswer() async throws {
        let (answered, left, ended) = (Signal(), Signal(), Signal())
        try await withServer { exchange throws(GatewayError) in
            try await exchange.startStream(HTTPResponseHead(status: 200), firstBytes: Array("all".utf8))
            try await exchange.finishStream()
            answered.fire()
            await left.wait()
            // The event of the client's closing was there before this round: a few rounds let the loop see it.
            for _ in 0..<100 { await nextRound() }
            #expect(!Task.isCancelled)
            ended.fire()
        } _: { server in
            let client = server.connect()
            client.send(Self.get)
            await answered.wait()
            client.reset()
            left.fire()
            await ended.wait()
        }
    }

    @Test("a client that does not read holds its writer back, and lets it go on when it reads")
    func backPressure() async throws {
        let written = Counter()
        let isStuck = Signal()
        let pieces = 400
        try await withServer { exchange throws(GatewayError) in
            let exchange = exchange as? ServerExchange
            try await exchange?.startStream(HTTPResponseHead(status: 200), firstBytes: [])
            for _ in 0..<pieces {
                // Full: the coming write will wait. That it does is what the count below shows.
                if let output = exchange?.connection.output, output.count > 256 << 10 { isStuck.fire() }
                #expect(exchange.map { $0.connection.output.count <= 256 << 10 + 65536 + 10 } == true)
                try await exchange?.write([UInt8](repeating: 0x78, count: 65536))
                written.add()
                if written.value == 100 { isStuck.fire() }
            }
            try await exchange?.finishStream()
        } _: { server in
            let client = server.connect(receiveBuffer: 4096)
            client.send(Self.get)
            #expect(client.head()?.status == 200)
            // The kernel takes some megabytes at most; 26 MB cannot have been written before we read.
            #expect(written.value < pieces)
            var total = 0
            while let chunk = client.chunk(), !chunk.isEmpty { total += chunk.count }
            #expect(total == pieces * 65536)
            #expect(written.value == pieces)
        }
    }

    @Test("a greedy stream to a fast reader leaves the loop to others")
    func fairness() async throws {
        let isOver = Signal()
        try await withServer { exchange throws(GatewayError) in
            guard exchange.head.target == "/greedy" else { return try await echo(exchange) }
            defer { isOver.fire() }
            try await exchange.startStream(HTTPResponseHead(status: 200), firstBytes: [])
            while true { try await exchange.write([UInt8](repeating: 0x78, count: 65536)) }
        } _: { server in
            let greedy = server.connect()
            greedy.send("GET /greedy HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(greedy.chunk(afterHead: true)?.count == 65536)
            // A thread of its own for the blocking reader.
            let elsewhere = try LoopGroup(count: 1)
            defer { elsewhere.stop() }
            let reader = Task(executorPreference: elsewhere.next) {
                while let chunk = greedy.chunk(), !chunk.isEmpty {}
            }
            let other = server.connect()
            for _ in 0..<100 {
                other.send(Self.get)
                #expect(other.answer()?.status == 200)
            }
            greedy.halfClose()
            await isOver.wait()
            await reader.value
        }
    }

    @Test("accepted sockets send at once, and queue little in the kernel")
    func socketOptions() async throws {
        try await withServer { exchange throws(GatewayError) in
            let descriptor = (exchange as? ServerExchange)?.connection.descriptor ?? -1
            let text = "\(option(descriptor, TCP_NODELAY)) \(option(descriptor, TCP_NOTSENT_LOWAT))"
            try await exchange.respond(HTTPAnswer(status: 200, body: Array(text.utf8)))
        } _: { server in
            let client = server.connect()
            client.send(Self.get)
            #expect(client.answer()?.text == "1 131072")
        }
    }

    @Test("a large whole answer reaches a slow reader complete")
    func largeAnswer() async throws {
        let body = (0..<8_000_000).map { UInt8(truncatingIfNeeded: $0 / 11) }
        try await withServer { exchange throws(GatewayError) in
            try await exchange.respond(HTTPAnswer(status: 200, body: body))
        } _: { server in
            let client = server.connect(receiveBuffer: 4096)
            for _ in 0..<2 {
                client.send(Self.get)
                #expect(client.answer()?.body == body)
            }
        }
    }

    @Test("a client that takes nothing for the write timeout is reset, and its request cancelled")
    func writeStall() async throws {
        var limits = HTTPServerLimits()
        limits.writeTimeout = .milliseconds(150)
        let cancelled = Signal()
        try await withServer(limits: limits) { exchange throws(GatewayError) in
            do throws(GatewayError) {
                try await exchange.startStream(HTTPResponseHead(status: 200), firstBytes: [])
                while true { try await exchange.write([UInt8](repeating: 0x78, count: 65536)) }
            } catch {
                cancelled.fire()
                throw error
            }
        } _: { server in
            let client = server.connect(receiveBuffer: 4096)
            client.send(Self.get)
            await cancelled.wait()
            #expect(client.rest().end == .reset)
        }
    }

    @Test("what a client sends ahead is kept up to the limit, and read on afterwards")
    func pipelineIsBounded() async throws {
        let (began, goOn) = (Signal(), Signal())
        try await withServer { exchange throws(GatewayError) in
            if exchange.head.target == "/first" {
                began.fire()
                await goOn.wait()
                let kept = (exchange as? ServerExchange)?.connection.inbound.count ?? 0
                #expect(kept <= 64 << 10 && kept > 60 << 10)
            }
            try await echo(exchange)
        } _: { server in
            let client = server.connect()
            client.send("GET /first HTTP/1.1\r\nHost: a\r\n\r\n")
            await began.wait()
            let count = 5000
            let requests = (0..<count).map {
                "GET /\($0) HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: 100))\r\n\r\n"
            }
            client.send(requests.joined())
            await server.settle()
            goOn.fire()
            #expect(client.answer()?.text == "GET /first 0")
            // The thousandth request on a connection is its last.
            for index in 0..<999 { #expect(client.answer()?.text == "GET /\(index) 0") }
            #expect(client.answer() == nil)
        }
    }
}

private func option(_ descriptor: Int32, _ name: Int32) -> Int32 {
    var value: Int32 = -1
    var length = socklen_t(4)
    getsockopt(descriptor, Int32(IPPROTO_TCP), name, &value, &length)
    return value
}

/// Waits for the task's cancellation and nothing else.
private func untilCancelled() async {
    let signal = Signal()
    await withTaskCancellationHandler {
        await signal.wait()
    } onCancel: {
        signal.fire()
    }
}

/// Comes back in a later round of the current loop.
private func nextRound() async {
    guard let loop = EventLoop.current else { return }
    await withCheckedContinuation { continuation in
        loop.schedule(at: loop.now) { continuation.resume() }
    }
}
