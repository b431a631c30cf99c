import PolluxAdmin
import PolluxCore

/// One thing asked of the admin API, wherever that stands.
struct AdminAsk: Sendable {
    var method: HTTPMethod
    /// Below the API's own path, not encoded: `["accounts", "business", "ops@example.org"]`.
    var path: [String]
    var query: [(name: String, value: String)]
    var body: [UInt8]
    var bodyType: AdminOperation.Body.Medium

    init(
        _ method: HTTPMethod, _ path: String..., query: [(name: String, value: String)] = [], body: JSON? = nil
    ) {
        (self.method, self.path, self.query) = (method, path, query)
        (self.body, bodyType) = (body?.bytes() ?? [], .json)
    }
}

/// Where the admin API answers: a running gateway, or the state of one that is stopped.
protocol AdminDoor: Sendable {
    /// - Returns: The answer's body; `null` when there is none.
    func answer(_ ask: AdminAsk) async throws(AdminError) -> JSON
    /// Said to the user before anything else.
    var notice: String? { get }
    var now: WallTime { get }
    /// What the operations ask for that want it once more; `nil` when there is none.
    var adminKey: Secret? { get }
    func close() async
}
