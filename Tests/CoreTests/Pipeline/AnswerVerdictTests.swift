import PolluxTesting
import Testing

@testable import PolluxCore

@Suite("When a finished answer is an answer")
struct AnswerVerdictTests {
    private static let call: [ModelEvent] = [
        .toolCallStarted(index: 0, id: "c", name: "f"), .finished(.toolCalls), .ended,
    ]
    private static let media = Media(.image, mimeType: "image/png", .inline([1]))

    @Test(
        "text, a call, media, a refusal, a blocked prompt, or a filter's or limit's word for why there is none",
        arguments: [
            PipelineWorld.good, call, [.media(media), .finished(.stop), .ended],
            [.refusalDelta("no"), .finished(.stop), .ended], [.finished(.filtered("SAFETY")), .ended],
            [.finished(.length), .ended], [.promptBlocked(reason: "SAFETY", message: nil), .ended],
            [.reasoningDelta("hmm"), .textDelta("so"), .finished(.stop), .ended],
        ] as [[ModelEvent]])
    func answers(events: [ModelEvent]) async throws {
        var world = PipelineWorld()
        world.add("p", [.answers(events)])
        #expect(try await world.run().get().attempts == 1)
    }

    @Test(
        "nothing at all, empty text, thoughts alone, or usage alone is the upstream's failure",
        arguments: [
            [.finished(.stop), .ended], [.textDelta(""), .finished(.stop), .ended],
            [.reasoningDelta("hmm"), .finished(.stop), .ended],
            [.usage(Usage(inputTokens: 1)), .heartbeat, .finished(.toolCalls), .ended],
            [.finished(.malformedToolCall), .ended], [.finished(.other("X")), .ended],
        ] as [[ModelEvent]])
    func empty(events: [ModelEvent]) async {
        var world = PipelineWorld()
        world.retry = RetryPolicy(maxRetries: 0)
        world.add("p", [.answers(events)])
        #expect(await world.run().failure?.kind == .upstreamBadResponse)
    }

    @Test(
        "an answer without its end, or whose end names no reason, was cut off",
        arguments: [
            [], [.textDelta("hel")], [.textDelta("hello"), .finished(.stop)], [.textDelta("hello"), .ended], [.ended],
        ] as [[ModelEvent]])
    func truncated(events: [ModelEvent]) async {
        var world = PipelineWorld()
        world.retry = RetryPolicy(maxRetries: 0)
        world.add("p", [.answers(events)])
        #expect(await world.run().failure?.kind == .upstreamTruncated)
    }

    @Test("an empty answer goes to another account, and rests nobody")
    func retried() async throws {
        var world = PipelineWorld()
        world.add("p", accounts: ["a", "b"], [.answers([.finished(.stop), .ended]), .answers(PipelineWorld.good)])
        #expect(try await world.run().get().accountID == "b")
        #expect(world.upstreams[0].pool.shortage().ready == 2)
    }
}
