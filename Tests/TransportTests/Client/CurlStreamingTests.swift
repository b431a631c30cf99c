import PolluxCore
import PolluxTransport
import Testing

@Suite("HTTP client: streams, back-pressure, cancelling", .timeLimit(.minutes(1)))
struct CurlStreamingTests {
    /// One second is required; the rest is for a machine that runs all tests at once.
    private static let atOnce = Duration.seconds(4)

    @Test("a slow but moving stream is served, piece by piece (F-14)")
    func slowStream() async throws {
        let upstream = try ScriptedUpstream(
            .readRequest, .write("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"),
            .drip("data: 1\n\ndata: 22\n\n", milliseconds: 60))
        defer { upstream.stop() }
        try await withScriptedClient(deadlines: TransferDeadlines(gap: .seconds(1))) { client in
            let response = try await client.get(upstream.url)
            var events = SSEEventBody(response.body, time: LoopTime(fallback: try EventLoop(name: "unused")))
            #expect(try await events.next()?.data == Array("1".utf8))
            #expect(try await events.next()?.data == Array("22".utf8))
            #expect(try await events.next() == nil)
        }
    }

    @Test("a piece reaches the reader while the upstream holds the rest back")
    func noReadAhead() async throws {
        let goOn = ScriptedSignal()
        let upstream = try ScriptedUpstream(
            .readRequest, .write("HTTP/1.1 200 OK\r\n\r\none"), .wait(goOn), .write("two"))
        defer { upstream.stop() }
        try await withScriptedClient { client in
            let body = try await client.get(upstream.url).body
            #expect(try await body.next() == Array("one".utf8))
            #expect(!body.isReady)
            goOn.fire()
            #expect(try await body.next() == Array("two".utf8))
            #expect(try await body.next() == nil)
        }
    }

    @Test("an event of 10 MB arrives whole (F-12)")
    func largeEvent() async throws {
        let upstream = try ScriptedUpstream(
            .readRequest, .write("HTTP/1.1 200 OK\r\n\r\ndata: "), .write([UInt8](repeating: 0x61, count: 10_000_000)),
            .write("\n\ndata: [DONE]\n\n"))
        defer { upstream.stop() }
        try await withScriptedClient { client in
            let response = try await client.get(upstream.url)
            var events = SSEEventBody(response.body, time: LoopTime(fallback: try EventLoop(name: "unused")))
            #expect(try await events.next()?.data.count == 10_000_000)
            #expect(try await events.next()?.data == Array("[DONE]".utf8))
        }
    }

    @Test("a reader that waits holds the upstream, and the gap deadline with it")
    func backPressure() async throws {
        let size = 64 << 20
        let upstream = try ScriptedUpstream(
            .readRequest, .write("HTTP/1.1 200 OK\r\ncontent-length: \(size)\r\n\r\n"),
            .write([UInt8](repeating: 0x61, count: size)))
        defer { upstream.stop() }
        try await withScriptedClient(deadlines: TransferDeadlines(gap: .milliseconds(400))) { client in
            let body = try await client.get(upstream.url).body
            var total = try await body.next()?.count ?? 0
            let time = LoopTime(fallback: try EventLoop(name: "unused"))
            for _ in 0..<3 {
                // Longer than the gap deadline: it must not run while the reader is the one who waits.
                try await time.sleep(until: time.now + .milliseconds(600))
                #expect(upstream.bytesWritten < total + (16 << 20))
                let piece = try await body.next()?.count ?? 0
                #expect(piece <= 128 << 10)
                total += piece
            }
            while let piece = try await body.next() { total += piece.count }
            #expect(total == size)
        }
    }

