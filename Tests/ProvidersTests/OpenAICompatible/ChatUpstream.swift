import PolluxCore
import PolluxProviders
import PolluxTesting

/// One call of the provider against a scripted upstream.
struct ChatUpstream {
    var settings = OpenAICompatibleSettings(baseURL: "https://upstream.test/v1", apiKeys: [Secret("sk-upstream")])
    let transport: FakeTransport
    let time = ManualTime()

    init(_ responses: FakeResponse...) { transport = FakeTransport(responses) }

    func provider() throws -> OpenAICompatibleProvider {
        try OpenAICompatibleProvider(
            settings: settings,
            context: ProviderContext(
                name: "up", http: transport, time: time, random: SeededRandom(seed: 3), log: .silent))
    }

    func start(_ request: ModelRequest = .hello) async throws -> EventStream {
        let provider = try provider()
        return try await provider.generate(request, on: TestLease(credential: provider.ownCredentials[0]))
    }

    func events(_ request: ModelRequest = .hello) async throws -> [ModelEvent] {
        var stream = try await start(request)
        var events: [ModelEvent] = []
        while let event = try await stream.next() { events.append(event) }
        return events
    }

    /// The events up to a failure, and the failure.
    func failure(_ request: ModelRequest = .hello) async throws -> (events: [ModelEvent], error: GatewayError?) {
        var events: [ModelEvent] = []
        do {
            var stream = try await start(request)
            while let event = try await stream.next() { events.append(event) }
        } catch let error as GatewayError {
            return (events, error)
        }
        return (events, nil)
    }

    /// What the upstream was sent.
    func sentBody(_ request: ModelRequest) async throws -> JSON {
        _ = try await start(request)
        return try JSON.parse(transport.requests.last?.body ?? [])
    }
}

struct TestLease: AccountLease {
    let credential: Credential
    func rotate(to credential: Credential) async throws(GatewayError) {}
}

extension ModelRequest {
    static var hello: ModelRequest {
        var request = ModelRequest(id: "req_1", model: "m")
        request.turns = [Turn(.user, [.text("Hi")])]
        return request
    }
}

extension FakeResponse {
    /// An event stream whose events hold these data.
    static func events(_ data: String...) -> FakeResponse {
        FakeResponse(
            fields: ["content-type": "text/event-stream"], text: data.map { "data: \($0)\n\n" }.joined())
    }
}

/// A chunk with one choice.
func chunk(_ delta: String, finish: String? = nil, index: Int = 0) -> String {
    let reason = finish.map { #""\#($0)""# } ?? "null"
    return #"{"id":"up-1","model":"u","choices":[{"index":\#(index),"delta":\#(delta),"finish_reason":\#(reason)}]}"#
}
