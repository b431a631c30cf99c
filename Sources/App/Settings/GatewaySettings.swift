import PolluxCore
import PolluxStorage

/// A whole settings file, typed. Reading reports every problem; nothing here does I/O.
struct GatewaySettings: Sendable {
    var server: ServerSettings
    var state: StateSettings
    var adminKey: Secret?
    var auth: AuthSettings
    var cors: CORSSettings
    var log: LogSettings
    var metrics: MetricsSettings
    var outbound: OutboundSettings
    var media: MediaSettings
    var retry: RetrySettings
    var queue: QueueSettings
    var conversations: ConversationSettings
    var drain: DrainSettings
    var keys: [ClientKeySettings]
    var limits: LimitSet
    var rateLimit: RateLimitSettings
    var credentialSources: [SourceEntry]
    var providers: [ProviderEntry]
    var models: [ModelRoute]
    var modelsDefault: DefaultModels
    var frontends: [FrontendEntry]
    var notify: [NotifyChannelSettings]

    init(reading map: inout SettingsMap, registry: PluginRegistry) {
        server = map.map("server", as: ServerSettings.self, help: "The HTTP server that clients talk to.")
        state = map.map("state", as: StateSettings.self, help: "Where the gateway keeps its files.")
        adminKey = map.map("admin", as: AdminSettings.self, help: "The operator's own access.").key
        auth = map.map("auth", as: AuthSettings.self, help: "Who may call.")
        cors = map.map("cors", as: CORSSettings.self, help: "Browser pages of other origins.")
        log = map.map("log", as: LogSettings.self, help: "What is written down.")
        metrics = map.map("metrics", as: MetricsSettings.self, help: "Figures for Prometheus, at `/metrics`.")
        outbound = map.map("outbound", as: OutboundSettings.self, help: "How upstreams are reached.")
        media = map.map("media", as: MediaSettings.self, help: "Images, sound, films and files, in and out.")
        retry = map.map("retry", as: RetrySettings.self, help: "Second attempts, before the first byte only.")
        queue = map.map("queue", as: QueueSettings.self, help: "Waiting for an account that is busy.")
        conversations = map.map(
            "conversations", as: ConversationSettings.self,
            help: "Sending a conversation back to the account that served it.")
        drain = map.map("drain", as: DrainSettings.self, help: "What happens at SIGTERM.")
        keys = readKeys(&map, adminKey: adminKey)
        limits = map.map("limits", as: GlobalLimitSettings.self, help: "What all clients together may ask.").limits
        rateLimit = map.map("rate_limit", as: RateLimitSettings.self, help: "Where limits are counted.")
        credentialSources = readSources(&map, registry)
        providers = readProviders(&map, registry)
        let routes = readRoutes(&map)
        models = routes.map(\.route)
        modelsDefault = map.map(
            "models_default", as: DefaultModels.self, help: "What is taken when a request names no model.")
        frontends = readFrontends(&map, registry)
        notify = NotifySettings.read(&map)
        checkReferences(routes)
        checkExposure(map)
    }

    /// Names that lead nowhere.
    private func checkReferences(_ routes: [(route: ModelRoute, map: SettingsMap)]) {
        let sources = Set(credentialSources.map(\.name))
        for provider in providers {
            for name in provider.common.credentials where !sources.contains(name) {
                let hint = nearest(to: name, among: sources).map { "; did you mean \"\($0)\"?" } ?? ""
                provider.map.issue(at: "credentials", "no credential source is called \"\(name)\"\(hint)")
            }
        }
        let names = Set(providers.map(\.name))
        for (route, map) in routes {
            for target in route.targets where !names.contains(target.provider) {
                let hint = nearest(to: target.provider, among: names).map { "; did you mean \"\($0)\"?" } ?? ""
                map.issue(at: "targets", "no provider is called \"\(target.provider)\"\(hint)")
            }
        }
    }

