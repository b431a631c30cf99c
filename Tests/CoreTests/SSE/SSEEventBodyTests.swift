import PolluxCore
import Synchronization
import Testing

@Suite("SSE event body")
struct SSEEventBodyTests {
    @Test("events come in order over any cut; a ready event needs no further read")
    func order() async throws {
        let body = SSEPieces(["data: 1\n\ndata: 2\n\ndat", "a: 3\n\n"])
        var events = SSEEventBody(body, time: SSEClock())
        #expect(!events.isReady)
        #expect(try await events.next()?.data == Array("1".utf8))
        #expect(events.isReady)
        #expect(try await events.next()?.data == Array("2".utf8))
        #expect(!events.isReady)
        #expect(body.reads == 1)
        #expect(try await events.next()?.data == Array("3".utf8))
        #expect(try await events.next() == nil)
        #expect(!events.endedInsideEvent)
    }

    @Test("a body that ends inside an event ends the events, and shows")
    func cut() async throws {
        var events = SSEEventBody(SSEPieces(["data: 1\n\ndata: half"]), time: SSEClock())
        #expect(try await events.next() != nil)
        #expect(try await events.next() == nil)
        #expect(events.endedInsideEvent)
    }

    @Test("comments alone run into the no-payload deadline")
    func commentsOnly() async throws {
        let clock = SSEClock()
        let body = SSEPieces(repeating: ": ping\n\n", count: 100) { clock.advance(by: .seconds(15)) }
        var events = SSEEventBody(body, time: clock)
        let error = await #expect(throws: GatewayError.self) { try await events.next() }
        #expect(error?.kind == .upstreamTimeout)
        #expect(body.reads == 8)
    }

    @Test("a large event that arrives slowly is payload all the time")
    func slowEvent() async throws {
        let clock = SSEClock()
        let body = SSEPieces(["data: "] + Array(repeating: "x", count: 50) + ["\n\n"]) {
            clock.advance(by: .seconds(100))
        }
        var events = SSEEventBody(body, time: clock)
        #expect(try await events.next()?.data.count == 50)
    }

    @Test("an event beyond the limit fails after the events before it were delivered")
    func limit() async throws {
        var events = SSEEventBody(SSEPieces(["data: 1\n\ndata: 12345\n\n"]), time: SSEClock(), maxEventBytes: 4)
        #expect(try await events.next()?.data == Array("1".utf8))
        #expect(events.isReady)
        let error = await #expect(throws: GatewayError.self) { try await events.next() }
        #expect(error?.kind == .upstreamTooLarge)
    }

    @Test("the writer's events are what the parser reads")
    func writer() throws {
        var bytes: [UInt8] = []
        SSEWriter.appendComment("ping", to: &bytes)
        SSEWriter.appendEvent(Array("{}".utf8), to: &bytes)
        SSEWriter.appendEvent(Array("{\"a\":1}".utf8), type: "delta", to: &bytes)
        SSEWriter.beginEvent(in: &bytes)
        bytes += "[DONE]".utf8
        SSEWriter.endEvent(in: &bytes)
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == ": ping\n\ndata: {}\n\nevent: delta\ndata: {\"a\":1}\n\ndata: [DONE]\n\n")
        var parser = SSEParser()
        parser.push(bytes)
        #expect(try parser.next() == SSEEvent(data: Array("{}".utf8)))
        #expect(try parser.next()?.type == "delta")
    }
}

private final class SSEClock: TimeSource {
    private let microseconds = Atomic<Int64>(0)
    var now: Instant { Instant(microseconds: microseconds.load(ordering: .relaxed)) }
    var wallNow: WallTime { WallTime(microseconds: 0) }
    func advance(by duration: Duration) { microseconds.add(duration.microseconds, ordering: .relaxed) }
    func sleep(until deadline: Instant) async throws(GatewayError) {}
}
