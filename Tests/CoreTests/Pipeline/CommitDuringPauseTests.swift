import PolluxTesting
import Testing

@testable import PolluxCore

@Suite("A stream that opens between two attempts")
struct CommitDuringPauseTests {
    @Test("once it is open nothing is tried again, though the failure came before (T-6)")
    func opensDuringPause() async {
        var world = PipelineWorld()
        let reset = GatewayError(.upstreamReset, .endpoint, "reset")
        world.add("p", [.breaks([.heartbeat], reset), .answers(PipelineWorld.good)])
        let started = world.time.now
        let (time, running) = (world.time, world)
        let task = Task { await running.run(into: ClockedSink(time, opensAfter: started)) }
        await time.untilSleeping(1)
        time.advance(by: .milliseconds(200))
        #expect(await task.value.failure == reset)
        #expect(world.journal.entries == ["p/a m"])
        #expect(world.upstreams[0].pool.shortage().ready == 1)
    }
}

/// Open as soon as the clock has moved.
private final class ClockedSink: AnswerSink {
    private let time: ManualTime
    private let start: Instant

    init(_ time: ManualTime, opensAfter start: Instant) { (self.time, self.start) = (time, start) }

    var isCommitted: Bool { time.now > start }
    func begin(_ target: RouteTarget, attempt: Int) {}
    func upstreamAccepted() {}
    func take(_ event: ModelEvent, more: Bool) async throws(GatewayError) {}
}
