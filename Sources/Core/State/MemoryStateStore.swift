import Synchronization

/// State that ends with the process: for tests, the demo, and gateways within another program. It behaves as the files
/// do in everything but that.
public final class MemoryStateStore: StateStoring {
    private struct Place: Hashable {
        var provider: String
        var accountID: String
    }

    private struct Content {
        var accounts: [Place: AccountRecord] = [:]
        var keys: [String: StoredKey] = [:]
        var conversations: [[UInt8]: StoredConversation] = [:]
        var audit: [AuditEntry] = []
        var auditCount: Int64 = 0
        var patch = JSON.object(JSONObject())
        var patchVersion: Int64 = 0
        var requests: [RequestRecord] = []
        var counts = UsageCounts()
        var transitions: [AccountTransition] = []
    }

    private let content = Mutex(Content())
    private let key: (UInt64, UInt64)
    /// Entries of each log; the oldest go first.
    private static let maxEntries = 10_000

    public init(random: any RandomSource = SystemRandom()) { key = (random.next(), random.next()) }

    public func flush() async {}
    public func close() async {}
    public func checkLog() async -> String? { nil }

    public func purge(_ retention: Retention, now: WallTime) async {
        let ages = [retention.requests, retention.goneAccounts, retention.conversations, retention.audit]
            .map { now + (.zero - $0) }
        content.withLock { content in
            content.requests.removeAll { $0.startedAt < ages[0] }
            content.transitions.removeAll { $0.at < ages[0] }
            content.accounts = content.accounts.filter { $0.value.goneSince.map { $0 >= ages[1] } ?? true }
            content.conversations = content.conversations.filter { $0.value.lastUsedAt >= ages[2] }
            content.audit.removeAll { $0.at < ages[3] }
        }
    }

    // MARK: Accounts

    public func accounts() async throws(GatewayError) -> [AccountRecord] {
        content.withLock { content in
            content.accounts.values.sorted { ($0.provider, $0.accountID) < ($1.provider, $1.accountID) }
        }
    }

    public func save(_ records: [AccountRecord]) async throws(GatewayError) {
        content.withLock { content in
            for var record in records {
                let place = Place(provider: record.provider, accountID: record.accountID)
                record.memory = content.accounts[place]?.memory
                content.accounts[place] = record
            }
        }
    }

    public func note(_ memories: [AccountMemory]) {
        content.withLock { content in
            for memory in memories {
                content.accounts[Place(provider: memory.provider, accountID: memory.accountID)]?.memory = memory.body
            }
        }
    }

    public func delete(provider: String, accountID: String) async throws(GatewayError) {
        content.withLock { $0.accounts[Place(provider: provider, accountID: accountID)] = nil }
    }

    // MARK: Keys

    public func keys() async throws(GatewayError) -> [StoredKey] {
        content.withLock { content in content.keys.values.sorted { ($0.createdAt, $0.id) < ($1.createdAt, $1.id) } }
    }

    public func save(_ key: StoredKey) async throws(GatewayError) {
        content.withLock { content in
            var key = key
            let uses = [key.lastUsedAt, content.keys[key.id]?.lastUsedAt].compactMap(\.self)
            key.lastUsedAt = uses.max()
            content.keys[key.id] = key
        }
    }

    public func delete(keyID: String) async throws(GatewayError) { content.withLock { $0.keys[keyID] = nil } }

    public func noteUse(of keyID: String, at time: WallTime) {
        content.withLock { content in
            let last = content.keys[keyID]?.lastUsedAt ?? time
            content.keys[keyID]?.lastUsedAt = max(last, time)
        }
    }

    // MARK: Conversations

    public func hashKey() async throws(GatewayError) -> (UInt64, UInt64) { key }

    public func conversations(limit: Int) async throws(GatewayError) -> [StoredConversation] {
        content.withLock { content in
            Array(content.conversations.values.sorted { $0.lastUsedAt > $1.lastUsedAt }.prefix(max(limit, 0)))
        }
    }

    /// Nothing reads them back: who remembers them dies with the process as well.
    public func note(_ conversations: [StoredConversation]) {
        content.withLock { content in
            for conversation in conversations where content.conversations.count < Self.maxEntries {
                content.conversations[conversation.name] = conversation
            }
        }
    }

    // MARK: Audit and settings

    @discardableResult
    public func append(_ entry: AuditEntry) async throws(GatewayError) -> Int64 {
        content.withLock { content in
            var entry = entry
            content.auditCount += 1
            entry.number = content.auditCount
            content.audit.append(entry)
            if content.audit.count > Self.maxEntries { content.audit.removeFirst(Self.maxEntries / 2) }
            return entry.number
        }
    }

    public func complete(_ number: Int64, target: String, detail: String) async throws(GatewayError) {
        content.withLock { content in
            guard let index = content.audit.lastIndex(where: { $0.number == number }) else { return }
            (content.audit[index].target, content.audit[index].detail) = (target, detail)
        }
    }

    public func withdraw(_ number: Int64) async throws(GatewayError) {
        content.withLock { $0.audit.removeAll { $0.number == number } }
    }

