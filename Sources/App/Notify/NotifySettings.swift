import PolluxCore

/// One of `notify:`: where messages go, and which.
struct NotifyChannelSettings: Sendable, Equatable {
    enum Target: Sendable, Equatable {
        case webhook(WebhookSettings)
        case command([String])

        /// As in the settings file.
        var kind: String {
            switch self {
            case .webhook: "webhook"
            case .command: "command"
            }
        }
    }

    var name: String
    var events: Set<NotifyEvent>
    var throttle: Duration
    var target: Target

    /// What no log may show.
    var secrets: [Secret] {
        guard case .webhook(let webhook) = target else { return [] }
        return [webhook.url] + webhook.headers.values + [webhook.secret].compactMap(\.self)
    }
}

struct WebhookSettings: Sendable, Equatable {
    /// May hold a token.
    var url: Secret
    /// By names in lower case.
    var headers: [String: Secret]
    /// Signs what is sent.
    var secret: Secret?
}

// MARK: - Reading

enum NotifySettings {
    static let kinds = ["webhook", "command"]

    static func read(_ map: inout SettingsMap) -> [NotifyChannelSettings] {
        var names: Set<String> = []
        return map.maps("notify", help: "Whom to tell when an account needs somebody.").compactMap { entry in
            var entry = entry
            let channel = read(&entry, &names)
            if channel != nil { entry.refuseUnreadKeys() }
            return channel
        }
    }

    private static func read(_ entry: inout SettingsMap, _ names: inout Set<String>) -> NotifyChannelSettings? {
        let name = readName(&entry, &names)
        let text = entry.requireString("kind", example: kinds[0], help: kindHelp)
        guard kinds.contains(text) else {
            if entry.contains("kind"), !text.isEmpty {
                let hint = nearest(to: text, among: kinds).map { "; did you mean \"\($0)\"?" } ?? ""
                entry.issue(
                    at: "kind", "unknown kind \"\(text)\"; the kinds are \(kinds.joined(separator: ", "))\(hint)")
            }
            return nil
        }
        return read(&entry, name, kind: text)
    }

    /// The keys of one kind, for the reference.
    static func record(_ kind: String, _ map: inout SettingsMap) {
        var names: Set<String> = []
        let name = readName(&map, &names, example: kind == "command" ? "desk" : "ops")
        _ = map.requireString("kind", example: kind, help: kindHelp)
        _ = read(&map, name, kind: kind)
    }

    private static let kindHelp = "The sort of channel."

    private static func readName(
        _ entry: inout SettingsMap, _ names: inout Set<String>, example: String = "ops"
    ) -> String {
        let name = entry.requireString(
            "name", example: example, help: "Unique; used in logs and by `pollux notify test`.")
        if !names.insert(name).inserted { entry.issue(at: "name", "two entries are called \"\(name)\"; rename one") }
        return name
    }

    private static func read(_ entry: inout SettingsMap, _ name: String, kind: String) -> NotifyChannelSettings {
        let target: NotifyChannelSettings.Target =
            kind == "command" ? .command(readCommand(&entry)) : .webhook(WebhookSettings(reading: &entry))
        let events = entry.value(
            "events", .list(of: .choice), default: NotifyEvent.allCases, help: "What is told of; all by default.")
        let isReported = entry.issues.sorted.contains { $0.path.hasPrefix(entry.path + ".events") }
        if events.isEmpty, !isReported {
            entry.issue(at: "events", "the list is empty; name an event, or remove the key for all")
        }
        let throttle = entry.duration(
            "throttle", default: .seconds(900), in: .zero...(.seconds(604_800)),
            help: "The same about the same account at most once in this time.")
        return NotifyChannelSettings(name: name, events: Set(events), throttle: throttle, target: target)
    }

    private static func readCommand(_ entry: inout SettingsMap) -> [String] {
        let command = entry.requireStringList(
            "command", example: "/usr/local/bin/tell-me",
            help: "A program, by its whole path, and its arguments; no shell. The event comes as JSON on its input.")
        if let program = command.first, !program.hasPrefix("/") {
            entry.issue(at: "command", "\"\(program)\" is not a whole path; write it like /usr/local/bin/\(program)")
        }
        if command.contains(where: { $0.utf8.contains(0) }) {
            entry.issue(at: "command", "an argument holds a zero byte, which no program can be given")
        }
        return command
    }
}

extension WebhookSettings: SettingsReadable {
    /// What the gateway itself says in a request.
    private static let ownFields: Set<String> = [
        "content-length", "content-type", "host", "transfer-encoding", "connection", "expect", "user-agent",
    ]

    init(reading map: inout SettingsMap) {
        url = map.secret(
            "url", example: "${NOTIFY_URL}",
            help: "`https://` URL that takes a POST of JSON. Redirects are not followed.")
        let isPlainAllowed = map.boolean(
            "allow_plain_http", default: false, help: "Allow an `http://` url that is not on this machine.")
        let written = map.value(
            "headers", .dictionary(of: .secret), default: [:], help: "Sent along, such as `authorization`.")
        headers = Dictionary(written.map { ($0.key.lowercased(), $0.value) }, uniquingKeysWith: { first, _ in first })
        secret = map.optionalSecret(
            "secret", example: "${NOTIFY_SECRET}", help: "Signs each message: HMAC-SHA256 of its time and body.")
        checkURL(&map, isPlainAllowed)
        for (name, value) in written.sorted(by: { $0.key < $1.key }) { check(name, value, map) }
    }

    private func checkURL(_ map: inout SettingsMap, _ isPlainAllowed: Bool) {
        let text = url.reveal()
        guard !text.isEmpty else { return }
        let schemes = ["https://", "http://"]
        let host = schemes.first(where: text.hasPrefix).map { text.dropFirst($0.count).prefix { !"/?#".contains($0) } }
        let isClean = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"\"<>\\^`{|}".utf8.contains($0) }
        guard let host, !host.isEmpty, isClean, text.utf8.count <= 4096 else {
            return map.issue(at: "url", "this is not a URL that begins with https:// and holds no spaces")
        }
        guard !host.contains("@") else {
            return map.issue(at: "url", "the URL holds a user name or password; put them into headers: authorization")
        }
        map.refusePlainHTTP(at: "url", text, unless: isPlainAllowed)
    }

    private func check(_ name: String, _ value: Secret, _ map: SettingsMap) {
        let isToken = name.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
        if name.isEmpty || !isToken { map.issue(at: "headers", "\"\(name)\" is not the name of a header field") }
        if Self.ownFields.contains(name.lowercased()) {
            map.issue(at: "headers", "\(name) is set by the gateway; remove it")
        }
        if !value.reveal().utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) {
            map.issue(at: "headers", "the value of \(name) holds a character that no header field can have")
        }
    }
}
