internal import PolluxCore
internal import Synchronization

/// All sessions that conversations may go on in, and those that are to be deleted at the upstream.
///
/// Source: Gemini Business protocol notes, sections 4 and 7.
final class BusinessSessions: Sendable {
    let book: SessionBook
    let locks = ConversationLocks()
    let time: any TimeSource
    private let table: MemorySessionTable
    private let leftovers: BusinessLeftovers?
    private let remembers: Bool

    /// One model can go on where another stopped: a question names its model, a session does not.
    private static let family = "gemini-business"

    init(settings: GeminiBusinessSettings, time: any TimeSource) {
        let leftovers = settings.deletesSessions ? BusinessLeftovers() : nil
        table = MemorySessionTable(lifetime: settings.sessionTTL) { chat in
            leftovers?.add(chat.chatID, of: chat.account)
        }
        (self.leftovers, self.time, remembers) = (leftovers, time, settings.sessionTTL > .zero)
        book = SessionBook(table, chats: .linear)
    }

    /// `nil` when no session is gone on with.
    func keys(of request: ModelRequest) -> ConversationKeys? {
        remembers ? ConversationKeys(request, family: Self.family, heedsName: true) : nil
    }

    /// Nobody will speak in this session any more.
    func leave(_ session: BusinessSession, of account: String) { leftovers?.add(session.name, of: account) }

    /// Deletes some of an account's sessions that nobody will speak in any more.
    ///
    /// - Throws: What says that the account itself is in trouble; a session that is gone already is none.
    func deleteLeftovers(with api: BusinessAPI, on lease: any AccountLease) async throws(GatewayError) {
        guard let leftovers else { return }
        table.sweep(now: time.now)
        for name in leftovers.take(of: lease.credential.accountID) {
            do {
                _ = try await api.call(.deleteSession, ["name": .string(name)], on: lease)
            } catch  where error.upstreamStatus == 404 || error.upstreamStatus == 400 {
                continue
            }
        }
    }
}

/// Sessions to be deleted, by account; bounded, the oldest are forgotten first.
private final class BusinessLeftovers: Sendable {
    private let names = Mutex<[String: [String]]>([:])
    private static let maxPerAccount = 500
    private static let atOnce = 20

    func add(_ name: String, of account: String) {
        names.withLock { names in
            names[account, default: []].append(name)
            let surplus = (names[account]?.count ?? 0) - Self.maxPerAccount
            if surplus > 0 { names[account]?.removeFirst(surplus) }
        }
    }

    func take(of account: String) -> [String] {
        names.withLock { names in
            guard let all = names[account] else { return [] }
            names[account] = all.count > Self.atOnce ? Array(all.dropFirst(Self.atOnce)) : nil
            return Array(all.prefix(Self.atOnce))
        }
    }
}
