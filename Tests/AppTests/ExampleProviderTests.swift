import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxApp

@Suite("The provider of docs/write-a-provider.md")
struct ExampleProviderTests {
    @Test("asks its upstream with the account's key and gives the answer as events")
    func answers() async throws {
        let upstream = FakeTransport([FakeResponse(text: #"{"text":"hello"}"#)])
        let (provider, pool) = try makeProvider(upstream)
        var request = ModelRequest(id: "req_1", model: "acme-1")
        request.system = [.text("Be brief.")]
        request.turns = [Turn(.user, [.text("Say hello")])]

        var stream = try await provider.generate(request, on: try pool.lease(for: .text, provider: "acme"))
        var reducer = ModelResponseReducer()
        while let event = try await stream.next() { reducer.apply(event) }

        #expect(reducer.response.candidates.map(\.parts) == [[.text("hello")]])
        #expect(reducer.response.candidates.first?.finish == .stop)
        let sent = try #require(upstream.requests.first)
        #expect(sent.url == "https://api.acme.example/complete")
        #expect(sent.fields["authorization"] == "Bearer k-0123456789")
        #expect(try JSON.parse(sent.body ?? []) == ["model": "acme-1", "prompt": "Be brief.\n\nSay hello"])
    }

    @Test(
        "says what a failure means for the account",
        arguments: [
            (401, GatewayError.Kind.upstreamAuth, GatewayError.AccountEffect.rejectCredential),
            (429, .rateLimited, .cool), (500, .upstreamError, .none),
        ])
    func failures(_ status: Int, _ kind: GatewayError.Kind, _ effect: GatewayError.AccountEffect) async throws {
        let (provider, pool) = try makeProvider(FakeTransport([FakeResponse(status, text: "no")]))
        let lease = try pool.lease(for: .text, provider: "acme")
        let error = await #expect(throws: GatewayError.self) {
            _ = try await provider.generate(ModelRequest(id: "req_1", model: "acme-1"), on: lease)
        }
        #expect(error?.kind == kind && error?.accountEffect == effect)
    }

    @Test("refuses what it cannot carry")
    func refuses() throws {
        let (provider, _) = try makeProvider(FakeTransport([]))
        var request = ModelRequest(id: "req_1", model: "acme-1")
        #expect(provider.refusal(of: request) == nil)
        request.tools = [ToolSpec(name: "f")]
        #expect(provider.refusal(of: request)?.kind == .unsupported)
    }

    private func makeProvider(_ upstream: FakeTransport) throws -> (AcmeProvider, AccountPool) {
        let settings = """
            providers:
              - {name: acme, kind: acme, base_url: "https://api.acme.example", api_keys: [k-0123456789]}
            """
        var registry = PluginRegistry.standard
        registry.register(provider: AcmeProvider.self)
        let loader = SettingsLoader(registry: registry, environment: [:])
        let entry = try #require(try loader.decode(Array(settings.utf8), file: "test.yaml").0.providers.first)
        let time = ManualTime()
        let provider = try #require(
            try entry.make(
                ProviderContext(
                    name: "acme", http: upstream, time: time, random: SeededRandom(seed: 1), log: .silent))
                as? AcmeProvider)
        let pool = AccountPool(entry.common.pool, time: time)
        pool.update(source: "settings", provider.ownCredentials) { _ in nil }
        return (provider, pool)
    }
}
