public import PolluxCore

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
            baseURL = map.requireURL("base_url", example: "https://api.acme.example", help: "Where /v2/say is.")
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

    public var ownCredentials: [Credential] {
        settings.apiKeys.enumerated().map { number, key in
            Credential(accountID: "key-\(number + 1)", values: ["api_key": key])
        }
    }

    public func problem(with credential: Credential) -> String? {
        credential["api_key"] == nil ? "the account has no api_key; its source must give a value of that name" : nil
    }

    public var offeredModels: [ModelInfo]? { settings.models.map { ModelInfo(id: $0, owner: "acme") } }

    // MARK: - Requests

    /// What cannot be carried whole is refused before an account is leased, never dropped.
    public func refusal(of request: ModelRequest) -> GatewayError? {
        let isText = (request.system + request.turns.flatMap(\.parts)).allSatisfy { Self.text(of: $0) != nil }
        if request.needs.isEmpty, request.hostedTools.isEmpty, isText { return nil }
        return GatewayError(.unsupported, .request, "acme turns text into text; leave out tools, media and formats")
    }

    /// What Acme has no dial for, by its name in the OpenAI format: the client is told.
    public func ignoredParameters(of request: ModelRequest) -> [String] {
        let asked = request.sampling
        return [("top_p", asked.topP != nil), ("stop", !asked.stop.isEmpty), ("seed", asked.seed != nil)]
            .filter(\.1).map(\.0)
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
        guard response.status == 200 else { throw await AcmeFailure.error(for: response) }
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

    private static func text(of part: Part) -> String? {
        if case .text(let text) = part.content { text } else { nil }
    }
}
