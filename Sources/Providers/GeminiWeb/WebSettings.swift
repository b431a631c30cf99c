public import PolluxCore

/// The keys of a provider of kind `gemini-web`.
public struct GeminiWebSettings: SettingsReadable, Equatable {
    /// One origin in place of every host of the upstream.
    public var baseURL: String?
    /// Instead of asking the upstream; empty asks it.
    public var models: [WebModel]
    /// Further names for clients, each for the name of a model.
    public var aliases: [String: String]
    /// Sent for accounts that record none of their own.
    public var userAgent: String
    /// `nil` takes the account's own.
    public var language: String?
    /// For accounts that say nothing themselves.
    public var cookieScope: WebCookieScope
    /// For accounts that say nothing themselves.
    public var history: WebHistory
    /// How old cookies may grow before they are renewed.
    public var rotationInterval: Duration
    /// Longer prompts are refused: the upstream would cut them without a word.
    public var maxPromptBytes: Int
    /// How long a chat can be gone on with after its latest answer; zero begins each request in a new one.
    public var chatTTL: Duration

    public init(reading map: inout SettingsMap) {
        let plainHTTP = map.boolean(
            "allow_plain_http", default: false, help: "allow an http:// base_url that is not on this machine")
        baseURL = map.optionalURL(
            "base_url", example: "http://127.0.0.1:8099",
            help: "one origin that replaces every host of the upstream; left out, the real hosts")
        models = map.list(
            "models", of: WebModel.self, help: "models to offer; left out, each account's own, asked for")
        aliases = map.stringMap(
            "aliases", default: Self.standardAliases,
            help: "further names for clients; the web app has one version of each model at a time")
        userAgent = map.string(
            "user_agent", default: Self.standardUserAgent, help: "sent for accounts that record none of their own")
        language = map.optionalString("language", example: "en", help: "language of answers; left out, the account's")
        cookieScope = map.choice(
            "cookie_scope", default: .essential, help: "which cookies of an account are sent, unless it says so itself")
        history = map.choice(
            "history", default: .stored,
            help: "whether chats stay in the account's history, unless it says so itself; temporary ones cannot be"
                + " continued, nor finished after a break")
        rotationInterval = map.duration(
            "rotation_interval", default: .seconds(600), in: .seconds(60)...(.seconds(86_400)),
            help: "how old cookies may grow before they are renewed")
        maxPromptBytes = map.size(
            "max_prompt_bytes", default: 120_000, in: 1000...(16 << 20),
            help: "longer conversations are refused: the upstream would cut them silently")
        chatTTL = map.duration(
            "chat_ttl", default: .seconds(900), in: .zero...(.seconds(86_400)),
            help: "how long a conversation goes on in its chat at the upstream; 0s begins each request in a new chat")
        if let baseURL { map.refusePlainHTTP(at: "base_url", baseURL, unless: plainHTTP) }
        map.refuseUnreadKeys()
    }

    /// Names that users of older gateways know.
    private static let standardAliases = [
        "gemini-2.5-flash": "gemini-flash", "gemini-2.5-pro": "gemini-pro", "gemini-3-flash-preview": "gemini-flash",
        "gemini-3-pro-preview": "gemini-pro", "gemini-3.0-pro": "gemini-pro",
    ]

    private static let standardUserAgent =
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36"
}

/// Which cookies of an account are sent.
public enum WebCookieScope: String, Sendable, CaseIterable {
    /// The three that a session needs.
    case essential
    /// Every one that came with the account.
    case full
}

/// What becomes of the chats that requests open.
public enum WebHistory: String, Sendable, CaseIterable {
    /// They stay in the account's history, can be continued and be read back.
    case stored
    case temporary
}
