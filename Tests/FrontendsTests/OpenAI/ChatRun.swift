import PolluxCore
import PolluxFrontends
import PolluxProviders
import PolluxTesting

/// A client's request, carried through the frontend and the provider without a pipeline or a socket in between.
struct ChatRun {
    var settings = OpenAIFrontendSettings()
    /// As which the gateway delivers media.
    var presentation = Media.Presentation.part
    /// The body that the upstream got; empty when the request did not get that far.
    private(set) var upstreamRequest: [UInt8] = []
    private(set) var answer = HTTPAnswer(status: 0)

    static let reply = ReplyContext(
        requestID: "req_1", created: WallTime(seconds: 1_760_000_000), responseID: "R1234567890123456789abcd")

    mutating func run(_ body: [UInt8], upstream response: FakeResponse?) async throws {
        let frontend = try OpenAIFrontend(settings: settings, context: FrontendContext(log: .silent))
        do {
            let call = try frontend.decode(.chat(body))
            guard case .generate(let request) = call, let response else { return }
            try await run(request, frontend, response)
        } catch let error as GatewayError {
            answer = frontend.encode(error: error, Self.reply)
        }
    }

    private mutating func run(
        _ request: ModelRequest, _ frontend: OpenAIFrontend, _ response: FakeResponse
    ) async throws {
        let transport = FakeTransport([response])
        let provider = try OpenAICompatibleProvider(
            settings: OpenAICompatibleSettings(baseURL: "https://upstream.test/v1", apiKeys: [Secret("sk-upstream")]),
            context: ProviderContext(
                name: "up", http: transport, time: ManualTime(), random: SeededRandom(seed: 7), log: .silent))
        defer { upstreamRequest = transport.requests.first?.body ?? [] }
        var events = try await provider.generate(request, on: FixedLease(credential: provider.ownCredentials[0]))
        if request.stream {
            answer = try await stream(&events, frontend.makeEncoder(for: request, Self.reply))
        } else {
            var reducer = ModelResponseReducer()
            while let event = try await events.next() { reducer.apply(presented(event)) }
            answer = frontend.encode(reducer.response, for: request, Self.reply)
        }
    }

    private func presented(_ event: ModelEvent) -> ModelEvent {
        guard case .media(var media) = event else { return event }
        media.presentation = presentation
        return .media(media)
    }

    /// As the gateway does it: an error before the first byte is an answer of its own.
    private func stream(
        _ events: inout EventStream, _ encoder: any ResponseEncoder
    ) async throws(GatewayError) -> HTTPAnswer {
        var encoder = encoder
        var bytes: [UInt8] = []
        var failure: GatewayError?
        do {
            while let event = try await events.next() { encoder.encode(presented(event), into: &bytes) }
        } catch {
            if bytes.isEmpty { throw error }
            failure = error
        }
        _ = encoder.finish(after: failure, into: &bytes)
        return HTTPAnswer(status: encoder.head.status, fields: encoder.head.fields, body: bytes)
    }
}

struct FixedLease: AccountLease {
    let credential: Credential
    func rotate(to credential: Credential) async throws(GatewayError) {}
}

extension IncomingRequest {
    static func chat(_ body: [UInt8]) -> IncomingRequest {
        IncomingRequest(
            requestID: "req_1", route: Route(.post, "/chat/completions"),
            head: HTTPRequestHead(method: .post, target: "/v1/chat/completions"), body: body,
            receivedAt: Instant(microseconds: 0))
    }
}
