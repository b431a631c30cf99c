internal import PolluxCore
internal import Synchronization

/// A chat at the upstream at one point of its history, as it can be gone on with.
struct ChatSession: Sendable, Equatable {
    /// The account whose chat it is; no other can use it.
    var account: String
    /// The upstream's id of the chat, of its latest turn and of the answer in it.
    var chatID: String
    var turnID: String
    var answerID: String
    /// Whatever else the upstream wants back.
    var context: String

    init(account: String, chatID: String, turnID: String, answerID: String, context: String = "") {
        (self.account, self.chatID, self.turnID) = (account, chatID, turnID)
        (self.answerID, self.context) = (answerID, context)
    }

    var id: ChatID { ChatID(account: account, chatID: chatID) }
}

struct ChatID: Sendable, Hashable {
    var account: String
    var chatID: String
}

/// Where chats are kept, by the key of the conversation up to their latest answer. Storage alone; `SessionBook` has the
/// rules.
///
/// Several chats may stand under one key: two conversations may have gone alike.
protocol SessionTable: Sendable {
    /// The live chats under each of these keys, in the order of the keys, asked for at once.
    func sessions(under keys: [SessionKey], now: Instant) -> [[ChatSession]]
    /// Adds a chat, or replaces what is known of the same chat under this key. Its life begins anew.
    func store(_ session: ChatSession, under key: SessionKey, now: Instant)
    /// Forgets a chat under every key.
    ///
    /// - Returns: The keys; none when it was not known.
    @discardableResult
    func remove(_ chat: ChatID) -> [SessionKey]
    /// Forgets every chat but this one under a key.
    func keep(_ chat: ChatID, aloneUnder key: SessionKey)
}

/// Keeps chats in memory: each for a time after it was last stored or used, at most so many, the least recently used
/// make room.
final class MemorySessionTable: SessionTable {
    private let state = Mutex(State())
    private let lifetime: Duration
    private let maxEntries: Int
    /// Hears of each chat that is not known under any key any more, for want of room or time.
    private let forgotten: @Sendable (ChatSession) -> Void

    /// Longer texts of the upstream are not kept, so that an entry's size is bounded.
    static let maxSessionBytes = 16 << 10
    static let maxAlike = 4

    init(
        lifetime: Duration = .seconds(15 * 60), maxEntries: Int = 10_000,
        forgotten: @escaping @Sendable (ChatSession) -> Void = { _ in }
    ) {
        (self.lifetime, self.maxEntries, self.forgotten) = (lifetime, max(1, maxEntries), forgotten)
    }

    func sessions(under keys: [SessionKey], now: Instant) -> [[ChatSession]] {
        state.withLock { state in
            keys.map { key in state.entries[key]?.filter { $0.end > now }.map(\.session) ?? [] }
        }
    }

    func store(_ session: ChatSession, under key: SessionKey, now: Instant) {
        let texts = [session.account, session.chatID, session.turnID, session.answerID, session.context]
        guard texts.reduce(0, { $0 + $1.utf8.count }) <= Self.maxSessionBytes else { return }
        let gone = state.withLock {
            $0.store(session, under: key, until: now + lifetime, now: now, maxEntries: maxEntries)
        }
        gone.forEach(forgotten)
    }

    /// Lets go of what has lived its time; the table does the same whenever something is stored.
    func sweep(now: Instant) {
        state.withLock { $0.evict(now: now, maxEntries: maxEntries) }.forEach(forgotten)
    }

    func remove(_ chat: ChatID) -> [SessionKey] {
        state.withLock { $0.remove(chat) }
    }

    func keep(_ chat: ChatID, aloneUnder key: SessionKey) {
        state.withLock { $0.keep(chat, aloneUnder: key) }.forEach(forgotten)
    }

    /// Entries that take room, live or not.
    var count: Int { state.withLock { $0.count } }

    private struct State {
        struct Entry {
            var session: ChatSession
            var end: Instant
            var serial: Int
        }

        var entries: [SessionKey: [Entry]] = [:]
        private(set) var count = 0
        private var keys: [ChatID: Set<SessionKey>] = [:]
        /// By age of use. What was stored again stands here twice; only its newest serial counts.
        private var order: [(key: SessionKey, chat: ChatID, serial: Int)] = []
        private var oldest = 0
        private var serial = 0

        /// - Returns: The chats that made room.
        mutating func store(
            _ session: ChatSession, under key: SessionKey, until end: Instant, now: Instant, maxEntries: Int
        ) -> [ChatSession] {
            removeEntry(key, session.id)
            var gone: [ChatSession] = []
            // That there are several is all that matters, and a common beginning must not become a long list.
            while let known = entries[key], known.count >= MemorySessionTable.maxAlike {
                forget(key, known[0].session, &gone)
            }
            serial += 1
            entries[key, default: []].append(Entry(session: session, end: end, serial: serial))
            keys[session.id, default: []].insert(key)
            count += 1
            order.append((key, session.id, serial))
            return gone + evict(now: now, maxEntries: maxEntries)
        }

        mutating func remove(_ chat: ChatID) -> [SessionKey] {
            let known = (keys[chat] ?? []).sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
            for key in known { removeEntry(key, chat) }
            return known
        }

        mutating func keep(_ chat: ChatID, aloneUnder key: SessionKey) -> [ChatSession] {
            var gone: [ChatSession] = []
            for entry in entries[key] ?? [] where entry.session.id != chat { forget(key, entry.session, &gone) }
            return gone
        }

        mutating func evict(now: Instant, maxEntries: Int) -> [ChatSession] {
            var gone: [ChatSession] = []
            while oldest < order.count {
                let (key, chat, serial) = order[oldest]
                let entry = entries[key]?.first { $0.session.id == chat && $0.serial == serial }
                guard let entry else {
                    oldest += 1
                    continue
                }
                guard count > maxEntries || entry.end <= now else { break }
                forget(key, entry.session, &gone)
                oldest += 1
            }
            // Swept once half of it counts no more, which costs each entry one move.
            if order.count > 2 * count + 64 {
                order = order[oldest...].filter { isNewest($0) }
                oldest = 0
            }
            return gone
        }

        private mutating func forget(_ key: SessionKey, _ session: ChatSession, _ gone: inout [ChatSession]) {
            removeEntry(key, session.id)
            if keys[session.id] == nil { gone.append(session) }
        }

        private func isNewest(_ use: (key: SessionKey, chat: ChatID, serial: Int)) -> Bool {
            entries[use.key]?.contains { $0.session.id == use.chat && $0.serial == use.serial } ?? false
        }

        private mutating func removeEntry(_ key: SessionKey, _ chat: ChatID) {
            guard let position = entries[key]?.firstIndex(where: { $0.session.id == chat }) else { return }
            entries[key]?.remove(at: position)
            if entries[key]?.isEmpty == true { entries[key] = nil }
            keys[chat]?.remove(key)
            if keys[chat]?.isEmpty == true { keys[chat] = nil }
            count -= 1
        }
    }
}
