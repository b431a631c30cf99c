import PolluxCore
import PolluxSQLite

/// Requests and transitions that have ended and are not written yet.
struct PendingEntries: Sendable {
    private var requests = RequestBatch()
    /// Of requests whose entries were given up: they count still.
    private var counts = UsageCounts()
    private var transitions: [AccountTransition] = []

    /// A disk that takes nothing for long costs the oldest entries, never the memory.
    static let maxRequests = 20_000
    static let maxTransitions = 5000

    /// Entries that were given up since the start.
    private(set) var dropped = 0

    var isEmpty: Bool { requests.isEmpty && counts.isEmpty && transitions.isEmpty }

    mutating func note(_ more: RequestBatch) {
        requests.append(more)
        // Half at a time, so that each is moved once.
        if requests.count > Self.maxRequests { giveUp(requests.count - Self.maxRequests / 2) }
    }

    mutating func note(_ more: [AccountTransition]) {
        transitions += more
        if transitions.count > Self.maxTransitions {
            let count = transitions.count - Self.maxTransitions / 2
            transitions.removeFirst(count)
            dropped += count
        }
    }

    private mutating func giveUp(_ count: Int) {
        for request in requests.prefix(count) { counts.add(request) }
        requests.removeFirst(count)
        dropped += count
    }

    mutating func take() -> PendingEntries {
        let taken = self
        self = PendingEntries()
        dropped = taken.dropped
        return taken
    }

    /// What could not be written comes back, before what was noted meanwhile.
    mutating func putBack(_ older: PendingEntries) {
        let newer = self
        self = older
        dropped = newer.dropped
        counts.add(newer.counts)
        note(newer.requests)
        note(newer.transitions)
    }

    func write(to connection: SQLiteConnection) throws(SQLiteError) {
        var counts = counts
        try requests.insert(into: connection, &counts)
        try counts.write(to: connection)
        for transition in transitions { try transition.write(to: connection) }
    }
}

extension RequestBatch {
    fileprivate func insert(
        into connection: SQLiteConnection, _ counts: inout UsageCounts
    ) throws(SQLiteError) {
        let head: SQL = """
            INSERT INTO requests (request_id, started_at, key_id, model, provider, account, attempts, status, error,
              is_streamed, input_tokens, output_tokens, cached_tokens, total, first_byte, overhead)
            """
        try connection.insert(self, head, columns: 16) { request, values in
            counts.add(request)
            // One by one: a list of them would be copied.
            values.append(.text(request.requestID))
            values.append(.integer(request.startedAt.microseconds))
            values.append(.text(request.keyID))
            values.append(.text(request.model))
            values.append(.text(request.provider))
            values.append(.text(request.accountID))
            values.append(.integer(request.attempts))
            values.append(.integer(request.status))
            values.append(.optional(request.error?.rawValue))
            values.append(.flag(request.isStreamed))
            values.append(.integer(request.inputTokens))
            values.append(.integer(request.outputTokens))
            values.append(.integer(request.cachedTokens))
            values.append(.integer(request.total.microseconds))
            values.append(.optional(request.firstByte?.microseconds))
            values.append(.optional(request.overhead?.microseconds))
        }
    }
}

extension AccountTransition {
    fileprivate func write(to connection: SQLiteConnection) throws(SQLiteError) {
        try connection.run(
            """
            INSERT INTO transitions (at, provider, account, class, from_state, to_state, until, evidence)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                .integer(at.microseconds), .text(provider), .text(accountID), .optional(quotaClass?.rawValue),
                .text(from.rawValue), .text(to.rawValue), .optional(until?.microseconds), .text(storedFacts.text),
            ])
    }

    /// The evidence, and the model if it is about one.
    private var storedFacts: JSON {
        guard !model.isEmpty, case .object(var facts) = evidence.stored else { return evidence.stored }
        facts["model"] = .string(model)
        return .object(facts)
    }
}

extension Evidence {
    var stored: JSON {
        var object = JSONObject()
        object["cause"] = .string(cause.rawValue)
        if !requestID.isEmpty { object["request"] = .string(requestID) }
        if attempt > 0 { object["attempt"] = .number(JSONNumber(attempt)) }
        if let upstreamStatus { object["upstream_status"] = .number(JSONNumber(upstreamStatus)) }
        if let error { object["error"] = .string(error.rawValue) }
        if let field { object["field"] = .string(field) }
        if !message.isEmpty { object["message"] = .string(message) }
        return .object(object)
    }

    init?(stored: JSON) {
        guard let cause = stored["cause"]?.string.flatMap(Cause.init(rawValue:)) else { return nil }
        self.init(
            cause, requestID: stored["request"]?.string ?? "", attempt: stored["attempt"]?.int ?? 0,
            upstreamStatus: stored["upstream_status"]?.int,
            error: stored["error"]?.string.flatMap(GatewayError.Kind.init(rawValue:)),
            field: stored["field"]?.string, message: stored["message"]?.string ?? "")
    }
}
