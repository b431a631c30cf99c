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
    /// Endings by which every model is offered with another tool as well: `-search`.
    public var suffixes: [BusinessTool: String]
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
    /// How long a session can be gone on with after its last answer; zero begins a new one for each request.
    public var sessionTTL: Duration
    /// Sessions that are not gone on with any more are deleted at the upstream.
    public var deletesSessions: Bool
    /// Of one file, before Base64.
    public var maxUploadBytes: Int
    /// Who fetches what clients name by URL.
    public var remoteFetch: RemoteFetch

    public enum RemoteFetch: String, Sendable, CaseIterable {
        /// The gateway does, by its own rules, and uploads the bytes.
        case gateway
        /// The upstream is told the URL.
        case upstream
    }

    public init(reading map: inout SettingsMap) {
        let plainHTTP = map.boolean(
            "allow_plain_http", default: false, help: "allow http:// addresses that are not on this machine")
        authBase = Self.base(
            "auth_base", BusinessHost.webApp, &map, plainHTTP, help: "origin of the web app, where tokens come from")
        apiBase = Self.base("api_base", BusinessHost.chatAPI, &map, plainHTTP, help: "origin of the chat API")
        accountsBase = Self.base(
            "accounts_base", BusinessHost.accounts, &map, plainHTTP, help: "origin of the sign-in pages")
        let listed = map.list(
            "models", of: BusinessModel.self, help: "models to offer; left out, the usual ones")
        models = listed.isEmpty ? BusinessModel.standard : listed
        suffixes = Self.suffixes(&map)
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
        sessionTTL = map.duration(
            "session_ttl", default: .seconds(3600), in: .zero...(.seconds(86_400)),
            help: "how long a conversation goes on in its session; 0s begins a new one for each request")
        deletesSessions = map.boolean(
            "delete_sessions", default: false, help: "delete sessions at the upstream once they are not gone on with")
        maxUploadBytes = map.size(
            "max_upload_bytes", default: 20 << 20, in: 1024...(100 << 20), help: "largest file sent to the upstream")
        remoteFetch = map.choice(
            "remote_fetch", default: RemoteFetch.gateway, help: "who fetches URLs in requests: gateway or upstream")
        map.refuseUnreadKeys()
    }

    private static func suffixes(_ map: inout SettingsMap) -> [BusinessTool: String] {
        let words = map.stringList(
            "model_suffixes", help: "offer each model with these endings too: search, image, video")
        var suffixes: [BusinessTool: String] = [:]
        for word in words {
            guard let tool = word == "search" ? .web : word == "web" ? nil : BusinessTool(rawValue: word) else {
                map.issue(at: "model_suffixes", "\"\(word)\" is no such ending; use search, image or video")
                continue
            }
            suffixes[tool] = "-" + word
        }
        return suffixes
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
