import AcmePlugins
import Foundation
import PolluxApp
import PolluxCore
import PolluxTesting
import Testing

/// The settings file of this package, both frontends, the key files and the provider, with the upstream in memory.
@Suite("The whole gateway")
struct GatewayTests {
    private static let lines = #"{"say":"Hello,\n"}"# + "\n" + #"{"say":"world"}"# + "\n"
    private static let end = #"{"done":"end","read":3,"wrote":2}"# + "\n"

    @Test("a prompt in plain text becomes an answer in plain text")
    func text() async throws {
        let upstream = FakeTransport([FakeResponse(text: Self.lines + Self.end)])
        let reply = try await withGateway(upstream) { await $0.post("/text/ask/acme-1?system=Be+brief", text: "Hi") }
        #expect(reply.status == 200)
        #expect(reply.text == "Hello,\nworld\n")
        let sent = try #require(upstream.requests.first)
        #expect(sent.url == "https://api.acme.example/v2/say")
        #expect(sent.fields["authorization"] == "Bearer key-of-amber")
        let body = try JSON.parse(sent.body ?? [])
        #expect(
            body == [
                "model": "acme-1",
                "lines": [["who": "system", "text": "Be brief"], ["who": "user", "text": "Hi"]],
            ])
    }

    @Test("a streamed answer comes in marked lines")
    func stream() async throws {
        let upstream = FakeTransport([FakeResponse(text: Self.lines + Self.end)])
        let reply = try await withGateway(upstream) { await $0.post("/text/ask/acme-1?stream=1", text: "Hi") }
        #expect(reply.text == "+Hello,\n/\n+world\n.\n")
        #expect(reply.end == .whole)
    }

    @Test("an answer that breaks off says so in its last line")
    func brokenStream() async throws {
        let failure = #"{"fail":"overloaded"}"# + "\n"
        let upstream = FakeTransport([FakeResponse(pieces: [Array(Self.lines.utf8), Array(failure.utf8)])])
        let reply = try await withGateway(upstream) { await $0.post("/text/ask/acme-1?stream=1", text: "Hi") }
        #expect(reply.text.hasPrefix("+Hello,\n/\n+world\n!"))
        #expect(!reply.text.contains("\n.\n"))
    }

    @Test("a key at its limit rests, and the request goes to the next one")
    func nextKey() async throws {
        let upstream = FakeTransport([
            FakeResponse(429, fields: ["retry-after": "30"], text: #"{"fail":"too_fast"}"#),
            FakeResponse(text: Self.lines + Self.end),
        ])
        let reply = try await withGateway(upstream) { await $0.post("/text/ask/acme-1", text: "Hi") }
        #expect(reply.status == 200)
        let keys = upstream.requests.map { $0.fields["authorization"] }
        #expect(keys == ["Bearer key-of-amber", "Bearer key-of-birch"])
    }

    @Test("clients of the OpenAI format reach the same upstream")
    func openAI() async throws {
        let upstream = FakeTransport([FakeResponse(text: Self.lines + Self.end)])
        let reply = try await withGateway(upstream) { client in
            await client.post(
                "/v1/chat/completions", ["model": "acme-1", "messages": [["role": "user", "content": "Hi"]]])
        }
        #expect(reply.json?["choices"]?[0]?["message"]?["content"]?.string == "Hello,\nworld")
        #expect(reply.json?["usage"]?["total_tokens"]?.int == 5)
    }

    @Test(
        "what is wrong with a request is told in plain text, and nothing is asked of the upstream",
        arguments: [
            ("/text/ask/acme-2", "Hi", 404), ("/text/ask/acme-1", "", 400), ("/text/ask/acme-1?stream=yes", "Hi", 400),
            ("/text/ask/acme-1?temperature=1", "Hi", 400), ("/text/tell/acme-1", "Hi", 404),
        ])
    func refusals(_ target: String, _ prompt: String, _ status: Int) async throws {
        let upstream = FakeTransport([])
        let reply = try await withGateway(upstream) { await $0.post(target, text: prompt) }
        #expect(reply.status == status)
        #expect(reply.text.hasPrefix("error: "))
        #expect(upstream.requests.isEmpty)
    }

    @Test("the models are listed")
    func models() async throws {
        let reply = try await withGateway(FakeTransport([])) { await $0.get("/text/models") }
        #expect(reply.text == "acme-1\n")
    }

    @Test("the settings files of the guides build a gateway", arguments: Guide.settings)
    func guides(_ settings: Guide) throws {
        var registry = PluginRegistry.standard
        registry.registerAcme()
        _ = try EmbeddedGateway(
            settings: settings.text, registry: registry,
            variables: ["API_KEY": "a-client-key-of-the-env", "ACME_API_KEY": "key-0123456789"],
            transport: FakeTransport([]), files: MemoryFiles(), time: ManualTime())
    }

    private func withGateway(
        _ upstream: FakeTransport, _ body: (GatewayClient) async throws -> MemoryReply
    ) async throws -> MemoryReply {
        var registry = PluginRegistry.standard
        registry.registerAcme()
        let files = MemoryFiles([
            "/run/secrets/acme-amber": "key-of-amber\n", "/run/secrets/acme-birch": "key-of-birch\n",
        ])
        let gateway = try EmbeddedGateway(
            settings: try Package.text(of: "settings.yaml"), registry: registry,
            variables: ["API_KEY": "a-client-key-of-the-env"], transport: upstream, files: files, time: ManualTime(),
            random: SeededRandom(seed: 1))
        return try await gateway.running {
            try await body(GatewayClient(gateway.handler, key: "a-client-key-of-the-env"))
        }
    }
}

/// A settings file in one of the guides.
struct Guide: Sendable, CustomTestStringConvertible {
    let page: String
    let text: String
    var testDescription: String { page }

    static let settings: [Guide] = ["provider", "credential-source", "frontend"].flatMap { name in
        let page = "../../docs/write-a-\(name).md"
        let blocks = ((try? Package.text(of: page)) ?? "").components(separatedBy: "```yaml\n").dropFirst()
        return blocks.map { Guide(page: page, text: $0.components(separatedBy: "```")[0]) }
    }
}

enum Package {
    static func text(of path: String) throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
        return try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }
}
