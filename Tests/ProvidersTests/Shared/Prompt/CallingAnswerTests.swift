import PolluxCore
import Testing

@testable import PolluxProviders

/// Events in their order, then a failure if there is one.
struct EventScript: EventSource {
    var events: [ModelEvent]
    var failure: GatewayError?

    init(_ events: [ModelEvent], failure: GatewayError? = nil) { (self.events, self.failure) = (events, failure) }

    mutating func next() async throws(GatewayError) -> ModelEvent? {
        if events.isEmpty, let failure { throw failure }
        return events.isEmpty ? nil : events.removeFirst()
    }

    static func drain(_ source: some EventSource) async throws(GatewayError) -> [ModelEvent] {
        var source = source
        var events: [ModelEvent] = []
        while let event = try await source.next() { if event != .heartbeat { events.append(event) } }
        return events
    }
}

@Suite("An answer whose blocks have become calls")
struct CallingAnswerTests {
    private let request = PromptCases.asking("Hi", tools: [PromptCases.weather, PromptCases.now])
    private let blocks = """
        ```pollux-call
        {"name": "get_weather", "arguments": {"city": "Ulm"}}
        ```
        ```pollux-call
        {"name": "now", "arguments": {}}
        ```
        """

    private func answer(
        _ texts: [String], finish: FinishReason = .stop, to request: ModelRequest? = nil, id: String = "rc_1"
    ) async throws -> [ModelEvent] {
        var events: [ModelEvent] = [.started(responseID: id, model: "m")]
        events += texts.map { .textDelta($0) }
        events += [.finished(finish), .ended]
        return try await EventScript.drain(CallingAnswer(EventScript(events), to: request ?? self.request))
    }

    @Test("text comes first, then each call with its arguments, then the reason")
    func calls() async throws {
        let events = try await answer(["I shall ", "look.\n\n" + blocks])
        let ids = [CallID.make(turn: "rc_1", index: 0), CallID.make(turn: "rc_1", index: 1)]
        #expect(
            events == [
                .started(responseID: "rc_1", model: "m"), .textDelta("I shall"), .textDelta(" look."),
                .toolCallStarted(index: 0, id: ids[0], name: "get_weather"),
                .toolCallArgumentsDelta(index: 0, #"{"city":"Ulm"}"#),
                .toolCallStarted(index: 1, id: ids[1], name: "now"), .toolCallArgumentsDelta(index: 1, "{}"),
                .finished(.toolCalls), .ended,
            ])
    }

    @Test("a call's id is the same for the same answer, and another for every other call")
    func ids() {
        // The first 24 digits that `printf 'rc_1\0000' | sha256sum` prints.
        #expect(CallID.make(turn: "rc_1", index: 0) == "call_9955e17ebf2b2a37949b1d99")
        let ids = Set(["rc_1", "rc_2"].flatMap { turn in (0..<20).map { CallID.make(turn: turn, index: $0) } })
        #expect(ids.count == 40)
        #expect(ids.allSatisfy { $0.utf8.count == 29 })
    }

    @Test("an answer without an id of its own takes the request's")
    func noID() async throws {
        let events = try await answer([blocks], id: "")
        #expect(events.contains(.toolCallStarted(index: 1, id: CallID.make(turn: "req-1", index: 1), name: "now")))
    }

    @Test(
        "an answer that was cut keeps its reason, since a call may be missing",
        arguments: [
            FinishReason.length, .filtered("x"),
        ])
    func cut(reason: FinishReason) async throws {
        let events = try await answer([blocks], finish: reason)
        #expect(events.finish == reason)
        #expect(events.contains { if case .toolCallStarted = $0 { true } else { false } })
    }

    @Test("text without calls is untouched")
    func noCalls() async throws {
        let events = try await answer(["A ``", "` fence.\n", "```\n"])
        #expect(events.text == "A ``` fence.\n```\n")
        #expect(events.finish == .stop)
    }

    @Test("where no function is offered or allowed, a block is text")
    func notOffered() async throws {
        var none = request
        none.toolChoice = .none
        var named = request
        named.toolChoice = .mustCall(["now"])
        #expect(try await answer([blocks], to: PromptCases.asking("Hi")).text == blocks)
        #expect(try await answer([blocks], to: none).text == blocks)
        let events = try await answer([blocks], to: named)
        #expect(events.text.hasSuffix(#"{"name": "get_weather", "arguments": {"city": "Ulm"}}"# + "\n```"))
        #expect(events.filter { if case .toolCallStarted = $0 { true } else { false } }.count == 1)
    }

    @Test("an answer that breaks off shows no half call")
    func broken() async throws {
        let failure = GatewayError(.upstreamReset, .endpoint, "gone")
        var source = CallingAnswer(
            EventScript([.textDelta("Look:\n```pollux-call\n{\"na")], failure: failure), to: request)
        #expect(try await source.next() == .textDelta("Look:"))
        let error = await #expect(throws: GatewayError.self) { try await source.next() }
        #expect(error == failure)
        let ended = try await EventScript.drain(
            CallingAnswer(EventScript([.textDelta("a\n```pollux-call\n{"), .ended]), to: request))
        #expect(ended == [.textDelta("a"), .ended])
    }

    @Test("a call beyond every measure ends the answer, in bounded memory")
    func tooLarge() async throws {
        let piece = String(repeating: "x", count: 1 << 20)
        let events = [.textDelta("```pollux-call\n{\"")] + [ModelEvent](repeating: .textDelta(piece), count: 9)
        let error = await #expect(throws: GatewayError.self) {
            try await EventScript.drain(CallingAnswer(EventScript(events), to: request))
        }
        #expect(error?.kind == .upstreamTooLarge)
    }
}
