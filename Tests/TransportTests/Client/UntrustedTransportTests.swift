import PolluxCore
import PolluxTesting
import PolluxTransport
import Synchronization
import Testing

/// Real connections, or none: a server on loopback stands for everything that must not be reached (S-3 to S-6).
@Suite("HTTP client: hosts that clients name", .timeLimit(.minutes(1)))
struct UntrustedTransportTests {
    private static let open = AddressJudge(AddressRules(), isExempt: true)

    @Test(
        "no spelling of a loopback address gets a connection",
        arguments: [
            "127.0.0.1", "127.1", "127.0.1", "0", "0.0.0.0", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1",
            "017700000001", "localhost", "LOCALHOST.", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
            "[::127.0.0.1]", "[64:ff9b::127.0.0.1]", "[0:0:0:0:0:ffff:7f00:0001]", "127.0.0.1.",
        ])
    func loopback(_ host: String) async throws {
        let upstream = try ScriptedUpstream(.readRequest, .answer("secret"))
        defer { upstream.stop() }
        try await withUntrustedClient { client in
            let error = await client.failure("http://\(host):\(upstream.port)/", AddressJudge(AddressRules()))
            let isRefused = error?.kind == .permission || error?.kind == .upstreamUnreachable
            #expect(isRefused, "\(String(describing: error))")
            #expect(client.statistics.connections == 0)
        }
        #expect(upstream.connectionCount == 0)
    }

    @Test(
        "the usual spellings are refused by the judge, not by chance",
        arguments: ["127.0.0.1", "127.1", "2130706433", "localhost"])
    func judged(_ host: String) async throws {
        try await withUntrustedClient { client in
            let error = await client.failure("http://\(host):9/", AddressJudge(AddressRules()))
            #expect(error?.kind == .permission)
            #expect(error?.detail == "not a public address")
        }
    }

