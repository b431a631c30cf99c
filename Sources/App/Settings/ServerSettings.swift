import PolluxCore

/// `server:`
struct ServerSettings: SettingsReadable {
    var listen: ListenAddress
    var pathPrefix: String
    var publicURL: String?
    var loops: Int
    var headerTimeout: Duration
    var bodyTimeout: Duration
    var idleTimeout: Duration
    var writeTimeout: Duration
    var maxRequestLine: Int
    var maxHeaderBytes: Int
    var maxBodyBytes: Int
    var maxConnections: Int
    var maxConnectionsPerIP: Int
    var maxInFlight: Int
    var trustedProxies: [String]
    var allowedHosts: [String]
    var pidFile: String?
    var serverTiming: Bool

    init(reading map: inout SettingsMap) {
        listen = map.listenAddress(
            "listen", default: ListenAddress(host: "127.0.0.1", port: 7860),
            help: "Address and port. Beyond loopback an admin key and a client key are required.")
        pathPrefix = map.string(
            "path_prefix", default: "", help: "Everything is also served below this path segment, such as `pollux`.")
        publicURL = Self.publicURL(&map)
        loops = Self.loops(&map)
        headerTimeout = map.duration(
            "header_timeout", default: .seconds(10), help: "For a whole request head, from its first byte.")
        bodyTimeout = map.duration(
            "body_timeout", default: .seconds(15), help: "For a request body, plus 1 s for each 64 KiB of it.")
        idleTimeout = map.duration(
            "idle_timeout", default: .seconds(60), help: "How long an idle connection stays open.")
        writeTimeout = map.duration(
            "write_timeout", default: .seconds(30), help: "A client that takes no byte for so long is cut off.")
        maxRequestLine = map.size(
            "max_request_line", default: 8 << 10, in: 256...(64 << 10), help: "Longest request line (414 above).")
        maxHeaderBytes = map.size(
            "max_header_bytes", default: 32 << 10, in: 1024...(1 << 20), help: "Largest request head (431 above).")
        maxBodyBytes = map.size(
            "max_body_bytes", default: 32 << 20, in: 1024...(1 << 30), help: "Largest request body (413 above).")
        maxConnections = map.integer(
            "max_connections", default: 1024, in: 1...1_000_000, help: "Open connections; more get a 503.")
        maxConnectionsPerIP = map.integer(
            "max_connections_per_ip", default: 64, in: 1...1_000_000,
            help: "Open connections of one address; loopback is exempt.")
        maxInFlight = map.integer(
            "max_in_flight", default: 512, in: 1...1_000_000, help: "Requests being answered; more get a 503.")
        trustedProxies = map.stringList(
            "trusted_proxies", help: "Addresses of reverse proxies whose X-Forwarded-For is believed.")
        allowedHosts = map.stringList(
            "allowed_hosts",
            help: "Names under which the admin API is reached while listening on loopback, beside `localhost`.")
        for proxy in trustedProxies where proxy.contains("/") {
            map.issue(at: "trusted_proxies", "\"\(proxy)\" is a range; write the address of each proxy, like 10.0.0.7")
        }
        pidFile = map.optionalString("pid_file", example: "/run/pollux.pid", help: "Where to write the process id.")
        serverTiming = map.boolean(
            "server_timing", default: false,
            help: "Answers carry `server-timing`: how long they waited, and how long the upstream took.")
        checkPathPrefix(map)
    }

    /// The prefix as it stands before a path: empty or `/name`.
    var mount: String { pathPrefix.isEmpty ? "" : "/" + pathPrefix }

    /// - Returns: Without a slash at its end; `nil` for `auto`.
    private static func publicURL(_ map: inout SettingsMap) -> String? {
        let text = map.string(
            "public_url", default: "auto",
            help: "Address under which clients reach the gateway, for links to media; `auto` takes the request's own.")
        if text == "auto" { return nil }
        guard text.hasPrefix("https://") || text.hasPrefix("http://"), !text.utf8.contains(where: { $0 <= 0x20 }),
            !text.contains("?"), !text.contains("#"), text.split(separator: "/").count >= 2
        else {
            map.issue(at: "public_url", "\"\(text)\" is neither `auto` nor an address like https://ai.example.org")
            return nil
        }
        return text.hasSuffix("/") ? String(text.dropLast()) : text
    }

    private static func loops(_ map: inout SettingsMap) -> Int {
        let text = map.string(
            "loops", default: "auto", help: "Event loops, 1 to 64; `auto` takes one for each core, at most 8.")
        if text == "auto" { return 0 }
        guard let count = Int(text), (1...64).contains(count) else {
            map.issue(at: "loops", "\"\(text)\" is neither `auto` nor a number of 1...64")
            return 0
        }
        return count
    }

    private func checkPathPrefix(_ map: SettingsMap) {
        let allowed = pathPrefix.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || "-_./".utf8.contains(byte)
        }
        let segments = pathPrefix.split(separator: "/", omittingEmptySubsequences: false)
        let bad = segments.contains { $0.isEmpty || $0 == "." || $0 == ".." }
        guard pathPrefix.isEmpty || (allowed && !bad) else {
            map.issue(
                at: "path_prefix", "\"\(pathPrefix)\" is not a path of letters, digits, - and _ without outer slashes")
            return
        }
    }
}
