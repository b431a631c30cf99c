import PolluxCore

/// The entry of one change in the audit log: written before the change is made, completed when it is.
///
/// A process that dies in between leaves an entry which says that something was begun. So does a disk that fills up in
/// between: the change is made then, and acknowledged, since who made it, from where and when is on record.
struct AuditTrail: Sendable {
    /// The detail of a change of which nothing more is known.
    static let begun = "begun; what came of it was not written"

    private let entry: AuditEntry
    private let backend: AdminBackend
    private let requestID: String

    /// - Throws: 507 when the entry cannot be kept: then the change must not be made.
    static func begin(
        _ action: String, _ input: AdminInput, _ backend: AdminBackend
    ) async throws(AdminError) -> AuditTrail {
        var entry = AuditEntry(
            at: backend.time.wallNow, actor: input.caller.actor, address: input.caller.address, action: action,
            target: input.presumedTarget, detail: Self.begun)
        entry.number = try await asking { [entry] () throws(GatewayError) in try await backend.audit.append(entry) }
        return AuditTrail(entry: entry, backend: backend, requestID: input.caller.requestID)
    }

    private init(entry: AuditEntry, backend: AdminBackend, requestID: String) {
        (self.entry, self.backend, self.requestID) = (entry, backend, requestID)
    }

    func complete(_ change: (target: String, detail: String)) async {
        var entry = entry
        (entry.target, entry.detail) = (change.target, change.detail)
        backend.log.info("admin", fields(entry))
        do throws(GatewayError) {
            try await backend.audit.complete(entry.number, target: entry.target, detail: entry.detail)
        } catch { warn(error) }
        backend.events.publish(.changed(entry))
    }

    func withdraw() async {
        do throws(GatewayError) { try await backend.audit.withdraw(entry.number) } catch { warn(error) }
    }

    /// A refusal changes nothing. What fails may have changed something: then the entry stays.
    func fail(_ error: AdminError) async {
        guard error.changed != nil || error.status >= 500 else { return await withdraw() }
        let made = error.changed.map { "; before that: \($0)" } ?? ""
        await complete((entry.target, "failed: \(error.code)\(made)"))
    }

    private func fields(_ entry: AuditEntry) -> [LogField] {
        [
            LogField("request", requestID), LogField("actor", entry.actor), LogField("address", entry.address),
            LogField("action", entry.action), LogField("target", entry.target), LogField("detail", entry.detail),
        ]
    }

    private func warn(_ error: GatewayError) {
        backend.log.warning(
            "an entry of the audit log stays unfinished",
            [LogField("action", entry.action), LogField("target", entry.target), LogField("reason", error.message)])
    }
}

extension AdminInput {
    /// It is only to say what would change.
    var isDryRun: Bool { flag("dry_run") || body["dry_run"]?.bool == true }

    /// What the change is about, as far as the request tells: names, never a value.
    fileprivate var presumedTarget: String {
        let named = ["provider", "id"].compactMap { optionalText($0) }
        if !named.isEmpty { return named.joined(separator: "/") }
        return ["provider", "id", "name"].compactMap { body[$0]?.string }.joined(separator: "/")
    }
}
