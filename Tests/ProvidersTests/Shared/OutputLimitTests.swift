import PolluxCore
import Testing

@testable import PolluxProviders

@Suite("The limit on output tokens")
struct OutputLimitTests {
    private struct Fixed: EventSource {
        var events: ArraySlice<ModelEvent>
        mutating func next() async throws(GatewayError) -> ModelEvent? { events.popFirst() }
    }

    private func run(_ deltas: [String], limit: Int) async throws -> [ModelEvent] {
        let events: [ModelEvent] =
            [.started(responseID: "", model: "m"), .reasoningDelta("some thoughts")] + deltas.map { .textDelta($0) }
            + [.finished(.stop), .usage(Usage(inputTokens: 3, outputTokens: 2)), .ended]
        var source = OutputLimit(Fixed(events: events[...]), tokens: limit, inputTokens: 3)
        var found: [ModelEvent] = []
        while let event = try await source.next() { found.append(event) }
        return found
    }

    @Test("an answer within the limit passes unchanged")
    func within() async throws {
        let events = try await run(["12345678"], limit: 2)
        #expect(events.text == "12345678")
        #expect(events.finish == .stop)
        #expect(events.usages == [Usage(inputTokens: 3, outputTokens: 2)])
    }

    @Test("at the limit the text is cut, however it came, and the answer ends with length", arguments: [1, 3, 12])
    func cut(pieceSize: Int) async throws {
        let text = Array("123456789abc")
        let pieces = stride(from: 0, to: text.count, by: pieceSize).map {
            String(text[$0..<min(text.count, $0 + pieceSize)])
        }
        let events = try await run(pieces, limit: 2)
        #expect(events.text == "12345678")
        #expect(events.finish == .length)
        #expect(events.endings == 1)
        #expect(events.usages.first?.isEstimated == true)
        #expect(events.usages.first?.outputTokens == 2)
    }

    @Test("characters stay whole")
    func whole() async throws {
        #expect(try await run(["1234", "😀😀"], limit: 3).text == "1234😀")
    }
}
