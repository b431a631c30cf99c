public import PolluxCore
import PolluxCrypto

/// The invented service Acme: `POST /v2/say` takes the conversation and answers one JSON object a line.
///
///     → {"model": "acme-1", "lines": [{"who": "user", "text": "Say hello"}], "temperature": 0.5}
///     ← {"say": "Hel"}
///     ← {"say": "lo"}
///     ← {"done": "end", "read": 3, "wrote": 2}
public struct AcmeProvider: Provider {
    public struct Settings: SettingsReadable {
        public var baseURL: String
        public var apiKeys: [Secret]
        public var models: [String]

        public init(reading map: inout SettingsMap) {
            baseURL = map.requireBaseURL("base_url", example: "https://api.acme.example", help: "Where /v2/say is.")
            apiKeys = map.secretList("api_keys", example: "${ACME_API_KEY}", help: "One account per key.")
            models = map.stringList("models", default: ["acme-1"], help: "The models to offer.")
        }
    }

    public static let kind: PluginKind = "acme"
    /// A key of Acme's serves several requests at a time; without this it would be one.
    public static let defaultPool = AccountPoolState.Rules(maxInFlight: 8, cooldown: .seconds(60))

    private let settings: Settings
    private let context: ProviderContext

    public init(settings: Settings, context: ProviderContext) throws(GatewayError) {
        (self.settings, self.context) = (settings, context)
    }

    // MARK: - Accounts and models

    public var ownCredentials: [Credential] { Credential.accounts(ofKeys: settings.apiKeys) }

    public func problem(with credential: Credential) -> String? {
        credential["api_key"] == nil ? "the account has no api_key; its source must give a value of that name" : nil
    }

    public var offeredModels: [ModelInfo]? { settings.models.map { ModelInfo(id: $0, owner: "acme") } }

    // MARK: - Requests

    /// What cannot be carried whole is refused before an account is leased, never dropped: functions, media, formats
    /// and the like by what the models can do, and what only Acme cannot do by its own rule.
    public func refusal(of request: ModelRequest) -> GatewayError? {
        if let refusal = request.refusal(beyond: [.chat], kind: Self.kind) { return refusal }
        guard let temperature = request.sampling.temperature, temperature > 1 else { return nil }
        return GatewayError(.unsupported, .request, "acme's temperature goes from 0 to 1", param: "temperature")
    }

    /// What Acme has no dial for, by its name in the OpenAI format: the client is told.
    public func ignoredParameters(of request: ModelRequest) -> [String] {
        request.ignoredFields(besides: [.temperature, .maxTokens])
    }

    public func generate(
        _ request: ModelRequest, on lease: any AccountLease
    ) async throws(GatewayError) -> EventStream {
        let credential = lease.credential
        var sent = UpstreamRequest(
            .post, settings.baseURL + "/v2/say",
            fields: [
                "content-type": "application/json", "accept": "application/x-ndjson",
                "authorization": "Bearer \(credential["api_key"]?.reveal() ?? "")",
            ], body: body(for: request).bytes())
        sent.proxy = credential.proxy
        let response = try await context.http.send(sent)
        guard response.status == 200 else { throw await AcmeFailure.error(for: response, now: context.time.wallNow) }
        return EventStream(AcmeAnswer(response.body, model: request.resolvedModel))
    }

    private func body(for request: ModelRequest) -> JSON {
        let system = request.system.compactMap(Self.text).map { Self.line("system", $0) }
        let turns = request.turns.map { turn in
            Self.line(turn.role == .user ? "user" : "acme", turn.parts.compactMap(Self.text).joined(separator: "\n"))
        }
        var body = JSONObject([("model", .string(request.resolvedModel)), ("lines", .array(system + turns))])
        if let temperature = request.sampling.temperature { body["temperature"] = .number(JSONNumber(temperature)) }
        if let limit = request.sampling.maxOutputTokens { body["most"] = .number(JSONNumber(limit)) }
        return .object(body)
    }

    private static func line(_ who: String, _ text: String) -> JSON { ["who": .string(who), "text": .string(text)] }

    /// Thoughts of earlier answers help nobody here.
    private static func text(of part: Part) -> String? {
        switch part.content {
        case .text(let text), .refusal(let text): text
        case .reasoning, .media, .toolCall, .toolResult: nil
        }
    }
}
