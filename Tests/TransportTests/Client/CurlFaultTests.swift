import PolluxCore
import PolluxTesting
import PolluxTransport
import Testing

/// The faults of section 13 of the reliability requirements.
@Suite("HTTP client: faults of the upstream", .timeLimit(.minutes(1)))
struct CurlFaultTests {
    @Test("nobody listens, or the name does not exist: unreachable (F-1)")
    func unreachable() async throws {
        try await withScriptedClient { client in
            for url in ["http://127.0.0.1:1/", "http://pollux-test.invalid/"] {
                let error = await client.failure(url)
                #expect(error?.kind == .upstreamUnreachable)
                #expect(error?.scope == .endpoint)
                #expect(error?.message.contains("127.0.0.1") == false)
                #expect(error?.message.contains("invalid") == false)
                #expect(error?.detail.hasPrefix("libcurl ") == true)
            }
        }
    }

    @Test("a proxy that is not there is unreachable too, and its password stays out of the log")
    func deadProxy() async throws {
        let network = NetworkOptions(proxy: Secret("http://user:hunter2@127.0.0.1:1"))
        try await withScriptedClient(network: network) { client in
            let error = await client.failure("http://upstream.invalid/")
            #expect(error?.kind == .upstreamUnreachable)
            #expect(error?.detail.contains("hunter2") == false)
        }
    }

    @Test("closed or reset without a reply (F-3)", arguments: [false, true])
    func noReply(_ isReset: Bool) async throws {
        let error = try await failure(.readRequest, isReset ? .reset : .write(""))
        #expect(error?.kind == .upstreamReset)
    }

    @Test("closed or reset inside the head (F-3)", arguments: [false, true])
    func cutHead(_ isReset: Bool) async throws {
        let error = try await failure(
            .readRequest, .write("HTTP/1.1 200 OK\r\ncontent-le"), isReset ? .reset : .write(""))
        #expect(error?.kind == .upstreamReset)
    }

    @Test(
        "silence before or inside the head runs into the first-byte deadline (F-4)",
        arguments: ["", "HTTP/1.1 200 OK\r\ncontent-", "HTTP/1.1 100 Continue\r\n\r\n"])
    func noHead(_ text: String) async throws {
        let time = ManualTime()
        async let error = failure(.readRequest, .write(text), .stall, time: time)
        await time.untilSomeoneWaits(until: time.now + .seconds(60))
        time.advance(by: .seconds(60))
        #expect(try await error?.kind == .upstreamTimeout)
        #expect(try await error?.detail.hasPrefix("first byte deadline") == true)
    }

