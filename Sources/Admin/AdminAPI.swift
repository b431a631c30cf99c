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
            + SettingsOperations(backend).all + MediaOperations(backend).all
            + UsageOperations(backend).all + ControlOperations(backend).all
    }

    /// Runs an operation by its id, as the command line does on a stopped gateway.
    public func perform(_ id: String, _ input: AdminInput) async throws(AdminError) -> AdminReply {
        guard let operation = operations.first(where: { $0.id == id }) else {
            throw AdminError.notFound("there is no operation \"\(id)\"", code: "not_found")
        }
        return try await perform(operation, input)
    }

    func perform(_ operation: AdminOperation, _ input: AdminInput) async throws(AdminError) -> AdminReply {
        guard let action = operation.action, !input.isDryRun else { return try await operation.run(input) }
        // What nobody could look up afterwards is not done.
        let trail = try await AuditTrail.begin(action, input, backend)
        do throws(AdminError) {
            let reply = try await operation.run(input)
            if let change = reply.change { await trail.complete(change) } else { await trail.withdraw() }
            return reply
        } catch {
            await trail.fail(error)
            throw error
        }
    }
}
