import PolluxCore
import Testing

@Suite("An answer is the fold of its events")
struct ModelResponseReducerTests {
    private func fold(_ events: [ModelEvent]) -> ModelResponse {
        var reducer = ModelResponseReducer()
        for event in events { reducer.apply(event) }
        return reducer.response
    }

    @Test("text in a row is one part; text behind thoughts, a call or media is another")
    func parts() {
        let image = Media(.image, mimeType: "image/png", .inline([1]))
        let response = fold([
            .started(responseID: "r", model: "m"), .reasoningDelta("a"), .reasoningDelta("b"), .textDelta("c"),
            .textDelta("d"), .media(image), .textDelta("e"), .refusalDelta("f"), .refusalDelta("g"), .finished(.stop),
            .ended,
        ])
        #expect(response.id == "r")
        #expect(response.model == "m")
        #expect(
            response.candidates.first?.parts == [
                Part(.reasoning("ab")), .text("cd"), Part(.media(image)), .text("e"), Part(.refusal("fg")),
            ])
        #expect(response.candidates.first?.finish == .stop)
    }

    /// With a copy for each piece this would move half a terabyte.
    @Test("an answer costs in proportion to its length, in however many pieces it comes", .timeLimit(.minutes(1)))
    func manyPieces() {
        let piece = String(repeating: "x", count: 400)
        var reducer = ModelResponseReducer()
        for _ in 0..<50_000 { reducer.apply(.textDelta(piece)) }
        for _ in 0..<50_000 { reducer.apply(.reasoningDelta(piece)) }
        let lengths = reducer.response.candidates.first?.parts.map { part in
            switch part.content {
            case .text(let text), .reasoning(let text): text.utf8.count
            default: 0
            }
        }
        #expect(lengths == [20_000_000, 20_000_000])
    }

    @Test("a signature belongs to the part before it and closes it")
    func signature() {
        let response = fold([.reasoningDelta("a"), .signature([1, 2]), .reasoningDelta("b"), .textDelta("c")])
        #expect(
            response.candidates.first?.parts == [
                Part(.reasoning("a"), signature: [1, 2]), Part(.reasoning("b")), .text("c"),
            ])
        #expect(fold([.signature([3])]).candidates.first?.parts == [Part(.text(""), signature: [3])])
    }

    @Test("arguments find their call by its number among the calls, also when they come interleaved")
    func calls() {
        let response = fold([
            .textDelta("let me"), .toolCallStarted(index: 0, id: "c0", name: "f"),
            .toolCallStarted(index: 1, id: "c1", name: "g"), .toolCallArgumentsDelta(index: 1, "{\"b\""),
            .toolCallArgumentsDelta(index: 0, "{}"), .toolCallArgumentsDelta(index: 1, ":1}"),
            .toolCallArgumentsDelta(index: 7, "nobody's"),
        ])
        #expect(
            response.candidates.first?.parts == [
                .text("let me"), Part(.toolCall(ToolCall(id: "c0", name: "f", rawArguments: "{}"))),
                Part(.toolCall(ToolCall(id: "c1", name: "g", rawArguments: "{\"b\":1}"))),
            ])
    }

    @Test("candidates are kept apart; a number that nobody may ask for is dropped", arguments: [-1, 128, .max, .min])
    func candidates(wild: Int) {
        let response = fold([
            .textDelta("a"), .candidateSelected(2), .textDelta("c"), .finished(.length), .candidateSelected(0),
            .textDelta("b"), .candidateSelected(wild), .textDelta("x"),
        ])
        #expect(response.candidates.map { $0.parts } == [[.text("ab")], [], [.text("c")]])
        #expect(response.candidates.map(\.finish) == [nil, nil, .length])
    }

    @Test("usage replaces what was said before; a blocked prompt keeps its reason")
    func usage() {
        let response = fold([
            .usage(Usage(inputTokens: 1, outputTokens: 1)), .usage(Usage(inputTokens: 5, outputTokens: 7)),
            .promptBlocked(reason: "SAFETY", message: "no"),
        ])
        #expect(response.usage?.totalTokens == 12)
        #expect(response.promptBlock == ModelResponse.PromptBlock(reason: "SAFETY", message: "no"))
        #expect(response.candidates.isEmpty)
        #expect(Usage(inputTokens: .max, outputTokens: 1).totalTokens == .max)
    }

    @Test("content is text, a call, media or a refusal; thoughts alone are none")
    func content() {
        #expect(fold([.textDelta("a")]).candidates[0].hasContent)
        #expect(fold([.refusalDelta("a")]).candidates[0].hasContent)
        #expect(fold([.toolCallStarted(index: 0, id: "", name: "f")]).candidates[0].hasContent)
        #expect(!fold([.reasoningDelta("a"), .textDelta("")]).candidates[0].hasContent)
    }

    @Test("a megabyte of small deltas is folded without copying what is there")
    func large() {
        var reducer = ModelResponseReducer()
        for _ in 0..<100_000 { reducer.apply(.textDelta("0123456789")) }
        guard case .text(let text)? = reducer.response.candidates.first?.parts.first?.content else {
            Issue.record("no text")
            return
        }
        #expect(text.utf8.count == 1_000_000)
    }
}