    @Test("silence after the head or inside the body runs into the gap deadline (F-4, F-5)", arguments: ["", "01234"])
    func stall(_ text: String) async throws {
        let time = ManualTime()
        async let error = failure(
            .readRequest, .write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n" + text), .stall, time: time)
        await time.untilSomeoneWaits(until: time.now + .seconds(45))
        time.advance(by: .seconds(45))
        #expect(try await error?.kind == .upstreamTimeout)
        #expect(try await error?.detail.hasPrefix("gap deadline") == true)
    }

    @Test("a body that is cut is truncated (F-6)", arguments: ["content-length: 10", "transfer-encoding: chunked"])
    func truncated(_ framing: String) async throws {
        let body = framing.hasPrefix("c") ? "01234" : "5\r\n01234\r\n"
        let error = try await failure(.readRequest, .write("HTTP/1.1 200 OK\r\n\(framing)\r\n\r\n\(body)"))
        #expect(error?.kind == .upstreamTruncated)
    }

    @Test("a reset inside the body (F-7)", arguments: ["content-length: 20", "transfer-encoding: chunked"])
    func resetInBody(_ framing: String) async throws {
        let arrived = ScriptedSignal()
        let upstream = try ScriptedUpstream(
            .readRequest, .write("HTTP/1.1 200 OK\r\n\(framing)\r\n\r\n5\r\nabcde\r\n"), .wait(arrived), .reset)
        defer { upstream.stop() }
        try await withScriptedClient { client in
            let body = try await client.get(upstream.url).body
            #expect(try await body.next()?.isEmpty == false)
            arrived.fire()
            let error = await #expect(throws: GatewayError.self) { while try await body.next() != nil {} }
            #expect(error?.kind == .upstreamReset)
        }
    }

    @Test(
        "what is not HTTP is a bad response (F-9)",
        arguments: [
            "SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\nabc\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabcdef0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nx: a\0b\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\nab",
        ])
    func notHTTP(_ text: String) async throws {
        let error = try await failure(.readRequest, .write(text), .stall)
        #expect(error?.kind == .upstreamBadResponse, "\(String(describing: error?.detail))")
    }

    @Test("a head beyond 64 KiB is a bad response, in one field or in many (F-9)", arguments: [1, 4000])
    func largeHead(_ fields: Int) async throws {
        let field = "x: " + String(repeating: "a", count: 70_000 / fields) + "\r\n"
        let head = "HTTP/1.1 200 OK\r\n" + String(repeating: field, count: fields) + "\r\n"
        let error = try await failure(.readRequest, .write(head), .stall)
        #expect(error?.kind == .upstreamBadResponse)
    }

    @Test("a broken encoding that was asked for is a bad response (F-9)")
    func brokenEncoding() async throws {
        let upstream = try ScriptedUpstream(
            .readRequest,
            .write("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 20\r\n\r\nnot gzip not gzip no"))
        defer { upstream.stop() }
        try await withScriptedClient { client in
            #expect(await client.failure(upstream.url, compressed: true)?.kind == .upstreamBadResponse)
        }
    }

    @Test("an encoding that was asked for is undone, and the fields no longer speak of it")
    func encoding() async throws {
        let packed = try scriptedOutput(of: "printf hello | gzip -9")
        let head = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: \(packed.count)\r\n\r\n"
        let upstream = try ScriptedUpstream(.readRequest, .write(Array(head.utf8) + packed))
        defer { upstream.stop() }
        try await withScriptedClient { client in
            var request = UpstreamRequest(.get, upstream.url)
            request.acceptsCompression = true
            let response = try await client.send(request)
            #expect(response.fields.count == 0)
            #expect(try await response.body.collect() == Array("hello".utf8))
        }
        #expect(upstream.requests.first?.contains("Accept-Encoding: gzip, deflate\r\n") == true)
    }

    @Test("an endless body is cut at the limit (F-13)")
    func endless() async throws {
        let upstream = try ScriptedUpstream(
            .readRequest, .write("HTTP/1.1 200 OK\r\n\r\n"), .flood([UInt8](repeating: 0x20, count: 65536)))
        defer { upstream.stop() }
        try await withScriptedClient { client in
            #expect(await client.failure(upstream.url, maxResponseBytes: 3 << 20)?.kind == .upstreamTooLarge)
        }
        await upstream.clientClosed.wait()
    }

    @Test("a decompression bomb is cut at the limit, counted after decoding (F-13)")
    func bomb() async throws {
        let packed = try scriptedOutput(of: "head -c 50000000 /dev/zero | gzip -9")
        #expect(packed.count < 100_000)
        let head = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: \(packed.count)\r\n\r\n"
        let upstream = try ScriptedUpstream(.readRequest, .write(Array(head.utf8) + packed), .stall)
        defer { upstream.stop() }
        try await withScriptedClient { client in
            let error = await client.failure(upstream.url, maxResponseBytes: 4 << 20, compressed: true)
            #expect(error?.kind == .upstreamTooLarge)
        }
    }

    @Test("a body of exactly the limit passes, one byte more does not")
    func exactLimit() async throws {
        let upstream = try ScriptedUpstream(.forever([.readRequest, .answer("0123456789")]))
        defer { upstream.stop() }
        try await withScriptedClient { client in
            #expect(await client.failure(upstream.url, maxResponseBytes: 10) == nil)
            #expect(await client.failure(upstream.url, maxResponseBytes: 9)?.kind == .upstreamTooLarge)
        }
    }

    @Test("the total deadline ends a transfer that keeps moving")
    func total() async throws {
        let upstream = try ScriptedUpstream(
            .readRequest, .write("HTTP/1.1 200 OK\r\n\r\n"),
            .drip([UInt8](repeating: 0x20, count: 10_000), milliseconds: 5))
        defer { upstream.stop() }
        let time = ManualTime()
        try await withScriptedClient(time: time) { client in
            let body = try await client.get(upstream.url).body
            for _ in 0..<29 {
                time.advance(by: .seconds(10))
                #expect(try await body.next()?.isEmpty == false)
            }
            time.advance(by: .seconds(10))
            let error = await #expect(throws: GatewayError.self) { while try await body.next() != nil {} }
            #expect(error?.kind == .upstreamTimeout)
            #expect(error?.detail.hasPrefix("total deadline") == true)
        }
        await upstream.clientClosed.wait()
    }

    @Test("what came before a failure is delivered before the failure")
    func dataBeforeFailure() async throws {
        let upstream = try ScriptedUpstream(
            .readRequest, .write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc"))
        defer { upstream.stop() }
        try await withScriptedClient { client in
            let body = try await client.get(upstream.url).body
            var received: [UInt8] = []
            let error = await #expect(throws: GatewayError.self) {
                while let piece = try await body.next() { received += piece }
            }
            #expect(received == Array("abc".utf8))
            #expect(error?.kind == .upstreamTruncated)
            #expect(body.isReady)
            let again = await #expect(throws: GatewayError.self) { try await body.next() }
            #expect(again == error)
        }
    }

    private func failure(
        _ steps: ScriptedUpstream.Step..., time: ManualTime? = nil
    ) async throws -> GatewayError? {
        let upstream = try ScriptedUpstream(scripts: [steps])
        defer { upstream.stop() }
        return try await withScriptedClient(time: time) { await $0.failure(upstream.url) }
    }
}