    /// C-2: beyond loopback the gateway is never open.
    private func checkExposure(_ map: SettingsMap) {
        if let adminKey, adminKey.reveal().utf8.count < 24 {
            map.issue(
                at: "admin", "the admin key is shorter than 24 characters; `pollux init` writes a file with a good one",
                severity: server.listen.isLoopback ? .warning : .error)
        }
        guard !server.listen.isLoopback else { return }
        if adminKey == nil {
            map.issue(at: "server", "listening on \(server.listen) needs admin.key; or listen on 127.0.0.1")
        }
        if keys.isEmpty, auth.clients == .keys {
            map.issue(at: "server", "listening on \(server.listen) needs an entry under keys:; or listen on 127.0.0.1")
        }
    }
}

/// `state:`
struct StateSettings: SettingsReadable {
    var folder: String
    var encryptionKey: Secret?
    var decrypts: Bool
    var recordsRequests: Bool
    var keepRequests: Duration
    var keepUsage: Duration
    var keepAudit: Duration

    init(reading map: inout SettingsMap) {
        folder = map.string(
            "folder", default: "data", help: "Made when missing, for this user alone; one gateway per folder.")
        if folder.isEmpty { map.issue(at: "folder", "the folder has no name; write one, such as data") }
        encryptionKey = map.optionalSecret(
            "encryption_key", example: "${STATE_KEY}",
            help: "Encrypts secrets in the files with AES-256-GCM: 32 bytes as 64 hexadecimal digits or Base64.")
        if let encryptionKey, EncryptionKey.bytes(of: encryptionKey) == nil {
            map.issue(
                at: "encryption_key",
                "this is not a key of 32 bytes as 64 hexadecimal digits or Base64; `openssl rand -hex 32` makes one")
        }
        decrypts = map.boolean(
            "decrypt", default: false,
            help: "Takes the encryption away at the next start; leave out `encryption_key` after that.")
        if decrypts, encryptionKey == nil {
            map.issue(
                at: "decrypt", "decrypting needs state.encryption_key once more; without encryption, leave this out")
        }
        recordsRequests = map.boolean(
            "record_requests", default: true,
            help: "Writes down what each request was (no text of it) and counts it; `usage` is made from that.")
        keepRequests = map.duration(
            "keep_requests", default: .seconds(30 * 86_400), in: .seconds(3600)...(.seconds(365 * 86_400)),
            help: "How long the log of requests and of account states is kept.")
        keepUsage = map.duration(
            "keep_usage", default: .seconds(365 * 86_400), in: .seconds(86_400)...(.seconds(3650 * 86_400)),
            help: "How long counts by the hour are kept.")
        keepAudit = map.duration(
            "keep_audit", default: .seconds(365 * 86_400), in: .seconds(86_400)...(.seconds(3650 * 86_400)),
            help: "How long the log of changes through the admin API is kept.")
    }
}

/// `admin:`
private struct AdminSettings: SettingsReadable {
    var key: Secret?

    init(reading map: inout SettingsMap) {
        key = map.optionalSecret(
            "key", example: "${ADMIN_KEY}", help: "The operator's key, at least 24 characters beyond loopback.")
    }
}

/// `auth:`
struct AuthSettings: SettingsReadable {
    enum Clients: String, CaseIterable, Sendable { case keys, open }
    enum QueryKey: String, CaseIterable, Sendable { case always, gemini, never }
    var clients: Clients
    var allowQueryKey: QueryKey

    init(reading map: inout SettingsMap) {
        clients = map.choice(
            "clients", default: Clients.keys, help: "`open` lets everybody in who reaches the port.")
        allowQueryKey = map.choice(
            "allow_query_key", default: QueryKey.gemini, help: "Where `?key=` in the URL counts as a client key.")
    }
}

/// `cors:`
struct CORSSettings: SettingsReadable {
    var allowedOrigins: [String]

    init(reading map: inout SettingsMap) {
        allowedOrigins = map.stringList(
            "allowed_origins", help: "Exact origins, such as `https://chat.example.org`; none by default.")
        for origin in allowedOrigins where !Self.isOrigin(origin) {
            map.issue(
                at: "allowed_origins", "\"\(origin)\" is not an origin; write it like https://chat.example.org")
        }
    }

