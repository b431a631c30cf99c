import PolluxCore
import PolluxSimulator
import PolluxTesting
import Testing

/// Limits met exactly: gateway, server and simulators go by one clock that the test moves. Where another timer has the
/// same length, the limit is another second, so that a test cannot take the one for the other.
@Suite("Deadlines of a whole gateway, by a clock that stands still", .serialized)
struct DeadlineTests {
    private let time = ManualTime()
    private let tick = Duration.microseconds(1)

    @Test("an upstream that says nothing is given up after timeouts.first_byte: 504")
    func firstByte() async throws {
        let setup = Family.openAICompatible.setup(", timeouts: {first_byte: 61s}")
        try await TestGateway.with(setup, time: time) { [time, tick] gateway in
            let client = try gateway.startChat("[[sim:headerstall]] x", stream: false)
            await time.untilSomeoneWaits(until: time.now + .seconds(61))
            time.advance(by: .seconds(61) - tick)
            #expect(try !client.hasBytes(within: .zero))
            time.advance(by: tick)
            let reply = try client.reply()
            #expect((reply.status, reply.errorCode) == (504, "upstream_timeout"))
        }
    }

    @Test("a stream that falls silent is kept alive every 15 s and broken off after timeouts.gap")
    func gap() async throws {
        try await TestGateway.with(time: time) { [time] gateway in
            let client = try gateway.startChat("[[sim:stall=2]] never ends")
            _ = try client.head()
            await time.untilSomeoneWaits(until: time.now + .seconds(45))
            for _ in 0..<2 {
                time.advance(by: .seconds(15))
                while let piece = try client.piece(), !String(decoding: piece, as: UTF8.self).hasPrefix(": ") {}
            }
            time.advance(by: .seconds(15))
            var rest: [UInt8] = []
            while let piece = try client.piece() { rest += piece }
            let text = String(decoding: rest, as: UTF8.self)
            #expect(text.contains("\"code\":\"upstream_timeout\""), "\(text)")
            #expect(!text.contains("[DONE]"))
        }
    }

    @Test("X-Request-Timeout holds to the microsecond")
    func requestTimeout() async throws {
        try await TestGateway.with(time: time) { [time, tick] gateway in
            let client = try RawClient(port: gateway.port)
            let body = TestGateway.chatBody("[[sim:headerstall]] x")
            try client.send(
                TestGateway.request("POST", "/v1/chat/completions", fields: ["X-Request-Timeout: 7.5"], body: body))
            await time.untilSomeoneWaits(until: time.now + .milliseconds(7500))
            time.advance(by: .milliseconds(7500) - tick)
            #expect(try !client.hasBytes(within: .zero))
            time.advance(by: tick)
            #expect(try client.reply().status == 504)
        }
    }

    @Test("a request waits for a busy account for queue.max_wait, not longer")
    func queue() async throws {
        let setup = Family.openAICompatible.setup(topLevel: "retry: {max_retries: 0}\nqueue: {max_wait: 31s}")
        try await TestGateway.with(setup, time: time) { [time, tick] gateway in
            let running = try gateway.startChat("[[sim:stall=1]] first")
            _ = try running.head()
            let waiting = try gateway.startChat("second", stream: false)
            await time.untilSomeoneWaits(until: time.now + .seconds(31))
            time.advance(by: .seconds(31) - tick)
            #expect(try !waiting.hasBytes(within: .zero))
            time.advance(by: tick)
            let reply = try waiting.reply()
            #expect((reply.status, reply.errorCode) == (503, "no_account_available"))
            running.close()
        }
    }

    @Test("an account rests after a 429 for exactly as long as its upstream asked")
    func rest() async throws {
        try await TestGateway.with(time: time) { [time, tick] gateway in
            try gateway.simulator(.openAICompatible).control.add(FaultRule(status: 429, retryAfter: 77))
            #expect(try gateway.chat("hello").status == 429)
            time.advance(by: .seconds(37))
            let refused = try gateway.chat("hello")
            #expect(refused.status == 503)
            #expect(refused.head["retry-after"] == "40")
            time.advance(by: .seconds(40) - tick)
            #expect(try gateway.pool("local").shortage().cooling == 1)
            time.advance(by: tick)
            #expect(try gateway.chat("hello").status == 200)
        }
    }
}
