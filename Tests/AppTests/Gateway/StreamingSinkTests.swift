import PolluxCore
import Testing

@testable import PolluxApp

@Suite("A streamed answer on its way to the client")
struct StreamingSinkTests {
    private let exchange = FakeExchange()
    private let target = RouteTarget(provider: "p", model: "m")

    private func sink(endsByAbort: Bool = false) -> StreamingSink {
        StreamingSink(exchange, extraFields: { [.init(name: "x-request-id", value: "req_1")] }) {
            PlainEncoder(endsByAbort: endsByAbort)
        }
    }

    private func take(_ sink: StreamingSink, _ events: [ModelEvent]) async throws {
        for event in events { try await sink.take(event, more: false) }
    }

    @Test("the head is held back until the first event that a client can use, and goes out with it (T-6)")
    func heldBack() async throws {
        let sink = sink()
        sink.begin(target, attempt: 1)
        sink.upstreamAccepted()
        try await take(sink, [.started(responseID: "r", model: "m"), .heartbeat, .usage(Usage())])
        #expect(exchange.sent.isEmpty && !sink.isCommitted)
        try await take(sink, [.textDelta("hel")])
        #expect(exchange.sent == [.start(200, "[hel")])
        #expect(exchange.sentFields == ["content-type": "text/plain", "x-request-id": "req_1"])
        try await take(sink, [.textDelta("lo"), .finished(.stop), .ended])
        try await sink.finish(after: nil)
        #expect(exchange.sent == [.start(200, "[hel"), .write("lo"), .finish("]")])
    }

    @Test("events that are ready together go out in one write")
    func batches() async throws {
        let sink = sink()
        for word in ["a", "b", "c"] { try await sink.take(.textDelta(word), more: true) }
        #expect(exchange.sent.isEmpty)
        try await sink.take(.textDelta("d"), more: false)
        try await sink.take(.textDelta("e"), more: true)
        try await sink.finish(after: nil)
        #expect(exchange.sent == [.start(200, "abcd"), .finish("e]")])
    }

    @Test("a batch is not gathered beyond 64 KiB")
    func largeBatches() async throws {
        let sink = sink()
        let piece = String(repeating: "x", count: 40 << 10)
        for _ in 0..<2 { try await sink.take(.textDelta(piece), more: true) }
        #expect(exchange.sent == [.start(200, piece + piece)])
    }

    @Test("an error before the first byte leaves the client unanswered, so that it can still be a status")
    func errorBeforeCommit() async throws {
        let sink = sink()
        try await take(sink, [.started(responseID: "r", model: "m")])
        #expect(!sink.isCommitted)
        sink.begin(target, attempt: 2)
        try await take(sink, [.started(responseID: "r2", model: "m"), .textDelta("ok")])
        #expect(exchange.sent == [.start(200, "[ok")], "nothing of the first attempt is left")
    }

    @Test("an error after the first byte ends the stream in the client's own form", arguments: [false, true])
    func errorAfterCommit(endsByAbort: Bool) async throws {
        let sink = sink(endsByAbort: endsByAbort)
        try await take(sink, [.textDelta("hel")])
        try await sink.finish(after: GatewayError(.upstreamReset, .endpoint, ""))
        let end: [FakeExchange.Sent] = endsByAbort ? [.write("!upstreamReset"), .abort] : [.finish("!upstreamReset")]
        #expect(exchange.sent == [.start(200, "hel")] + end)
    }

    @Test("ten seconds after the upstream's yes the stream opens with a keep-alive, and is kept alive from then on")
    func commitClock() async throws {
        let sink = sink()
        #expect(exchange.commitDelay == nil)
        sink.upstreamAccepted()
        #expect(exchange.commitDelay == .seconds(10))
        #expect(exchange.keepAliveInterval == .seconds(15))
        try await take(sink, [.started(responseID: "r", model: "m")])
        exchange.strike()
        #expect(sink.isCommitted)
        #expect(exchange.sent == [.start(200, "~")])
        #expect(exchange.sentFields["x-request-id"] == "req_1")
        try await take(sink, [.heartbeat, .textDelta("late")])
        try await sink.finish(after: nil)
        #expect(exchange.sent == [.start(200, "~"), .write("["), .write("late"), .finish("]")])
    }

    @Test("the clock of a failed attempt does not open the stream; the next attempt's runs anew")
    func clockPerAttempt() async throws {
        let sink = sink()
        sink.begin(target, attempt: 1)
        sink.upstreamAccepted()
        sink.attemptFailed()
        #expect(exchange.commitDelay == nil)
        sink.begin(target, attempt: 2)
        exchange.strike()
        #expect(!sink.isCommitted)
        sink.upstreamAccepted()
        #expect(exchange.commitDelay == .seconds(10))
        exchange.strike()
        #expect(exchange.sent == [.start(200, "~")])
    }

    @Test("an answer without any content is still a whole stream")
    func empty() async throws {
        let sink = sink()
        try await take(sink, [.started(responseID: "r", model: "m"), .finished(.length), .ended])
        try await sink.finish(after: nil)
        #expect(exchange.sent == [.start(200, "[]"), .finish("")])
    }

    @Test("a client that went away ends the work")
    func gone() async throws {
        let sink = sink()
        try await take(sink, [.textDelta("a")])
        exchange.leave()
        await #expect(throws: GatewayError.cancelled) { try await take(sink, [.textDelta("b")]) }
    }
}
