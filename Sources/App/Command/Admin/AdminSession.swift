import PolluxAdmin
import PolluxCore

/// The admin API for one command: of the gateway that runs, else over what it left.
///
/// A running gateway is known by its lock on the state folder, where it also writes its address; `--url` and
/// `POLLUX_URL` name another one.
struct AdminSession: Sendable {
    let door: any AdminDoor

    static let options = [
        SettingsOption.option,
        CommandOption("url", value: "URL", help: "The gateway to ask; by default the one that runs here."),
        CommandOption("json", help: "Print JSON."),
    ]

    /// - Returns: `nil` when the settings are wrong, which has been said.
    static func open(_ invocation: Invocation, _ use: StoreUse) async throws(GatewayError) -> AdminSession? {
        let url = invocation.value(of: "url") ?? invocation.environment["POLLUX_URL"].flatMap { $0.isEmpty ? nil : $0 }
        if let url { return AdminSession(door: try GatewayDoor(url: try origin(url), key: try key(invocation))) }
        guard let settings = SettingsOption.load(invocation) else { return nil }
        let path = settings.state.folder
        switch try StateFolder.look(path, makesIt: use == .making) {
        case .held(.gateway(let address)):
            return try running(at: address, settings, invocation)
        case .held(.command):
            throw .invalid(nil, "another pollux command is working in the state folder \(path); try again in a moment")
        case .free(let folder):
            guard use != .never else {
                folder.release()
                throw notRunning(path)
            }
            return AdminSession(door: try await StoppedGateway(folder, invocation))
        case .absent:
            guard use != .never else { throw notRunning(path) }
            throw .invalid(
                nil,
                "there is no state folder \(path): no gateway has run here with these settings; start one with"
                    + " 'pollux serve', or name the right settings with --settings")
        }
    }

    /// - Parameter address: As it stands in the lock of the gateway's state folder.
    static func running(
        at address: ListenAddress?, _ settings: GatewaySettings, _ invocation: Invocation
    ) throws(GatewayError) -> AdminSession {
        let url = try origin(address ?? settings.server.listen) + settings.server.mount
        return AdminSession(door: try GatewayDoor(url: url, key: try key(invocation, settings)))
    }

    /// Whether a command makes sense while no gateway runs.
    enum StoreUse {
        case never
        case using
        /// Also before any gateway has run: it makes the state folder.
        case making
    }

    private static func notRunning(_ path: String) -> GatewayError {
        .invalid(
            nil,
            "no gateway is running on the state folder \(path); start it with 'pollux serve', or name another"
                + " one with --url")
    }

    private static func key(_ invocation: Invocation, _ settings: GatewaySettings? = nil) throws(GatewayError) -> Secret
    {
        if let text = invocation.environment["POLLUX_ADMIN_KEY"], !text.isEmpty { return Secret(text) }
        if let settings {
            guard let key = settings.adminKey else {
                throw .invalid(
                    nil,
                    "the settings have no admin.key, so the running gateway cannot be asked; set one ('pollux init'"
                        + " makes one) and restart, or stop the gateway first")
            }
            return key
        }
        let loader = SettingsLoader(registry: invocation.registry, environment: invocation.environment)
        if let key = (try? loader.load(path: SettingsOption.path(invocation)).0)?.adminKey { return key }
        throw .invalid(
            nil, "the admin key is missing: set POLLUX_ADMIN_KEY, or name the settings that hold it with --settings")
    }

    /// Where a gateway that listens there is reached from this machine.
    private static func origin(_ listen: ListenAddress) throws(GatewayError) -> String {
        guard listen.port != 0 else {
            throw .invalid(nil, "the gateway is still starting; try again in a moment")
        }
        let everywhere = ["0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"]
        return "http://\(ListenAddress(host: everywhere[listen.host] ?? listen.host, port: listen.port))"
    }