    @Test("what the operator allows is fetched, with nothing of ours in the request but a name")
    func allowed() async throws {
        let upstream = try ScriptedUpstream(.readRequest, .answer("bytes"))
        defer { upstream.stop() }
        try await withUntrustedClient { client in
            let text = try await client.text("http://127.0.0.1:\(upstream.port)/a?b", Self.open)
            #expect(text == "bytes")
        }
        let lines = (upstream.requests.first ?? "").split(separator: "\r\n").map { $0.lowercased() }
        #expect(
            lines.sorted()
                == ["accept: */*", "get /a?b http/1.1", "host: 127.0.0.1:\(upstream.port)", "user-agent: pollux"])
    }

    @Test("the gateway's own port stays closed even then")
    func ownPort() async throws {
        let upstream = try ScriptedUpstream(.readRequest, .answer("bytes"))
        defer { upstream.stop() }
        let judge = AddressJudge(AddressRules(), isExempt: true, ownPorts: [Int(upstream.port)])
        try await withUntrustedClient { client in
            #expect(await client.failure("http://127.0.0.1:\(upstream.port)/", judge)?.kind == .permission)
        }
        #expect(upstream.connectionCount == 0)
    }

    @Test("a connection serves one fetch: no later one rides on its judgement")
    func noReuse() async throws {
        let upstream = try ScriptedUpstream(.forever([.readRequest, .answer("bytes")]))
        defer { upstream.stop() }
        let url = "http://127.0.0.1:\(upstream.port)/"
        try await withUntrustedClient { client in
            for _ in 0..<3 {
                let text = try await client.text(url, Self.open)
                #expect(text == "bytes")
            }
            #expect(client.statistics.connections == 3)
            #expect(await client.failure(url, AddressJudge(AddressRules()))?.kind == .permission)
        }
        #expect(upstream.connectionCount == 3)
    }

    @Test("redirects are handed over, not followed")
    func redirect() async throws {
        let upstream = try ScriptedUpstream(
            .readRequest, .write("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"))
        defer { upstream.stop() }
        try await withUntrustedClient { client in
            let response = try await client.get("http://127.0.0.1:\(upstream.port)/", Self.open)
            #expect(response.status == 302 && response.fields["location"] == "http://127.0.0.1:1/")
            #expect(client.statistics.connections == 1)
        }
    }

    @Test("bytes are counted as they come, whatever length was promised", arguments: ["", "content-length: 10\r\n"])
    func tooLarge(_ fields: String) async throws {
        let framing = fields.isEmpty ? "transfer-encoding: chunked\r\n" : fields
        let chunk = fields.isEmpty ? "400\r\n" + String(repeating: "x", count: 1024) + "\r\n" : "0123456789"
        let upstream = try ScriptedUpstream(
            .readRequest, .write("HTTP/1.1 200 OK\r\n\(framing)\r\n"), .flood(Array(chunk.utf8)))
        defer { upstream.stop() }
        try await withUntrustedClient { client in
            let bytes = try? await client.text("http://127.0.0.1:\(upstream.port)/", Self.open, maxBytes: 4096)
            // A length that lies ends the body; without one the bound does.
            #expect(fields.isEmpty ? bytes == nil : bytes == "0123456789")
        }
    }

    @Test("an answer that was compressed unasked is refused")
    func compressed() async throws {
        let upstream = try ScriptedUpstream(.readRequest, .answer("x", fields: "content-encoding: gzip\r\n"))
        defer { upstream.stop() }
        try await withUntrustedClient { client in
            let error = await client.failure("http://127.0.0.1:\(upstream.port)/", Self.open)
            #expect(error?.kind == .upstreamBadResponse)
        }
    }

    @Test("drops that keep coming end at the total, silence at the first byte")
    func slow() async throws {
        let time = ManualTime()
        let dripping = try ScriptedUpstream(
            .readRequest, .write("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nx"), .stall)
        let silent = try ScriptedUpstream(.readRequest, .stall)
        defer {
            dripping.stop()
            silent.stop()
        }
        let deadlines = TransferDeadlines(
            connect: .seconds(3), firstByte: .seconds(5), gap: .seconds(15), total: .seconds(15))
        try await withUntrustedClient(time: time) { client in
            let response = try await client.get("http://127.0.0.1:\(dripping.port)/", Self.open, deadlines)
            time.advance(by: .seconds(15))
            let late = await #expect(throws: GatewayError.self) { _ = try await response.body.collect() }
            #expect(late?.kind == .upstreamTimeout && late?.detail.hasPrefix("total deadline") == true)
            async let never = client.failure("http://127.0.0.1:\(silent.port)/", Self.open, deadlines)
            await time.untilSomeoneWaits(until: time.now + .seconds(5))
            time.advance(by: .seconds(5))
            #expect(await never?.kind == .upstreamTimeout)
        }
    }

    @Test("the machine tells its own addresses, loopback among them")
    func interfaces() {
        let addresses = NetworkInterfaces.addresses()
        #expect(addresses.contains(.v4(0x7F00_0001)))
    }
}

private func withUntrustedClient(
    time: (any SteppedTime)? = nil, _ body: @escaping @Sendable (CurlUntrustedTransport) async throws -> Void
) async throws {
    let loop = try EventLoop(name: "untrusted", time: time)
    try loop.start()
    defer { loop.stop() }
    try await Task(executorPreference: loop) { try await body(CurlUntrustedTransport(fallback: loop)) }.value
}

extension CurlUntrustedTransport {
    fileprivate func get(
        _ url: String, _ judge: AddressJudge, _ deadlines: TransferDeadlines = TransferDeadlines(),
        maxBytes: Int = 1 << 20
    ) async throws -> UpstreamResponse {
        try await get(UntrustedRequest(try FetchURL(url), deadlines: deadlines, maxBytes: maxBytes, judge: judge))
    }

    fileprivate func text(_ url: String, _ judge: AddressJudge, maxBytes: Int = 1 << 20) async throws -> String {
        String(decoding: try await get(url, judge, maxBytes: maxBytes).body.collect(), as: UTF8.self)
    }

    fileprivate func failure(
        _ url: String, _ judge: AddressJudge, _ deadlines: TransferDeadlines = TransferDeadlines()
    ) async -> GatewayError? {
        do {
            _ = try await get(url, judge, deadlines).body.collect()
            return nil
        } catch {
            return error as? GatewayError
        }
    }
}
