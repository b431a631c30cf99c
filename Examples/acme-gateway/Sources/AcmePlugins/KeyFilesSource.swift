public import PolluxCore

/// One API key per file, as container platforms mount secrets: `/run/secrets/acme-amber` holds one line.
///
/// The account is called like its file. All files are looked at again every `poll_interval`, so that a rotated secret
/// is in use soon; a set that cannot be read whole leaves the last good one in use.
public struct KeyFilesSource: CredentialSource {
    public struct Settings: SettingsReadable {
        public var folder: String
        public var names: [String]
        public var value: String
        public var pollInterval: Duration

        public init(reading map: inout SettingsMap) {
            folder = map.requireString("folder", example: "/run/secrets", help: "Where the files are.")
            names = map.stringList("names", help: "The files, which are the accounts' names too.")
            value = map.string("value", default: "api_key", help: "What the provider calls the key.")
            pollInterval = map.duration(
                "poll_interval", default: .seconds(10), in: .seconds(1)...(.seconds(3600)),
                help: "How often to look for a change.")
            if names.isEmpty { map.issue(at: "names", "no file is named; write them like names: [acme-amber]") }
            for name in names where name.contains("/") || name.isEmpty {
                map.issue(at: "names", "\"\(name)\" is not the name of a file in the folder")
            }
        }
    }

    public static let kind: PluginKind = "key-files"

    private let settings: Settings
    private let context: SourceContext

    public init(settings: Settings, context: SourceContext) throws(GatewayError) {
        (self.settings, self.context) = (settings, context)
    }

    /// - Throws: Only `cancelled`: what is wrong with a file may be mended, and is logged once.
    public func run(publish: @Sendable ([Credential]) async -> Void) async throws(GatewayError) {
        var published: [Credential]?
        var lastProblem: String?
        while true {
            do {
                let credentials = try await readAll()
                lastProblem = nil
                if credentials != published { await publish(credentials) }
                published = credentials
            } catch {
                if error.kind == .cancelled { throw error }
                if error.message != lastProblem {
                    context.log.warning("key files unreadable", [LogField("problem", error.message)])
                }
                lastProblem = error.message
            }
            try await context.time.sleep(until: context.time.now + settings.pollInterval)
        }
    }

    private func readAll() async throws(GatewayError) -> [Credential] {
        var credentials: [Credential] = []
        for name in settings.names {
            let path = "\(settings.folder)/\(name)"
            let bytes = try await context.files.read(path, limit: 4096)
            guard let key = Self.key(in: bytes) else {
                throw GatewayError(.internalError, .endpoint, "\(path) does not hold one line with a key")
            }
            credentials.append(Credential(accountID: name, values: [settings.value: key]))
        }
        return credentials
    }

    /// Visible ASCII, at least 8 characters, perhaps with a line break behind it.
    private static func key(in bytes: [UInt8]) -> Secret? {
        let end = bytes.lastIndex { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
        guard let end, end >= 7, bytes[...end].allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
        return Secret(String(decoding: bytes[...end], as: UTF8.self))
    }
}
