import PolluxAdmin
import PolluxCore

/// The state of a gateway that is stopped, behind the very operations that a running one has. It holds the state folder
/// meanwhile, so that no gateway starts in between.
///
/// Nothing of the upstreams is watched here: accounts stand as they were when the gateway stopped, with what time has
/// done to their rests since.
struct StoppedGateway: AdminDoor {
    let notice: String?
    private let stored: StoredHost
    private let center: AdminCenter

    /// - Parameter folder: Held by the caller, and from now on by this.
    init(_ folder: StateFolder, _ invocation: Invocation) async throws(GatewayError) {
        stored = try await StoredHost.open(folder, invocation)
        let (host, state) = (stored.host, stored.state)
        for upstream in host.gateway.upstreams { state.book.recall(upstream.name) }
        center = AdminCenter(host, state, SettingsDesk(stored.live, host, state.store))
        notice =
            "no gateway is running; this is about the state it left in \(host.gateway.settings.state.folder)"
    }

    var adminKey: Secret? { stored.host.gateway.settings.adminKey }
    var now: WallTime { stored.host.gateway.time.wallNow }

    func answer(_ ask: AdminAsk) async throws(AdminError) -> JSON {
        var fields: HTTPFields = [:]
        if !ask.body.isEmpty { fields.append("content-type", ask.bodyType.rawValue) }
        let request = AdminRequest(
            method: ask.method, path: ask.path, query: ask.query, fields: fields,
            caller: AdminCaller(actor: "command line"))
        let reply = try await center.api.run(try center.api.prepare(request), body: ask.body)
        guard case .json(let body) = reply.content else { return .null }
        return body
    }

    func close() async { await stored.close() }
}
