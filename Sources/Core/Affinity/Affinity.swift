import Synchronization

/// Sends a conversation back to the account that served it last. A preference only: an account that is busy or rests is
/// passed over.
///
/// A conversation is known by what its client says (`ConversationHints`); else by how it begins. After an answer the
/// hash of all messages of the request is kept. The next request of the conversation has the same messages, the model's
/// turn and something new, so one of its beginnings that end before a model's turn is the one that was kept.
public final class Affinity: Sendable {
    private let table: Mutex<AffinityTable>
    private let key: KeyedHash.Key

    /// Beginnings that are looked up for one request, the longest first. More only matter to a client that takes back
    /// many turns at once.
    private static let longestLook = 32

    public convenience init(_ rules: ConversationRules, random: any RandomSource) {
        self.init(rules, key: (random.next(), random.next()))
    }

    /// - Parameter key: Under which names are hashed: a secret. With the same one, conversations are known again after
    ///   a restart.
    public init(_ rules: ConversationRules, key: (UInt64, UInt64)) {
        table = Mutex(AffinityTable(rules))
        self.key = KeyedHash.Key(key.0, key.1)
    }

    /// Entries that are remembered, some of them perhaps for too long already.
    public var count: Int { table.withLock { $0.count } }

    // MARK: Over restarts

    /// Takes over what was remembered. What was used in the future was not: the clock was wrong then.
    public func restore(_ conversations: [StoredConversation], now: Instant, wallNow: WallTime) {
        table.withLock { table in
            for conversation in conversations.sorted(by: { $0.lastUsedAt < $1.lastUsedAt }) {
                guard let name = KeyedHash.Value(bytes: conversation.name) else { continue }
                let age = max(wallNow - conversation.lastUsedAt, .zero)
                let favourite = Favourite(provider: conversation.provider, accountID: conversation.accountID)
                table.set(name, favourite, now: now + (.zero - age))
            }
            table.forgetChanges()
        }
    }

    /// What has changed since it was asked last, for the store.
    public func takeChanges(now: Instant, wallNow: WallTime) -> [StoredConversation] {
        table.withLock { $0.takeChanges() }.map { name, favourite, time in
            StoredConversation(
                name: name.bytes, provider: favourite.provider, accountID: favourite.accountID,
                lastUsedAt: wallNow + (time - now))
        }
    }

    /// The names under which a request's conversation is looked up, the best first, and kept after an answer.
    struct Threads: Sendable, Equatable {
        var lookups: [KeyedHash.Value] = []
        var records: [KeyedHash.Value] = []
    }

    func threads(of request: ModelRequest) -> Threads {
        let hints = request.conversation
        var threads = Threads()
        if let answer = hints.answerID { threads.records.append(name(.answer, answer, request)) }
        if let id = hints.id {
            let name = name(.conversation, id, request)
            return Threads(lookups: [name], records: threads.records + [name])
        }
        if let previous = hints.previousResponseID { threads.lookups.append(name(.answer, previous, request)) }
        if let cacheKey = hints.promptCacheKey {
            let name = name(.cacheKey, cacheKey, request)
            threads.lookups.append(name)
            threads.records.append(name)
        }
        let (beginnings, whole) = beginnings(of: request)
        threads.lookups += beginnings
        threads.records.append(whole)
        return threads
    }

    func favourite(of threads: Threads, now: Instant) -> Favourite? {
        guard !threads.lookups.isEmpty else { return nil }
        return table.withLock { table in
            for name in threads.lookups { if let known = table.find(name, now: now) { return known } }
            return nil
        }
    }

    func remember(_ threads: Threads, _ favourite: Favourite, now: Instant) {
        table.withLock { table in
            for name in threads.records { table.set(name, favourite, now: now) }
        }
    }

    // MARK: Names

    /// Keeps a client's conversation ids, its cache keys and so on apart.
    private enum Kind: UInt8 { case conversation, answer, cacheKey, beginning }

    /// A hash that only this client's requests can have.
    private func hash(_ kind: Kind, _ request: ModelRequest) -> KeyedHash {
        var hash = KeyedHash(key)
        hash.append(kind.rawValue)
        hash.append(request.client.keyID)
        return hash
    }

    private func name(_ kind: Kind, _ text: String, _ request: ModelRequest) -> KeyedHash.Value {
        var hash = hash(kind, request)
        hash.append(text)
        return hash.value
    }

    /// The hashes of the request's beginnings that end before a model's turn, the longest first, and of all of it.
    private func beginnings(of request: ModelRequest) -> ([KeyedHash.Value], whole: KeyedHash.Value) {
        var hash = hash(.beginning, request)
        hash.append(request.system)
        var found: [KeyedHash.Value] = []
        for turn in request.turns {
            if turn.role == .model { found.append(hash.value) }
            hash.append(turn)
        }
        return (found.suffix(Self.longestLook).reversed(), hash.value)
    }
}

extension KeyedHash {
    fileprivate mutating func append(_ turn: Turn) {
        append(UInt8(turn.role == .user ? 0 : 1))
        append(turn.parts)
    }

    fileprivate mutating func append(_ parts: [Part]) {
        append(parts.count)
        // A span lends what a loop over the array would copy.
        let parts = parts.span
        for index in parts.indices {
            switch parts[index].content {
            case .text(let text): append(0, text)
            case .reasoning(let text): append(1, text)
            case .refusal(let text): append(2, text)
            case .toolCall(let call):
                append(3, call.name)
                append(call.rawArguments)
            case .toolResult(let result):
                append(4, result.callID)
                append(result.parts)
            case .media(let media):
                append(5, media.mimeType)
                append(media.source)
            }
        }
    }

    private mutating func append(_ tag: UInt8, _ text: String) {
        append(tag)
        append(text)
    }

    private mutating func append(_ source: Media.Source) {
        switch source {
        case .url(let url): append(0, url)
        case .file(let id): append(1, id)
        case .stored(let file): append(3, file.name)
        case .inline(let bytes):
            // Enough to tell pictures apart; a client that forges two alike fools only itself.
            append(UInt8(2))
            append(bytes.count)
            bytes.withUnsafeBufferPointer { all in
                append(raw: UnsafeBufferPointer(rebasing: all.prefix(4096)))
                append(raw: UnsafeBufferPointer(rebasing: all.suffix(4096)))
            }
        }
    }
}