    /// Scheme, host and perhaps a port: a browser sends no path, so one with a slash would never match.
    private static func isOrigin(_ text: String) -> Bool {
        for scheme in ["https://", "http://"] where text.hasPrefix(scheme) {
            let host = text.dropFirst(scheme.count)
            return !host.isEmpty && !host.contains("/")
        }
        return false
    }
}

/// `log:`
struct LogSettings: SettingsReadable {
    enum Format: String, CaseIterable, Sendable { case auto, text, json }
    var level: Logger.Level
    var format: Format
    var file: String?

    init(reading map: inout SettingsMap) {
        level = map.choice("level", default: Logger.Level.info, help: "The least important level that is written.")
        format = map.choice(
            "format", default: Format.auto, help: "`auto` writes text on a terminal and JSON elsewhere.")
        file = map.optionalString(
            "file", example: "pollux.log", help: "Instead of standard error; rotated at 50 MiB, five files kept.")
    }
}

/// `outbound:`
struct OutboundSettings: SettingsReadable {
    var proxy: Secret?
    var noProxy: [String]

    init(reading map: inout SettingsMap) {
        proxy = ProxySetting.read(&map)
        noProxy = map.stringList("no_proxy", help: "Hosts that are reached without the proxy.")
    }
}

/// A `proxy:` key; its value may hold a password, so it is a secret.
enum ProxySetting {
    static func read(_ map: inout SettingsMap) -> Secret? {
        let help = "Proxy for upstreams: `http://`, `https://`, `socks5://` or `socks5h://`, user info allowed."
        guard let proxy = map.optionalString("proxy", example: "http://127.0.0.1:3128", help: help) else { return nil }
        let schemes = ["http://", "https://", "socks5://", "socks5h://"]
        if !schemes.contains(where: proxy.hasPrefix) {
            map.issue(at: "proxy", "a proxy begins with http://, https://, socks5:// or socks5h://")
        }
        return Secret(proxy)
    }
}

/// `retry:`
struct RetrySettings: SettingsReadable {
    var policy: RetryPolicy

    init(reading map: inout SettingsMap) {
        let maxRetries = map.integer(
            "max_retries", default: 2, in: 0...10, help: "Attempts beyond the first, over all accounts and providers.")
        let budget = map.number(
            "budget", default: 0.2, in: 0...1, help: "Retries a provider may cost, as a share of its requests.")
        policy = RetryPolicy(maxRetries: maxRetries, budgetRatio: budget)
    }
}

/// `queue:`
struct QueueSettings: SettingsReadable {
    var rules: QueueRules

    init(reading map: inout SettingsMap) {
        let maxWait = map.duration(
            "max_wait", default: .seconds(30), in: .zero...(.seconds(3600)),
            help: "How long a request waits for a busy account; `0s` refuses at once.")
        let maxDepth = map.integer(
            "max_depth", default: 100, in: 0...100_000, help: "Requests that may wait for one provider.")
        rules = QueueRules(maxWait: maxWait, maxDepth: maxDepth)
    }
}

/// `conversations:`
struct ConversationSettings: SettingsReadable {
    var rules: ConversationRules

    init(reading map: inout SettingsMap) {
        let timeToLive = map.duration(
            "ttl", default: .seconds(3600), in: .seconds(1)...(.seconds(604_800)),
            help: "How long after its last answer a conversation is remembered.")
        let maxEntries = map.integer(
            "max_entries", default: 10_000, in: 0...1_000_000,
            help: "Above this the oldest are forgotten; 0 remembers none.")
        rules = ConversationRules(timeToLive: timeToLive, maxEntries: maxEntries)
    }
}

/// `drain:`
struct DrainSettings: SettingsReadable {
    var delay: Duration
    var timeout: Duration

    init(reading map: inout SettingsMap) {
        delay = map.duration(
            "delay", default: .zero, in: .zero...(.seconds(30)),
            help: "Between turning unready and closing the port, for load balancers.")
        timeout = map.duration(
            "timeout", default: .seconds(30), in: .zero...(.seconds(3600)), help: "For running answers to end.")
    }
}

