import PolluxCore

/// A cut of the gateway's settings that uses every accessor; the fixtures are written against it.
struct SampleSettings: SettingsReadable {
    var server: Server
    var adminKey: Secret?
    var keys: [ClientKey]
    var providers: [Provider]
    var models: [Model]

    init(reading map: inout SettingsMap) {
        server = map.map("server", as: Server.self, help: "Where and how the gateway listens.")
        adminKey = map.map("admin", help: "The operator's access.") { admin in
            admin.optionalSecret("key", example: "${ADMIN_KEY}", help: "The key of the admin API.")
        }
        keys = map.list("keys", of: ClientKey.self, help: "Client keys from the file.")
        providers = map.list("providers", of: Provider.self, help: "Upstreams, in the order of preference.")
        models = map.list("models", of: Model.self, help: "Client's model names and their targets.")
        map.refuseUnreadKeys()
    }

    struct Server: SettingsReadable {
        var listen: ListenAddress
        var loops: Int?
        var publicURL: String?
        var headerTimeout: Duration
        var maxBodyBytes: Int
        var trustedProxies: [String]
        var extraHeaders: [String: String]

        init(reading map: inout SettingsMap) {
            listen = map.listenAddress(
                "listen", default: ListenAddress(host: "127.0.0.1", port: 7860), help: "The address to listen on.")
            loops = map.value(
                "loops", SettingsType.integer(in: 1...64).orWord("auto"), default: nil,
                help: "Event loops; auto is one per core.")
            publicURL = map.value(
                "public_url", SettingsType.url().orWord("auto"), default: nil, help: "The gateway as clients see it.")
            headerTimeout = map.duration(
                "header_timeout", default: .seconds(10), in: .seconds(1)...(.seconds(600)),
                help: "A request's header must arrive within.")
            maxBodyBytes = map.size(
                "max_body_bytes", default: 32 << 20, in: 1024...(1 << 30), help: "The longest request body.")
            trustedProxies = map.oneOrMany("trusted_proxies", help: "Addresses whose forwarding headers count.")
            extraHeaders = map.stringMap("extra_headers", help: "Added to every response.")
            map.refuseUnreadKeys()
        }
    }

    struct ClientKey: SettingsReadable {
        var name: String
        var key: Secret
        var models: [String]

        init(reading map: inout SettingsMap) {
            name = map.requireString("name", example: "default", help: "For logs and limits.")
            key = map.secret("key", example: "${API_KEY}", help: "What the client sends.")
            models = map.stringList("models", default: ["*"], help: "Patterns of model names it may use.")
            map.refuseUnreadKeys()
        }
    }

    struct Provider: SettingsReadable {
        enum Kind: String, CaseIterable {
            case geminiWeb = "gemini-web"
            case geminiBusiness = "gemini-business"
            case openAICompatible = "openai-compatible"
        }

        var name: String
        var kind: Kind
        var baseURL: String?
        var apiKeys: [Secret]
        var turnTimeout: Duration
        var maxInFlightPerAccount: Int
        var allowPlainHTTP: Bool
        var retryBudget: Double
        var pool: Pool

        init(reading map: inout SettingsMap) {
            name = map.requireString("name", example: "web", help: "The name in logs and routes.")
            kind = map.requireChoice("kind", example: .geminiWeb, help: "The sort of upstream.")
            baseURL = map.optionalURL(
                "base_url", example: "https://upstream.example/v1", help: "Replaces the upstream's address.")
            apiKeys = map.secretList("api_keys", example: "${GEMINI_API_KEY}", help: "The upstream's keys.")
            turnTimeout = map.duration(
                "turn_timeout", default: .seconds(120), in: .seconds(1)...(.seconds(600)),
                help: "The longest time of one turn.")
            maxInFlightPerAccount = map.integer(
                "max_in_flight_per_account", default: 2, in: 1...32, help: "Turns at once on one account.")
            allowPlainHTTP = map.boolean("allow_plain_http", default: false, help: "Accept http:// upstreams.")
            retryBudget = map.number("retry_budget", default: 0.2, in: 0...1, help: "Retries per request.")
            pool = map.map("pool", as: Pool.self, help: "How accounts are chosen.")
            if kind == .openAICompatible, !map.contains("base_url") {
                map.issue("an openai-compatible provider needs base_url")
            }
            map.refuseUnreadKeys()
        }
    }

    struct Pool: SettingsReadable {
        enum Strategy: String, CaseIterable {
            case roundRobin = "round-robin"
            case leastInFlight = "least-in-flight"
        }

        var strategy: Strategy
        var cooldown: Duration

        init(reading map: inout SettingsMap) {
            strategy = map.choice("strategy", default: .roundRobin, help: "The choice among ready accounts.")
            cooldown = map.duration(
                "cooldown", default: .seconds(600), in: .zero...(.seconds(86_400)), help: "The rest after a limit.")
            map.refuseUnreadKeys()
        }
    }

    struct Model: SettingsReadable {
        var id: String
        var targets: [String]

        init(reading map: inout SettingsMap) {
            id = map.requireString("id", example: "gemini-2.5-pro", help: "The client's name.")
            targets = map.require(
                "targets", .list(of: .string), example: ["web/gemini-2.5-pro"], help: "provider/model, in order.")
            map.refuseUnreadKeys()
        }
    }
}
