import PolluxCore

/// An upstream with one call: `POST /complete` takes `{"model", "prompt"}` and answers `{"text"}`.
struct AcmeProvider: Provider {
    struct Settings: SettingsReadable {
        var baseURL: String
        var apiKeys: [Secret]

        init(reading map: inout SettingsMap) {
            baseURL = map.requireURL("base_url", example: "https://api.acme.example", help: "Where /complete is.")
            apiKeys = map.requireSecretList("api_keys", example: "${ACME_API_KEY}", help: "One account per key.")
        }
    }

    static let kind: PluginKind = "acme"

    private let settings: Settings
    private let context: ProviderContext

    init(settings: Settings, context: ProviderContext) throws(GatewayError) {
        (self.settings, self.context) = (settings, context)
    }

    var ownCredentials: [Credential] {
        settings.apiKeys.enumerated().map { number, key in
            Credential(accountID: "key-\(number + 1)", values: ["api_key": key])
        }
    }

    var offeredModels: [ModelInfo]? { [ModelInfo(id: "acme-1", owner: "acme")] }

    /// A request that cannot be carried whole is refused, before an account is leased.
    func refusal(of request: ModelRequest) -> GatewayError? {
        let parts = request.system + request.turns.flatMap(\.parts)
        if request.needs.isEmpty, parts.allSatisfy({ Self.text(of: $0) != nil }) { return nil }
        return GatewayError(.unsupported, .request, "acme turns text into text; leave out tools, media and formats")
    }

    func generate(
        _ request: ModelRequest, on lease: any AccountLease
    ) async throws(GatewayError) -> EventStream {
        let prompt = (request.system + request.turns.flatMap(\.parts)).compactMap(Self.text).joined(separator: "\n\n")
        let body: JSON = ["model": .string(request.resolvedModel), "prompt": .string(prompt)]
        let key = lease.credential["api_key"]?.reveal() ?? ""
        let response = try await context.http.send(
            UpstreamRequest(
                .post, settings.baseURL + "/complete",
                fields: ["content-type": "application/json", "authorization": "Bearer \(key)"], body: body.bytes()))
        let bytes = try await response.body.collect(upTo: 4 << 20)
        guard response.status == 200 else { throw Self.failure(response.status) }
        guard let text = (try? JSON.parse(bytes, .upstream))?["text"]?.string else {
            throw GatewayError(.upstreamBadResponse, .endpoint, "the upstream's answer could not be read; try again")
        }
        let events: [ModelEvent] = [
            .started(responseID: "", model: request.resolvedModel), .textDelta(text), .finished(.stop), .ended,
        ]
        return EventStream(EventList(events: events[...]))
    }

    /// The scope and the effect tell the pool what rests; the kind tells the pipeline what may be tried next.
    private static func failure(_ status: Int) -> GatewayError {
        switch status {
        case 401:
            GatewayError(
                .upstreamAuth, .account, "the upstream refused the API key; tell the operator", upstreamStatus: status,
                accountEffect: .rejectCredential)
        case 429:
            GatewayError(
                .rateLimited, .account, "the upstream's limit is reached; try again later", upstreamStatus: status,
                accountEffect: .cool)
        default: GatewayError(.upstreamError, .endpoint, "the upstream failed; try again", upstreamStatus: status)
        }
    }

    private static func text(of part: Part) -> String? {
        if case .text(let text) = part.content { text } else { nil }
    }
}

/// Events that are all there already. A streaming upstream would be read here, one piece per call of `next()`.
private struct EventList: EventSource {
    var events: ArraySlice<ModelEvent>

    mutating func next() async throws(GatewayError) -> ModelEvent? { events.popFirst() }
    var isReady: Bool { true }
}
