import PolluxApp
import PolluxCore
import PolluxTesting
import Testing

@Suite("A gateway without a socket")
struct EmbeddedGatewayTests {
    private static let settings = """
        keys: [{name: a, key: "a-client-key-of-the-test"}]
        credential_sources: [{name: accounts, kind: file, path: accounts.json}]
        providers:
          - {name: up, kind: openai-compatible, base_url: "https://up.test/v1", models: [m-1], credentials: [accounts]}
        """
    private static let events = ["Hel", "lo"].map { #"data: {"choices":[{"delta":{"content":"\#($0)"}}]}"# + "\n\n" }
    private static let end = #"data: {"choices":[{"delta":{},"finish_reason":"stop"}]}"# + "\n\ndata: [DONE]\n\n"

    private func gateway(_ upstream: FakeTransport) throws -> EmbeddedGateway {
        try EmbeddedGateway(
            settings: Self.settings, registry: .standard, transport: upstream,
            files: MemoryFiles(["accounts.json": #"[{"id":"amber","api_key":"key-of-amber"}]"#]), time: ManualTime(),
            random: SeededRandom(seed: 1))
    }

    private func chat(_ upstream: FakeTransport, key: String?, stream: Bool = false) async throws -> MemoryReply {
        let gateway = try gateway(upstream)
        return try await gateway.running {
            await GatewayClient(gateway.handler, key: key).post(
                "/v1/chat/completions",
                ["model": "m-1", "stream": .bool(stream), "messages": [["role": "user", "content": "Hi"]]])
        }
    }

    @Test("serves a request from the client's bytes to the client's bytes, with the accounts of its sources")
    func whole() async throws {
        let upstream = FakeTransport([FakeResponse(text: Self.events.joined() + Self.end)])
        let reply = try await chat(upstream, key: "a-client-key-of-the-test")
        #expect(reply.status == 200)
        #expect(reply.end == .whole)
        #expect(reply.json?["choices"]?[0]?["message"]?["content"]?.string == "Hello")
        #expect(reply.fields["x-request-id"]?.hasPrefix("req_") == true)
        #expect(upstream.requests.first?.fields["authorization"] == "Bearer key-of-amber")
    }

    @Test("a stream comes in the pieces in which it was written, and has its end")
    func stream() async throws {
        let pieces = (Self.events + [Self.end]).map { Array($0.utf8) }
        let reply = try await chat(
            FakeTransport([FakeResponse(pieces: pieces)]), key: "a-client-key-of-the-test", stream: true)
        #expect(reply.status == 200)
        #expect(reply.end == .whole)
        #expect(reply.text.hasSuffix("data: [DONE]\n\n"))
    }

    @Test("asks for keys as ever")
    func keys() async throws {
        let upstream = FakeTransport([])
        for key in [nil, "another-key"] {
            let reply = try await chat(upstream, key: key)
            #expect(reply.status == 401)
        }
        #expect(upstream.requests.isEmpty)
    }

    @Test("settings that cannot be honoured are thrown, every problem with its place")
    func problems() {
        let error = #expect(throws: SettingsError.self) {
            try EmbeddedGateway(
                settings: "providers: [{name: up, kind: openai-compatible, base_ulr: x}]", registry: .standard,
                transport: FakeTransport([]), files: MemoryFiles(), time: ManualTime())
        }
        #expect(error?.issues.contains { $0.path == "providers[0].base_ulr" } == true)
    }
}