    @Test("the gap deadline runs again once the reader has gone on")
    func gapAfterPause() async throws {
        let upstream = try ScriptedUpstream(
            .readRequest, .write("HTTP/1.1 200 OK\r\n\r\n"), .write([UInt8](repeating: 0x61, count: 300_000)), .stall)
        defer { upstream.stop() }
        try await withScriptedClient(deadlines: TransferDeadlines(gap: .milliseconds(400))) { client in
            let body = try await client.get(upstream.url).body
            let time = LoopTime(fallback: try EventLoop(name: "unused"))
            try await time.sleep(until: time.now + .milliseconds(600))
            var total = 0
            let error = await #expect(throws: GatewayError.self) {
                while let piece = try await body.next() { total += piece.count }
            }
            #expect(total == 300_000)
            #expect(error?.kind == .upstreamTimeout)
        }
    }

    @Test("a reader that is content does not keep an upstream that never ends")
    func endSoonEnds() async throws {
        let upstream = try ScriptedUpstream(.readRequest, .write("HTTP/1.1 200 OK\r\n\r\nx"), .stall)
        defer { upstream.stop() }
        try await withScriptedClient { client in
            var body: (any UpstreamBody)? = try await client.get(upstream.url).body
            _ = try await body?.next()
            body?.endSoon()
            body = nil
            await upstream.clientClosed.wait()
        }
    }

    @Test("cancelling while the head is awaited ends the transfer at once")
    func cancelSend() async throws {
        let asked = ScriptedSignal()
        let upstream = try ScriptedUpstream(.readRequest, .tell(asked), .stall)
        defer { upstream.stop() }
        try await withScriptedClient { client in
            let task = Task { try await client.text(upstream.url) }
            await asked.wait()
            let start = ContinuousClock.now
            task.cancel()
            let result = await task.result
            #expect(throws: GatewayError.cancelled) { try result.get() }
            await upstream.clientClosed.wait()
            #expect(ContinuousClock.now - start < Self.atOnce)
        }
    }

    @Test("cancelling while the body is awaited ends the transfer at once", arguments: [false, true])
    func cancelBody(_ onLoop: Bool) async throws {
        let reading = ScriptedSignal()
        let upstream = try ScriptedUpstream(.readRequest, .write("HTTP/1.1 200 OK\r\n\r\nx"), .stall)
        defer { upstream.stop() }
        try await withScriptedClient { client in
            let task = Task(executorPreference: onLoop ? EventLoop.current : nil) {
                let body = try await client.get(upstream.url).body
                _ = try await body.next()
                reading.fire()
                _ = try await body.next()
            }
            await reading.wait()
            let start = ContinuousClock.now
            task.cancel()
            let result = await task.result
            #expect(throws: GatewayError.cancelled) { try result.get() }
            await upstream.clientClosed.wait()
            #expect(ContinuousClock.now - start < Self.atOnce)
        }
    }

    @Test("a task that is cancelled already sends nothing")
    func cancelledBefore() async throws {
        let upstream = try ScriptedUpstream(.readRequest, .answer("x"))
        defer { upstream.stop() }
        try await withScriptedClient { client in
            let gate = ScriptedSignal()
            let task = Task {
                await gate.wait()
                return await client.failure(upstream.url)
            }
            task.cancel()
            gate.fire()
            #expect(await task.value == .cancelled)
        }
        #expect(upstream.requests.isEmpty)
    }

    @Test("releasing the body ends the transfer, read or not", arguments: [false, true])
    func release(_ reads: Bool) async throws {
        let upstream = try ScriptedUpstream(
            .readRequest, .write("HTTP/1.1 200 OK\r\n\r\n"), .flood([UInt8](repeating: 0x61, count: 4096)))
        defer { upstream.stop() }
        try await withScriptedClient { client in
            let start = ContinuousClock.now
            do {
                let response = try await client.get(upstream.url)
                if reads { _ = try await response.body.next() }
            }
            await upstream.clientClosed.wait()
            #expect(ContinuousClock.now - start < Self.atOnce)
        }
    }

    @Test("releasing the client ends what it still has open")
    func releaseClient() async throws {
        let upstream = try ScriptedUpstream(.readRequest, .write("HTTP/1.1 200 OK\r\n\r\nx"), .stall)
        defer { upstream.stop() }
        let loop = try EventLoop(name: "client")
        try loop.start()
        defer { loop.stop() }
        let body = try await CurlTransport(fallback: loop).get(upstream.url).body
        _ = try? await body.next()
        await upstream.clientClosed.wait()
        let error = await #expect(throws: GatewayError.self) { try await body.next() }
        #expect(error?.kind == .shuttingDown)
    }
}
