import PolluxCore
import Testing

@Suite("What an answer cost")
struct UsageMeterTests {
    private func meter(_ events: [ModelEvent], estimating: Bool = true) -> UsageMeter {
        var meter = UsageMeter(estimating: estimating)
        for event in events { meter.note(event) }
        return meter
    }

    private let text = ModelEvent.textDelta("sixteen letters.")

    @Test("the upstream's report is what counts; the last one replaces those before")
    func reported() {
        let meter = meter([
            text, .usage(Usage(inputTokens: 5, outputTokens: 9)),
            .usage(Usage(inputTokens: 5, outputTokens: 1, reasoningTokens: 7)),
        ])
        #expect(meter.charge(prompt: 100, wasDelivered: true) == 13)
        #expect(meter.charge(prompt: 100, wasDelivered: false) == 13)
    }

    @Test("an answer without a report costs its prompt and what was delivered")
    func estimated() {
        let events: [ModelEvent] = [
            text, .reasoningDelta("1234"), .toolCallStarted(index: 0, id: "c", name: "look"),
            .toolCallArgumentsDelta(index: 0, "{}"), .heartbeat, .finished(.stop), .ended,
        ]
        #expect(meter(events).charge(prompt: 100, wasDelivered: true) == 107)
    }

    @Test("what the client never got, and the upstream reports nothing of, costs nothing")
    func undelivered() {
        #expect(meter([text]).charge(prompt: 100, wasDelivered: false) == 0)
        #expect(meter([.heartbeat]).charge(prompt: 100, wasDelivered: true) == 0)
    }

    @Test("reports are noted also where nobody counts what comes")
    func reportsOnly() {
        #expect(meter([text], estimating: false).delivered == 0)
        let reporting = meter([text, .usage(Usage(inputTokens: 2, outputTokens: 3))], estimating: false)
        #expect(reporting.reported?.totalTokens == 5)
    }
}
