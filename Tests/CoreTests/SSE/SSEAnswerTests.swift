import PolluxCore
import PolluxTesting
import Testing

@Suite("An answer of server-sent events")
struct SSEAnswerTests {
    /// `t` is text, `end` the end, `bad` an error.
    private struct Decoder: SSEAnswerDecoder {
        mutating func decode(_ event: SSEEvent, into events: inout [ModelEvent]) throws(GatewayError) {
            switch String(decoding: event.data, as: UTF8.self) {
            case "end": events += [.finished(.stop), .ended]
            case "none": break
            case "bad": throw GatewayError(.upstreamError, .endpoint, "bad")
            case "half":
                events.append(.textDelta("half"))
                throw GatewayError(.upstreamError, .endpoint, "bad")
            case let text: events.append(.textDelta(text))
            }
        }
    }

    private func outcome(_ pieces: [String]) async -> (events: [ModelEvent], error: GatewayError.Kind?) {
        var answer = SSEAnswer(SSEPieces(pieces), Decoder(), time: ManualTime())
        var events: [ModelEvent] = []
        do {
            while let event = try await answer.next() { events.append(event) }
            return (events, nil)
        } catch {
            return (events, error.kind)
        }
    }

    @Test("events are handed over in order, whatever they are cut into, until the last one")
    func whole() async {
        for pieces in [["data: a\n\ndata: none\n\ndata: end\n\ndata: late\n\n"], ["data: a\n", "\ndata: e", "nd\n\n"]] {
            let (events, error) = await outcome(pieces)
            #expect(events == [.textDelta("a"), .finished(.stop), .ended])
            #expect(error == nil)
        }
    }

    @Test("a body that ends before the answer does was cut off")
    func cut() async {
        let (events, error) = await outcome(["data: a\n\ndata: en"])
        #expect(events == [.textDelta("a")])
        #expect(error == .upstreamTruncated)
    }

    @Test(
        "what came in front of an error is delivered first", arguments: ["data: a\n\ndata: bad\n\n", "data: half\n\n"])
    func errorBehindText(_ text: String) async {
        let (events, error) = await outcome([text])
        #expect(events.count == 1)
        #expect(error == .upstreamError)
    }

    @Test("nothing is read before it is asked for, and behind the end the transfer is given back")
    func demand() async throws {
        let body = SSEPieces(["data: a\n\n", "data: end\n\n"], isReady: false)
        var answer = SSEAnswer(body, Decoder(), time: ManualTime())
        #expect(!answer.isReady)
        #expect(body.reads == 0)
        _ = try await answer.next()
        #expect(body.reads == 1)
        while try await answer.next() != nil {}
        #expect(body.isGivenBack)
        #expect(try await answer.next() == nil)
    }
}
