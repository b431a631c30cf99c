public import PolluxCore
import PolluxCrypto

/// The invented chat service of Acme: `POST /v3/chat` answers with server-sent events, and its models call functions.
///
///     → {"model": "acme-chat-1", "talk": [{"who": "user", "text": "What time is it?"}],
///        "functions": [{"name": "clock", "about": "The time", "input": {…}}], "use": "free"}
///     ← event: text    data: {"text": "Let me see."}
///     ← event: call    data: {"id": "c1", "function": "clock"}
///     ← event: input   data: {"json": "{\"zone\":"}
///     ← event: end     data: {"why": "calls", "read": 12, "wrote": 7}
public struct AcmeChatProvider: Provider {
    public struct Settings: SettingsReadable {
        public var baseURL: String
        public var apiKeys: [Secret]

        public init(reading map: inout SettingsMap) {
            baseURL = map.requireBaseURL("base_url", example: "https://api.acme.example", help: "Where /v3/chat is.")
            apiKeys = map.secretList("api_keys", example: "${ACME_API_KEY}", help: "One account per key.")
        }
    }

    public static let kind: PluginKind = "acme-chat"
    public static let defaultPool = AccountPoolState.Rules(maxInFlight: 8, cooldown: .seconds(60))

    private let settings: Settings
    private let context: ProviderContext

    public init(settings: Settings, context: ProviderContext) throws(GatewayError) {
        (self.settings, self.context) = (settings, context)
    }

    public var ownCredentials: [Credential] { Credential.accounts(ofKeys: settings.apiKeys) }

    public func problem(with credential: Credential) -> String? {
        credential["api_key"] == nil ? "the account has no api_key; its source must give a value of that name" : nil
    }

    /// Capabilities decide what is refused: here media, JSON output, several answers and hosted tools.
    public var offeredModels: [ModelInfo]? {
        [ModelInfo(id: "acme-chat-1", owner: "acme", capabilities: [.chat, .tools])]
    }

    /// The chat has no dials but the limit on tokens.
    public func ignoredParameters(of request: ModelRequest) -> [String] {
        request.ignoredFields(besides: [.maxTokens])
    }

    public func generate(
        _ request: ModelRequest, on lease: any AccountLease
    ) async throws(GatewayError) -> EventStream {
        let credential = lease.credential
        var sent = UpstreamRequest(
            .post, settings.baseURL + "/v3/chat",
            fields: [
                "content-type": "application/json", "accept": "text/event-stream",
                "authorization": "Bearer \(credential["api_key"]?.reveal() ?? "")",
            ], body: AcmeChatRequest.body(of: request).bytes())
        sent.proxy = credential.proxy
        let response = try await context.http.send(sent)
        // The status says what it means for the client and the account; {"error": {"message", "type"}} is for the log.
        guard response.status == 200 else { throw await response.failure(now: context.time.wallNow) }
        return EventStream(
            SSEAnswer(response.body, AcmeChatDecoder(model: request.resolvedModel), time: context.time))
    }
}
