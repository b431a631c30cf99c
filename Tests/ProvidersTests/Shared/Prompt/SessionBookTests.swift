import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxProviders

@Suite("Chats are gone on with")
struct SessionBookTests {
    private let start = Instant(microseconds: 0)
    private let table = MemorySessionTable(lifetime: .seconds(900))
    private let book: SessionBook

    init() { book = SessionBook(table) }

    private func chat(_ id: String, turn: String = "r1", account: String = "amber") -> ChatSession {
        ChatSession(account: account, chatID: id, turnID: turn, answerID: "rc_" + turn)
    }

    private func asking(_ texts: String..., system: String? = nil, client: String = "k1") -> ModelRequest {
        var request = ModelRequest(id: "req", model: "m")
        request.system = system.map { [.text($0)] } ?? []
        request.client.keyID = client
        request.turns = texts.enumerated().map { Turn($0.offset % 2 == 0 ? .user : .model, [.text($0.element)]) }
        return request
    }

    private func keys(_ texts: String..., client: String = "k1") -> ConversationKeys {
        var request = asking(client: client)
        request.turns = texts.enumerated().map { Turn($0.offset % 2 == 0 ? .user : .model, [.text($0.element)]) }
        return ConversationKeys(request)
    }

    private func remember(_ session: ChatSession, at now: Instant? = nil, _ client: String = "k1") {
        book.store(session, under: [keys("Hi", client: client).key(afterAnswer: [.text("Hello.")])], now: now ?? start)
    }

    @Test("the same conversation goes on in its chat, with the new turns alone")
    func hit() throws {
        remember(chat("c1"))
        let reused = try #require(book.reuse(keys("Hi", "Hello.", "More"), account: "amber", now: start))
        #expect(reused.session == chat("c1"))
        #expect(reused.turnCount == 2)
    }

    @Test("another word anywhere, or nothing new to say, is another conversation")
    func misses() {
        remember(chat("c1"))
        #expect(book.reuse(keys("Hi!", "Hello.", "More"), account: "amber", now: start) == nil)
        #expect(book.reuse(keys("Hi", "Hallo.", "More"), account: "amber", now: start) == nil)
        #expect(book.reuse(keys("Hi", "Hello."), account: "amber", now: start) == nil)
        #expect(book.reuse(keys("Hi"), account: "amber", now: start) == nil)
    }

    @Test("a chat belongs to its account, which the pool can ask for")
    func accounts() {
        remember(chat("c1"))
        let more = keys("Hi", "Hello.", "More")
        #expect(book.preferredAccount(more, now: start) == "amber")
        #expect(book.reuse(more, account: "birch", now: start) == nil)
    }

    @Test("no client goes on with another one's chat")
    func tenants() {
        remember(chat("c1"))
        #expect(book.preferredAccount(keys("Hi", "Hello.", "More", client: "k2"), now: start) == nil)
    }

    @Test("two chats that went alike are both left alone")
    func ambiguous() {
        remember(chat("c1"))
        remember(chat("c2"))
        #expect(book.reuse(keys("Hi", "Hello.", "More"), account: "amber", now: start) == nil)
        book.invalidate(chat("c2").id)
        #expect(book.reuse(keys("Hi", "Hello.", "More"), account: "amber", now: start) != nil)
    }

    @Test("a chat serves one request at a time; the second begins a new chat")
    func holds() {
        remember(chat("c1"))
        let more = keys("Hi", "Hello.", "More")
        var first = book.reuse(more, account: "amber", now: start)
        #expect(first != nil)
        #expect(book.reuse(more, account: "amber", now: start) == nil)
        first = nil
        #expect(book.reuse(more, account: "amber", now: start) != nil)
    }

    @Test("a client may go back: an earlier point is still found, with its own turn")
    func branches() throws {
        remember(chat("c1"))
        let long = keys("Hi", "Hello.", "More")
        let reused = try #require(book.reuse(long, account: "amber", now: start))
        book.store(chat("c1", turn: "r2"), under: [long.key(afterAnswer: [.text("Yes.")])], after: reused, now: start)
        withExtendedLifetime(reused) {}
        let on = keys("Hi", "Hello.", "More", "Yes.", "And?")
        #expect(book.preferredAccount(on, now: start) == "amber")
        #expect(
            table.sessions(under: on.prefixes, now: start).map { $0.map(\.turnID) } == [[], ["r1"], [], ["r2"], []])
    }

    @Test("the longest known beginning decides")
    func longest() throws {
        remember(chat("c1"))
        let long = keys("Hi", "Hello.", "More")
        book.store(chat("c1", turn: "r2"), under: [long.key(afterAnswer: [.text("Yes.")])], now: start)
        let reused = book.reuse(keys("Hi", "Hello.", "More", "Yes.", "And?"), account: "amber", now: start)
        #expect(reused?.session.turnID == "r2")
        #expect(reused?.turnCount == 4)
    }

    @Test("a chat is forgotten 15 minutes after its last use")
    func lifetime() throws {
        remember(chat("c1"))
        let more = keys("Hi", "Hello.", "More")
        #expect(book.preferredAccount(more, now: start + .seconds(899)) != nil)
        #expect(book.preferredAccount(more, now: start + .seconds(900)) == nil)
        let reused = try #require(book.reuse(more, account: "amber", now: start + .seconds(800)))
        let next = more.key(afterAnswer: [.text("Yes.")])
        book.store(chat("c1", turn: "r2"), under: [next], after: reused, now: start + .seconds(800))
        #expect(book.preferredAccount(more, now: start + .seconds(1699)) != nil)
    }

    @Test("a chat that the upstream lost is forgotten under every key")
    func invalidated() {
        remember(chat("c1"))
        book.store(chat("c1", turn: "r2"), under: [keys("A", "B", "C").prefixes[1]], now: start)
        book.invalidate(chat("c1").id)
        #expect(table.count == 0)
        #expect(book.preferredAccount(keys("Hi", "Hello.", "More"), now: start) == nil)
    }

    @Test("the table holds so many and no more; the least recently used make room", arguments: 0..<20)
    func bounded(seed: Int) {
        var random = SeededRandom(seed: seed)
        let table = MemorySessionTable(lifetime: .seconds(100), maxEntries: 8)
        var expected: [(key: SessionKey, chat: ChatSession)] = []
        for step in 0..<500 {
            let number = min(UInt8.random(in: 0..<20, using: &random), 9)
            let entry = (key: SessionKey(bytes: [number]), chat: chat("c\(number % 7)", turn: "\(step)"))
            table.store(entry.chat, under: entry.key, now: start)
            expected.removeAll { $0.key == entry.key && $0.chat.id == entry.chat.id }
            let alike = expected.filter { $0.key == entry.key }
            if alike.count == MemorySessionTable.maxAlike, let oldest = alike.first {
                expected.removeAll { $0.key == oldest.key && $0.chat.id == oldest.chat.id }
            }
            expected = expected.suffix(7) + [entry]
            if Int.random(in: 0..<10, using: &random) == 0 {
                _ = table.remove(entry.chat.id)
                expected.removeAll { $0.chat.id == entry.chat.id }
            }
            #expect(table.count == expected.count)
            let found = table.sessions(under: (0..<20).map { SessionKey(bytes: [$0]) }, now: start).joined()
            #expect(Set(found.map(\.turnID)) == Set(expected.map(\.chat.turnID)))
        }
    }

    @Test("an entry of absurd size is not kept")
    func large() {
        var session = chat("c1")
        session.context = String(repeating: "x", count: MemorySessionTable.maxSessionBytes)
        remember(session)
        #expect(table.count == 0)
    }
}
