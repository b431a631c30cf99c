public import PolluxCore

/// One upstream that speaks the OpenAI format.
public struct OpenAICompatibleSettings: SettingsReadable {
    /// Which field carries the limit on tokens: servers know the old name, OpenAI's own newer models only the new one.
    public enum TokenLimitField: String, Sendable, CaseIterable {
        case maxTokens = "max_tokens"
        case maxCompletionTokens = "max_completion_tokens"
    }

    /// Without a slash at the end: `http://127.0.0.1:11434/v1`.
    public var baseURL: String
    public var apiKeys: [Secret]
    /// Offered without asking the upstream; empty asks `GET {base_url}/models`.
    public var models: [String]
    /// Calls the upstream streaming, whatever the client wanted, so that its deadlines see progress.
    public var stream: Bool
    /// Asks for the usage at a stream's end; for servers that refuse the field it can be switched off.
    public var streamOptions: Bool
    public var tokenLimitField: TokenLimitField
    public var passUnknownFields: Bool
    public var maxEventBytes: Int
    /// Other accounts than those of `apiKeys` belong to this provider.
    public var hasCredentialSources: Bool

    public init(baseURL: String, apiKeys: [Secret] = [], models: [String] = []) {
        (self.baseURL, self.apiKeys, self.models) = (baseURL, apiKeys, models)
        (stream, streamOptions, tokenLimitField) = (true, true, .maxTokens)
        (passUnknownFields, maxEventBytes, hasCredentialSources) = (false, 64 << 20, false)
    }

    public init(reading map: inout SettingsMap) {
        baseURL = map.requireBaseURL(
            "base_url", example: "http://127.0.0.1:11434/v1", help: "where the upstream's /chat/completions is")
        apiKeys = map.secretList(
            "api_keys", example: "${UPSTREAM_API_KEY}", help: "one account per key; none for a server without keys")
        models = map.stringList("models", help: "model ids to offer; without them the upstream is asked")
        stream = map.boolean("stream", default: true, help: "call the upstream streaming")
        streamOptions = map.boolean(
            "stream_options", default: true, help: "send stream_options.include_usage, which gives exact token counts")
        tokenLimitField = map.choice(
            "token_limit_field", default: .maxTokens, help: "the name of the token limit that the upstream knows")
        passUnknownFields = map.boolean(
            "pass_unknown_fields", default: false, help: "send fields on that the gateway does not know")
        maxEventBytes = map.size(
            "max_event_bytes", default: 64 << 20, in: 1024...(1 << 30), help: "limit for one event of a stream")
        hasCredentialSources = map.contains("credentials")
    }
}
