import PolluxCore

/// The operator's API: finds the operation that a request asks for, checks what it brings, runs it, and records what it
/// changed.
///
/// Knows no gateway: what it administers stands behind the protocols of `AdminBackend`.
public struct AdminAPI: Sendable {
    /// The version's path, below the mount: `/admin/api/v1`.
    public static let path = "/admin/api/v1"

    public let operations: [AdminOperation]
    private let backend: AdminBackend

    public init(_ backend: AdminBackend) {
        self.backend = backend
        operations = Self.table(backend)
    }

    /// Everything there is, in the order of the document.
    static func table(_ backend: AdminBackend) -> [AdminOperation] {
        KeyOperations(backend).all + AccountOperations(backend).all + TransferOperations(backend).all
            + SettingsOperations(backend).all + UsageOperations(backend).all + ControlOperations(backend).all
    }

    /// Runs an operation by its id, as the command line does on a stopped gateway.
    public func perform(_ id: String, _ input: AdminInput) async throws(AdminError) -> AdminReply {
        guard let operation = operations.first(where: { $0.id == id }) else {
            throw AdminError.notFound("there is no operation \"\(id)\"", code: "not_found")
        }
        return try await perform(operation, input)
    }

    func perform(_ operation: AdminOperation, _ input: AdminInput) async throws(AdminError) -> AdminReply {
        let reply = try await operation.run(input)
        guard let action = operation.action, let change = reply.change else { return reply }
        let entry = AuditEntry(
            at: backend.time.wallNow, actor: input.caller.actor, address: input.caller.address, action: action,
            target: change.target, detail: change.detail)
        backend.log.info(
            "admin",
            [
                LogField("request", input.caller.requestID), LogField("actor", entry.actor),
                LogField("address", entry.address), LogField("action", action), LogField("target", entry.target),
                LogField("detail", entry.detail),
            ])
        // Before the change is acknowledged: what nobody can look up afterwards was not done.
        try await asking { () throws(GatewayError) in try await backend.audit.append(entry) }
        backend.events.publish(.changed(entry))
        return reply
    }
}
