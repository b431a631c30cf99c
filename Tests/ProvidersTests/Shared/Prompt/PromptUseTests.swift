import PolluxCore
import Synchronization
import Testing

@testable import PolluxProviders

/// A provider as the note on `PromptWriter` describes it, with an upstream that answers from a list.
private final class TextOnlyProvider: Sendable {
    let sent = Mutex<[String]>([])
    let replies: Mutex<[String]>
    let book = SessionBook(MemorySessionTable())
    let now = Instant(microseconds: 0)

    init(replies: [String]) { self.replies = Mutex(replies) }

    private func ask(_ prompt: String) -> EventScript {
        sent.withLock { $0.append(prompt) }
        let reply = replies.withLock { $0.removeFirst() }
        return EventScript([.started(responseID: "rc", model: "m"), .textDelta(reply), .finished(.stop), .ended])
    }

    func answer(_ request: ModelRequest) async throws(GatewayError) -> ModelResponse.Candidate {
        if let refusal = PromptWriter.refusal(of: request) { throw refusal }
        let keys = ConversationKeys(request)
        let reused = book.reuse(keys, account: "amber", now: now)
        let writer = PromptWriter(request)
        let prompt = try reused == nil ? writer.newChat() : writer.continuation(after: reused?.turnCount ?? 0)
        let fitted = try prompt.fitted(maxPromptBytes: 120_000, maxFileBytes: 900_000)
        var answer: any EventSource = CallingAnswer(ask(fitted.text), to: request)
        if let wanted = StructuredAnswer(request.output) {
            answer = StructuredSource(answer, wanted) { prompt in
                CallingAnswer(self.ask(prompt), to: request)
            }
        }
        var reducer = ModelResponseReducer()
        while let event = try await answer.next() { reducer.apply(event) }
        let parts = reducer.response.candidates.first?.parts ?? []
        let turn = sent.withLock { $0.count }
        let chat = ChatSession(account: "amber", chatID: "c1", turnID: "r\(turn)", answerID: "rc\(turn)")
        book.store(chat, under: [keys.key(afterAnswer: parts)], name: keys.name, after: reused, now: now)
        return reducer.response.candidates.first ?? ModelResponse.Candidate()
    }
}

@Suite("Prompt: the parts together")
struct PromptUseTests {
    @Test("an agent's loop: a call, its result in the same chat, then an answer in a form, repaired once")
    func agent() async throws {
        let provider = TextOnlyProvider(replies: [
            "Looking.\n```pollux-call\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Ulm\"}}\n```", "sunny",
            "```json\n{\"weather\": \"sunny\"}\n```",
        ])
        var request = PromptCases.asking("Weather in Ulm?", tools: [PromptCases.weather])
        request.output = .json
        let first = try await provider.answer(request)
        #expect(first.finish == .toolCalls)
        #expect(first.parts.first == .text("Looking."))
        guard case .toolCall(let call)? = first.parts.last?.content else {
            Issue.record("the block must have become a call")
            return
        }
        #expect(call.name == "get_weather")

        // The client's SDK writes the arguments its own way and drops what it does not know.
        request.turns.append(
            Turn(.model, [.text("Looking."), PromptCases.call("get_weather", #"{ "city":"Ulm" }"#, id: call.id)]))
        request.turns.append(Turn(.user, [PromptCases.result("sunny", id: call.id)]))
        let second = try await provider.answer(request)
        #expect(second.parts == [.text(#"{"weather": "sunny"}"#)])

        let sent = provider.sent.withLock { $0 }
        #expect(sent.count == 3)
        #expect(sent[0].contains("# FUNCTIONS"))
        #expect(sent[1].hasPrefix("Functions as before"))
        #expect(!sent[1].contains("Weather in Ulm?"))
        #expect(sent[1].contains(#"{"name": "get_weather", "id": "\#(call.id)", "content": "sunny"}"#))
        #expect(
            sent[2] == "Your reply was not valid: it holds no JSON object. Send only the corrected JSON code block.")

        request.turns += [Turn(.model, second.parts), Turn(.user, [.text("And in Bonn?")])]
        provider.replies.withLock { $0 = ["{}"] }
        _ = try await provider.answer(request)
        #expect(provider.sent.withLock { $0.last }?.hasSuffix("# CONVERSATION\n## user\nAnd in Bonn?") == true)
    }
}
