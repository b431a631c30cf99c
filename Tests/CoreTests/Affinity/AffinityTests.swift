import PolluxTesting
import Testing

@testable import PolluxCore

@Suite("Which conversation a request belongs to")
struct AffinityTests {
    private let affinity = Affinity(ConversationRules(), random: SeededRandom(seed: 3))
    private let now = Instant(microseconds: 0)

    /// A request with these turns, the client's and the model's by turns.
    private func request(_ texts: [String], key: String = "k", system: String = "Be brief.") -> ModelRequest {
        var request = ModelRequest(id: "req_1", model: "m")
        request.client.keyID = key
        request.system = [.text(system)]
        request.turns = texts.enumerated().map { Turn($0.offset % 2 == 0 ? .user : .model, [.text($0.element)]) }
        return request
    }

    private func remember(_ request: ModelRequest, _ account: String) {
        affinity.remember(
            affinity.threads(of: request), Favourite(provider: "p", accountID: account), now: now)
    }

    private func favourite(_ request: ModelRequest) -> String? {
        affinity.favourite(of: affinity.threads(of: request), now: now)?.accountID
    }

    @Test("the next request of a conversation begins as the last one did")
    func prefix() {
        remember(request(["Hi"]), "amber")
        #expect(favourite(request(["Hi", "Hello", "How are you?"])) == "amber")
        #expect(favourite(request(["Hi"])) == nil, "a first message continues nothing")
        #expect(favourite(request(["Hey", "Hello", "How are you?"])) == nil)
        #expect(favourite(request(["Hi", "Hello", "How are you?"], system: "Be long.")) == nil)
    }

    @Test("the newest turn that is known decides")
    func newest() {
        remember(request(["Hi"]), "amber")
        remember(request(["Hi", "Hello", "More"]), "birch")
        #expect(favourite(request(["Hi", "Hello", "More", "Sure", "Thanks"])) == "birch")
        #expect(favourite(request(["Hi", "Hello", "Less", "Sure", "Thanks"])) == "amber")
    }

    @Test("another client's conversation is never found, however alike", arguments: ["", "other"])
    func scope(key: String) {
        var mine = request(["Hi"])
        mine.conversation.id = "c1"
        mine.conversation.answerID = "r1"
        mine.conversation.promptCacheKey = "p1"
        remember(mine, "amber")
        remember(request(["Hi"]), "amber")
        var theirs = request(["Hi", "Hello", "More"], key: key)
        #expect(favourite(theirs) == nil)
        theirs.conversation.promptCacheKey = "p1"
        theirs.conversation.previousResponseID = "r1"
        #expect(favourite(theirs) == nil)
        theirs.conversation.id = "c1"
        #expect(favourite(theirs) == nil)
    }

    @Test("a conversation that the client names is known by its name alone")
    func named() {
        var first = request(["Hi"])
        first.conversation.id = "c1"
        remember(first, "amber")
        remember(request(["Hi"]), "birch")
        var second = request(["Something else", "Well", "More"])
        second.conversation.id = "c1"
        #expect(favourite(second) == "amber")
        var stranger = request(["Hi", "Hello", "More"])
        stranger.conversation.id = "c2"
        #expect(favourite(stranger) == nil, "a named conversation is not guessed by its beginning")
    }

    @Test("an answer that is continued by its id counts before the cache key, and that before the beginning")
    func order() {
        remember(request(["Hi"]), "amber")
        var cached = request(["Other"])
        cached.conversation.promptCacheKey = "p1"
        remember(cached, "birch")
        var answered = request(["Third"])
        answered.conversation.answerID = "r1"
        remember(answered, "cedar")

        var next = request(["Hi", "Hello", "More"])
        #expect(favourite(next) == "amber")
        next.conversation.promptCacheKey = "p1"
        #expect(favourite(next) == "birch")
        next.conversation.previousResponseID = "r1"
        #expect(favourite(next) == "cedar")
        next.conversation.previousResponseID = "unknown"
        #expect(favourite(next) == "birch")
    }

    @Test("names of different kinds are kept apart")
    func kinds() {
        var request = request(["Hi"])
        request.conversation.promptCacheKey = "same"
        remember(request, "amber")
        var other = self.request(["Other"])
        other.conversation.previousResponseID = "same"
        #expect(favourite(other) == nil)
        other.conversation.id = "same"
        #expect(favourite(other) == nil)
    }

    @Test("calls, results and media are part of a beginning")
    func parts() {
        let media = Part(.media(Media(.image, mimeType: "image/png", .inline(Array(repeating: 1, count: 20_000)))))
        var changed = Array(repeating: UInt8(1), count: 20_000)
        changed[19_999] = 2
        let contents: [Part] = [
            .text("x"), Part(.reasoning("x")), Part(.refusal("x")), media,
            Part(.media(Media(.image, mimeType: "image/png", .inline(changed)))),
            Part(.media(Media(.image, mimeType: "image/png", .url("x")))),
            Part(.media(Media(.image, mimeType: "image/png", .file(id: "x")))),
            Part(.toolCall(ToolCall(id: "1", name: "x", rawArguments: "{}"))),
            Part(.toolCall(ToolCall(id: "1", name: "x", rawArguments: "{\"a\":1}"))),
            Part(.toolResult(ToolResult(callID: "1", name: "x", parts: [.text("x")]))),
            Part(.toolResult(ToolResult(callID: "1", name: "x", parts: [.text("y")]))),
        ]
        var seen: Set<KeyedHash.Value> = []
        for part in contents {
            var request = request(["Hi"])
            request.turns[0].parts = [part]
            for name in affinity.threads(of: request).records { seen.insert(name) }
        }
        #expect(seen.count == contents.count)
    }

    @Test("a conversation of a thousand turns is looked up by its latest few")
    func long() {
        let texts = (0..<1001).map { "turn \($0)" }
        #expect(affinity.threads(of: request(texts)).lookups.count == 32)
        remember(request(Array(texts.dropLast(2))), "amber")
        #expect(favourite(request(texts)) == "amber")
    }
}