    public func audit(limit: Int, before: Int64?) async throws(GatewayError) -> [AuditEntry] {
        content.withLock { content in
            let older = content.audit.filter { entry in before.map { entry.number < $0 } ?? true }
            return Array(older.reversed().prefix(min(max(limit, 0), 1000)))
        }
    }

    public func settingsPatch() async throws(GatewayError) -> (patch: JSON, version: Int64) {
        content.withLock { ($0.patch, $0.patchVersion) }
    }

    public func saveSettingsPatch(_ patch: JSON, expecting: Int64) async throws(GatewayError) -> Int64 {
        let version = content.withLock { content -> Int64? in
            guard content.patchVersion == expecting else { return nil }
            (content.patch, content.patchVersion) = (patch, expecting + 1)
            return expecting + 1
        }
        guard let version else { throw .versionConflict }
        return version
    }

    // MARK: Usage

    public func note(_ requests: RequestBatch) {
        content.withLock { content in
            for request in requests {
                content.counts.add(request)
                content.requests.append(request)
            }
            if content.requests.count > Self.maxEntries {
                content.requests.removeFirst(content.requests.count - Self.maxEntries / 2)
            }
        }
    }

    public func usage(_ query: UsageQuery) async throws(GatewayError) -> [UsageRow] {
        query.answer(content.withLock { $0.counts })
    }

    public func requests(_ query: RequestQuery) async throws(GatewayError) -> [RequestRecord] {
        query.answer(content.withLock { $0.requests })
    }

    public func note(_ transitions: [AccountTransition]) {
        content.withLock { content in
            content.transitions += transitions
            if content.transitions.count > Self.maxEntries {
                content.transitions.removeFirst(content.transitions.count - Self.maxEntries / 2)
            }
        }
    }

    public func transitions(
        provider: String?, accountID: String?, limit: Int
    ) async throws(GatewayError) -> [AccountTransition] {
        content.withLock { content in
            let found = content.transitions.reversed().lazy.filter { transition in
                (provider ?? transition.provider) == transition.provider
                    && (accountID ?? transition.accountID) == transition.accountID
            }
            return Array(found.prefix(min(max(limit, 0), 1000)))
        }
    }
}

extension GatewayError {
    /// Two changes of the settings began from the same version; the second one is refused.
    public static let versionConflict = GatewayError(
        .invalidRequest, .request, "somebody else has changed the settings meanwhile; read them again and repeat",
        code: "version_conflict")
}

extension UsageQuery {
    /// What the query finds among counts in memory.
    package func answer(_ counts: UsageCounts) -> [UsageRow] {
        var groups: [UsageCounts.Key: UsageRow] = [:]
        for (key, row) in counts.rows where matches(key) {
            let group = group(of: key)
            groups[group, default: UsageRow()].add(row)
        }
        let isTimed = groupBy.contains(.hour) || groupBy.contains(.day)
        let rows = groups.map { key, sums in
            var row = sums
            row.time = isTimed ? key.hour : nil
            (row.keyID, row.model, row.provider, row.accountID) = (key.keyID, key.model, key.provider, key.accountID)
            return row
        }
        return Array(rows.sorted(by: Self.isBefore).prefix(max(limit, 0)))
    }

    private func matches(_ key: UsageCounts.Key) -> Bool {
        key.hour >= from.startOfHour && key.hour < to && (keyID ?? key.keyID) == key.keyID
            && (model ?? key.model) == key.model && (provider ?? key.provider) == key.provider
            && (accountID ?? key.accountID) == key.accountID
    }

    private func group(of key: UsageCounts.Key) -> UsageCounts.Key {
        let zero = WallTime(microseconds: 0)
        let time = groupBy.contains(.hour) ? key.hour : groupBy.contains(.day) ? key.hour.startOfDay : zero
        return UsageCounts.Key(
            hour: time, keyID: groupBy.contains(.key) ? key.keyID : "",
            model: groupBy.contains(.model) ? key.model : "",
            provider: groupBy.contains(.provider) ? key.provider : "",
            accountID: groupBy.contains(.account) ? key.accountID : "")
    }

    private static func isBefore(_ left: UsageRow, _ right: UsageRow) -> Bool {
        if left.time != right.time { return (left.time?.microseconds ?? 0) < (right.time?.microseconds ?? 0) }
        return (left.keyID, left.model, left.provider, left.accountID)
            < (right.keyID, right.model, right.provider, right.accountID)
    }
}

extension RequestQuery {
    /// What the query finds among requests in memory, in the order in which they ended.
    package func answer(_ requests: [RequestRecord]) -> [RequestRecord] {
        let end = before.flatMap { id in requests.firstIndex { $0.requestID == id } }
        if before != nil, end == nil { return [] }
        let found = requests.prefix(end ?? requests.count).reversed().lazy.filter(matches)
        return Array(found.prefix(min(max(limit, 0), 1000)))
    }

    private func matches(_ request: RequestRecord) -> Bool {
        (from.map { request.startedAt >= $0 } ?? true) && (to.map { request.startedAt < $0 } ?? true)
            && (keyID ?? request.keyID) == request.keyID && (model ?? request.model) == request.model
            && (accountID ?? request.accountID) == request.accountID && (!onlyErrors || request.status >= 400)
    }
}
