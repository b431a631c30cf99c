import AcmePlugins
import PolluxApp
import PolluxCore
import PolluxTesting
import Testing

/// A client of the OpenAI format, the whole gateway, and Acme's chat in memory.
@Suite("A client that uses functions")
struct ChatTests {
    private static let settings = """
        keys: [{name: default, key: "a-client-key-of-the-test"}]
        retry: {max_retries: 0}
        providers:
          - {name: acme, kind: acme-chat, base_url: "https://api.acme.example", api_keys: ["key-0123456789"]}
        """

    /// Asks through a gateway of its own, whose clock stands still: a gateway has work of its own that wakes now and
    /// then, and under `HurriedTime` that work alone would move the clock. So nothing here may wait: no retries.
    private func ask(_ upstream: FakeTransport, _ body: JSON) async throws -> MemoryReply {
        var registry = PluginRegistry.standard
        registry.registerAcme()
        let gateway = try EmbeddedGateway(
            settings: Self.settings, registry: registry, transport: upstream, files: MemoryFiles(),
            time: ManualTime(), random: SeededRandom(seed: 1))
        return try await gateway.running {
            await GatewayClient(gateway.handler, key: "a-client-key-of-the-test").post("/v1/chat/completions", body)
        }
    }

    private static let clock: JSON = [
        "type": "function",
        "function": ["name": "clock", "description": "The time", "parameters": ["type": "object", "properties": [:]]],
    ]
    private static let question: JSON = ["role": "user", "content": "What time is it?"]
    private static let call =
        "event: call\ndata: {\"id\":\"c1\",\"function\":\"clock\"}\n\n"
        + "event: input\ndata: {\"json\":\"{\\\"zone\\\":\\\"UTC\\\"}\"}\n\n"
        + "event: end\ndata: {\"why\":\"calls\",\"read\":5,\"wrote\":3}\n\n"

    @Test("a call comes as the client knows it, and the upstream has seen the function")
    func call() async throws {
        let upstream = FakeTransport([FakeResponse(text: Self.call)])
        let reply = try await ask(
            upstream, ["model": "acme-chat-1", "messages": [Self.question], "tools": [Self.clock]])
        let choice = reply.json?["choices"]?[0]
        #expect(choice?["finish_reason"]?.string == "tool_calls")
        let function = choice?["message"]?["tool_calls"]?[0]?["function"]
        #expect(function == ["name": "clock", "arguments": "{\"zone\":\"UTC\"}"])
        let sent = try JSON.parse(upstream.requests.first?.body ?? [])
        #expect(sent["use"] == "free")
        #expect(sent["functions"]?[0]?["name"] == "clock")
    }

    @Test("the function's result goes back, and the answer is streamed")
    func result() async throws {
        let words =
            "event: text\ndata: {\"text\":\"Noon.\"}\n\nevent: end\ndata: {\"why\":\"end\",\"read\":9,\"wrote\":2}\n\n"
        let upstream = FakeTransport([FakeResponse(text: words)])
        let called: JSON = [
            "role": "assistant",
            "tool_calls": [["id": "c1", "type": "function", "function": ["name": "clock", "arguments": "{}"]]],
        ]
        let answered: JSON = ["role": "tool", "tool_call_id": "c1", "content": "12:00"]
        let reply = try await ask(
            upstream,
            [
                "model": "acme-chat-1", "messages": [Self.question, called, answered], "tools": [Self.clock],
                "stream": true,
            ])
        #expect(reply.text.contains("\"content\":\"Noon.\""))
        #expect(reply.text.hasSuffix("data: [DONE]\n\n"))
        let sent = try JSON.parse(upstream.requests.first?.body ?? [])
        #expect(sent["talk"]?[1] == ["who": "acme", "call": "c1", "function": "clock", "json": "{}"])
        #expect(sent["talk"]?[2] == ["who": "function", "call": "c1", "text": "12:00"])
    }

    @Test("a limit is the client's 429, with the time that the upstream gave")
    func limit() async throws {
        let words = #"{"error": {"message": "slow down", "type": "rate_limit_error"}}"#
        let reply = try await ask(
            FakeTransport([FakeResponse(429, fields: ["retry-after": "7"], text: words)]),
            ["model": "acme-chat-1", "messages": [Self.question]])
        #expect(reply.status == 429)
        #expect(reply.fields["retry-after"] == "7")
        #expect(!reply.text.contains("slow down"), "the upstream's words are for the log")
    }

    @Test("what the models cannot do is refused with the field's name, and nothing is sent")
    func refused() async throws {
        let upstream = FakeTransport([])
        let reply = try await ask(
            upstream,
            [
                "model": "acme-chat-1", "messages": [Self.question],
                "response_format": ["type": "json_object"],
            ])
        #expect(reply.status == 400)
        #expect(reply.json?["error"]?["param"]?.string == "response_format")
        #expect(upstream.requests.isEmpty)
    }
}