    /// `http://gateway.example:7860/pollux` without what an address bar may leave behind it.
    private static func origin(_ url: String) throws(GatewayError) -> String {
        var rest = url[...]
        while rest.last == "/" { rest.removeLast() }
        if rest.hasSuffix(AdminAPI.path) { rest.removeLast(AdminAPI.path.count) }
        let isPlain = rest.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        guard rest.hasPrefix("http://") || rest.hasPrefix("https://"), isPlain,
            !rest.contains("@"), !rest.contains("?"), !rest.contains("#")
        else {
            throw .invalid(
                nil, "--url (or POLLUX_URL) takes the gateway's address such as http://127.0.0.1:7860, and no key in it"
            )
        }
        return String(rest)
    }

    // MARK: Asking

    /// - Throws: What the API says, in the words of the command line.
    func ask(_ ask: AdminAsk) async throws(GatewayError) -> JSON {
        do throws(AdminError) { return try await door.answer(ask) } catch { throw error.told }
    }

    /// Every item of a list, over all pages.
    func list(_ ask: AdminAsk) async throws(GatewayError) -> [JSON] {
        var (items, cursor) = ([JSON](), String?.none)
        for _ in 0..<10_000 {
            var next = ask
            next.query.append(("limit", "1000"))
            if let cursor { next.query.append(("cursor", cursor)) }
            let page = try await self.ask(next)
            items += page["items"]?.array ?? []
            guard let more = page["next"]?.string else { break }
            cursor = more
        }
        return items
    }

    var now: WallTime { door.now }
}

extension AdminError {
    /// What the API tells its callers to send, as it is typed.
    private static let spellings = [
        ("GET \(AdminAPI.path)/accounts lists them", "'pollux accounts list' lists them"),
        ("GET \(AdminAPI.path)/keys lists them", "'pollux keys list' lists them"),
        ("send partial=true to take the others", "give --partial to take the others"),
    ]

    /// One sentence, with each thing that is wrong on a line below.
    fileprivate var told: GatewayError {
        var text = message
        for (words, typed) in Self.spellings { text = text.replacing(words, with: typed) }
        for detail in details where detail.message != message {
            let place = [detail.line.map { "line \($0)" }, detail.param].compactMap(\.self).joined(separator: ", ")
            text += "\n  " + (place.isEmpty ? "" : place + ": ") + detail.message.printable
        }
        if let retryAfter { text += "; try again in \(HumanTime.text(Int(clamping: retryAfter.secondsRoundedUp)))" }
        return GatewayError(.invalidRequest, .request, text, code: code)
    }
}

/// A command over the admin API.
protocol AdminCommand: Command {
    var ownOptions: [CommandOption] { get }
    var storeUse: AdminSession.StoreUse { get }
    /// What was typed wrongly is told before anybody is asked.
    func check(_ invocation: Invocation) throws(GatewayError)
    func run(_ session: AdminSession, _ invocation: Invocation) async throws(GatewayError) -> Int32
}

extension AdminCommand {
    var ownOptions: [CommandOption] { [] }
    var storeUse: AdminSession.StoreUse { .using }
    var options: [CommandOption] { ownOptions + AdminSession.options }
    func check(_ invocation: Invocation) throws(GatewayError) {}

    func run(_ invocation: Invocation) async throws(GatewayError) -> Int32 {
        try check(invocation)
        guard let session = try await AdminSession.open(invocation, storeUse) else { return 1 }
        if let notice = session.door.notice { invocation.console.err(notice) }
        let result: Result<Int32, GatewayError>
        do throws(GatewayError) { result = .success(try await run(session, invocation)) } catch {
            result = .failure(error)
        }
        await session.door.close()
        return try result.get()
    }
}

/// A command about one thing: `pollux accounts show NAME`.
protocol TakesOneName: AdminCommand {
    /// What the help calls it: `NAME`.
    var nameWord: String { get }
}

extension TakesOneName {
    var nameWord: String { "NAME" }
    var takesArguments: Bool { true }
    func check(_ invocation: Invocation) throws(GatewayError) { _ = try typedName(invocation) }

    func typedName(_ invocation: Invocation) throws(GatewayError) -> String {
        guard let name = invocation.arguments.first, invocation.arguments.count == 1, !name.isEmpty else {
            throw .invalid(nil, "name one: pollux \(self.name) \(nameWord)")
        }
        return name
    }
}
