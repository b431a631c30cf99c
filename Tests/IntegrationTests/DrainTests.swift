import PolluxCore
import PolluxTesting
import Synchronization
import Testing

@testable import PolluxApp

@Suite("The drain, step by step (R-4)", .serialized)
struct DrainTests {
    private let time = ManualTime()

    @Test("unready at once; the port closes after drain.delay; answers have drain.timeout to end; then they are cut")
    func steps() async throws {
        var setup = Family.openAICompatible.setup(", pool: {max_in_flight: 9}")
        setup.topLevel = "drain: {delay: 5s, timeout: 30s}"
        try await TestGateway.with(setup, time: time) { [time, setup] gateway in
            let idle = try RawClient(port: gateway.port)
            try idle.send(TestGateway.request("GET", "/healthz"))
            #expect(try idle.reply().head["connection"] == nil)
            let endless = try gateway.startChat("[[sim:stall=2]] never ends")
            _ = try endless.head()
            let silent = try gateway.startChat("[[sim:headerstall]] never begins", stream: false)
            let slow = try gateway.startChat("[[sim:slow=1000,chunks=12]] ends in time", stream: false)
            await time.untilSomeoneWaits(until: time.now + .seconds(1))
            #expect(eventually { gateway.gateway.load.inFlight.load(ordering: .relaxed) == 3 })

            let drain = Task { await gateway.running.drain() }
            await time.untilSomeoneWaits(until: time.now + .seconds(5))
            let ready = try gateway.ask("GET", "/readyz", key: nil)
            #expect(ready.status == 503)
            #expect(ready.text.contains("the gateway is shutting down"))
            #expect(try gateway.chat("still served").status == 200)
            await #expect(throws: GatewayError.self) { try await gateway.reload(setup) }

            time.advance(by: .seconds(5))
            let cut = time.now + .seconds(30)
            await time.untilSomeoneWaits(until: cut)
            #expect(idle.isClosedByServer(), "an idle connection is closed")
            #expect(eventually { (try? RawClient(port: gateway.port)) == nil }, "the port is closed")
            for _ in 0..<25 where try !slow.hasBytes(within: .milliseconds(20)) { time.advance(by: .seconds(1)) }
            let whole = try slow.reply()
            #expect(whole.status == 200)
            #expect(whole.head["connection"] == "close", "its connection is not kept")
            #expect(try !silent.hasBytes(within: .zero))

            time.advance(by: cut - time.now)
            let refused = try silent.reply()
            #expect((refused.status, refused.errorCode) == (503, "server_shutting_down"))
            var rest: [UInt8] = []
            while let piece = try endless.piece() { rest += piece }
            let text = String(decoding: rest, as: UTF8.self)
            #expect(text.contains("\"code\":\"server_shutting_down\""), "\(text)")
            #expect(!text.contains("[DONE]"))
            #expect(endless.isClosedByServer())
            await drain.value
            #expect(gateway.gateway.load.inFlight.load(ordering: .relaxed) == 0)
        }
    }
}
