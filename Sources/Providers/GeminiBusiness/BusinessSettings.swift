public import PolluxCore

/// The keys of a provider of kind `gemini-business`.
public struct GeminiBusinessSettings: SettingsReadable, Equatable {
    /// The web app: tokens are fetched here.
    public var authBase: String
    /// The chat API.
    public var apiBase: String
    /// The sign-in pages.
    public var accountsBase: String
    public var models: [BusinessModel]
    /// Sent for accounts that record none of their own.
    public var userAgent: String
    /// BCP-47.
    public var languageCode: String
    /// IANA name.
    public var timeZone: String
    /// Added to the clock in token claims.
    public var tokenClockOffset: Duration
    /// Lets every answer use web search.
    public var webGrounding: Bool
    /// Shows code that the model ran, and its output, as fenced blocks in the answer.
    public var showCode: Bool

    public init(reading map: inout SettingsMap) {
        let plainHTTP = map.boolean(
            "allow_plain_http", default: false, help: "allow http:// addresses that are not on this machine")
        authBase = Self.base(
            "auth_base", BusinessHost.webApp, &map, plainHTTP, help: "origin of the web app, where tokens come from")
        apiBase = Self.base("api_base", BusinessHost.chatAPI, &map, plainHTTP, help: "origin of the chat API")
        accountsBase = Self.base(
            "accounts_base", BusinessHost.accounts, &map, plainHTTP, help: "origin of the sign-in pages")
        let listed = map.list(
            "models", of: BusinessModel.self, help: "models to offer; left out, the usual text models")
        models = listed.isEmpty ? BusinessModel.standard : listed
        userAgent = map.string(
            "user_agent", default: Self.standardUserAgent, help: "sent for accounts that record none of their own")
        languageCode = map.string("language_code", default: "en", help: "language of answers and of upstream errors")
        timeZone = map.string("time_zone", default: "Etc/UTC", help: "time zone that the model is told")
        tokenClockOffset = .seconds(
            map.integer(
                "jwt_clock_offset_seconds", default: 0, in: -86_400...86_400,
                help: "added to this machine's clock in token claims"))
        webGrounding = map.boolean("web_grounding", default: true, help: "let every answer use web search")
        showCode = map.boolean("show_code", default: true, help: "show code that the model ran as fenced blocks")
        map.refuseUnreadKeys()
    }

    private static let standardUserAgent =
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36"

    private static func base(
        _ key: String, _ standard: String, _ map: inout SettingsMap, _ allowsPlainHTTP: Bool, help: String
    ) -> String {
        let text = map.url(key, default: standard, help: help)
        map.refusePlainHTTP(at: key, text, unless: allowsPlainHTTP)
        return text
    }
}

/// A model that the provider offers.
///
/// Source: Gemini Business protocol notes, section 5.2. The names age, so the list is a setting.
public struct BusinessModel: SettingsReadable, Equatable {
    /// As clients name it.
    public var id: String
    /// As the upstream names it; `nil` leaves the choice to the upstream.
    public var upstreamID: String?

    public init(id: String, upstreamID: String?) { (self.id, self.upstreamID) = (id, upstreamID) }

    public init(reading map: inout SettingsMap) {
        id = map.requireString("id", example: "gemini-2.5-pro", help: "the model's name for clients")
        let named = map.optionalString(
            "model_id", example: "gemini-2.5-pro",
            help: "the model's name at the upstream; left out, the same; auto lets the upstream choose")
        upstreamID = named == Self.automatic ? nil : named ?? id
    }

    private static let automatic = "auto"

    static let standard: [BusinessModel] =
        [BusinessModel(id: "gemini-auto", upstreamID: nil)]
        + [
            "gemini-2.5-flash", "gemini-2.5-pro", "gemini-3-flash-preview", "gemini-3-pro-preview",
            "gemini-3.1-pro-preview",
        ].map { BusinessModel(id: $0, upstreamID: $0) }
        // The name by which users of an older gateway know the same model.
        + [BusinessModel(id: "gemini-3.0-pro", upstreamID: "gemini-3-pro-preview")]
}