/// Names, and the keys themselves, are unique; none is the admin key.
private func readKeys(_ map: inout SettingsMap, adminKey: Secret?) -> [ClientKeySettings] {
    var names: Set<String> = []
    var secrets: Set<Secret> = []
    return map.list("keys", help: "Client keys. Without one, every request is refused.") { entry in
        let key = ClientKeySettings(reading: &entry)
        if !names.insert(key.name).inserted {
            entry.issue(at: "name", "two keys are called \"\(key.name)\"; rename one")
        }
        if key.key.isEmpty { return key }
        if !secrets.insert(key.key).inserted {
            entry.issue(at: "key", "another entry has the same key; give each client its own")
        }
        if key.key == adminKey { entry.issue(at: "key", "this is the admin key; a client needs a key of its own") }
        return key
    }
}

/// - Returns: Each with its place in the file, for problems that only the whole file shows.
private func readRoutes(_ map: inout SettingsMap) -> [(route: ModelRoute, map: SettingsMap)] {
    var ids: Set<String> = []
    return map.list("models", help: "Names of your own for models.") { entry in
        let route = ModelRouteSettings(reading: &entry).route
        if !ids.insert(route.id).inserted {
            entry.issue(at: "id", "two entries are called \"\(route.id)\"; put their targets into one")
        }
        return (route, entry)
    }
}

/// One of `keys:`
struct ClientKeySettings: SettingsReadable {
    var name: String
    var key: Secret
    var models: [String]
    var limits: LimitSet
    var expiresAt: WallTime?
    var mayExplain: Bool

    init(reading map: inout SettingsMap) {
        name = map.requireString("name", example: "default", help: "Shown in logs; unique.")
        key = map.secret("key", example: "${API_KEY}", help: "What clients send. `pollux init` makes a good one.")
        models = map.stringList(
            "models", default: ["*"], help: "Models this key may use; `*` at the end of a name matches any rest.")
        limits = map.limitSet("limits", help: "What this key may ask; one mapping, or a list of several.")
        expiresAt = map.optional(
            "expires_at", .time, example: WallTime(rfc3339: "2030-12-31T18:00:00Z"),
            help: "From then on the key opens nothing.")
        mayExplain = map.boolean(
            "explain", default: false, help: "May ask with `x-pollux-explain: 1` how its requests were routed.")
    }

    var clientKey: ClientKey {
        ClientKey(
            name: name, key: key, models: models, limits: limits, expiresAt: expiresAt, mayExplain: mayExplain)
    }
}

extension SettingsType where Value == WallTime {
    /// A point in time, RFC 3339.
    static var time: SettingsType {
        custom("time (2030-12-31T18:00:00Z)", write: \.rfc3339Text) { text throws(SettingsProblem) in
            guard let time = WallTime(rfc3339: text) else {
                throw SettingsProblem("\"\(text)\" is not a time; write it like 2030-12-31T18:00:00Z")
            }
            return time
        }
    }
}

/// One of `models:`
private struct ModelRouteSettings: SettingsReadable {
    var route: ModelRoute

    init(reading map: inout SettingsMap) {
        let id = map.requireString("id", example: "my-model", help: "The name that clients use.")
        let written = map.require(
            "targets", .list(of: .string), example: ["openai-compatible/my-model"],
            help: "`provider/model`, in the order in which they are tried.")
        let texts = map.contains("targets") ? written : []
        var targets: [RouteTarget] = []
        for text in texts {
            let parts = text.split(separator: "/", maxSplits: 1)
            if parts.count == 2 {
                let target = RouteTarget(provider: String(parts[0]), model: String(parts[1]))
                if targets.contains(target) {
                    map.issue(
                        at: "targets", "\"\(text)\" stands here twice; each target is tried once, so name it once")
                }
                targets.append(target)
            } else {
                map.issue(at: "targets", "\"\(text)\" is not of the form provider/model")
            }
        }
        if map.contains("targets"), texts.isEmpty {
            map.issue(at: "targets", "a model needs at least one target, such as [local/\(id)]")
        }
        route = ModelRoute(id: id, targets: targets)
    }
}
