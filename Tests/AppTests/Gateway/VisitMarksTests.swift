import PolluxCore
import Testing

@testable import PolluxApp

@Suite("When a request came by each place on its way")
struct VisitMarksTests {
    private var marks = VisitMarks(arrival: at(1000))

    private static func at(_ milliseconds: Int64) -> Instant { Instant(microseconds: milliseconds * 1000) }

    @Test("a request without an attempt has a total and nothing else")
    func noAttempt() {
        var marks = marks
        marks.finish(Self.at(1004))
        #expect(marks.total == .milliseconds(4))
        #expect(marks.overhead == nil)
        #expect(marks.untilFirstByte == nil)
        #expect(marks.upstreamFirstByte == nil)
        #expect(marks.serverTiming(Self.at(1005)) == "queue;dur=0.0, total;dur=5.0")
    }

    @Test("the gateway's own share is what neither the client's body nor the line for an account took")
    func overhead() {
        var marks = marks
        marks.received(from: Self.at(1001), to: Self.at(1101))
        marks.admit(Self.at(1103))
        marks.wait(true, Self.at(1104))
        marks.wait(false, Self.at(1504))
        marks.begin(Self.at(1505))
        marks.content(Self.at(1805))
        marks.content(Self.at(1905))
        marks.finish(Self.at(2505))
        #expect(marks.overhead == .milliseconds(5))
        #expect(marks.queued == .milliseconds(400))
        #expect(marks.untilFirstByte == .milliseconds(805))
        #expect(marks.upstreamFirstByte == .milliseconds(300))
        #expect(marks.total == .milliseconds(1505))
        #expect(marks.leased == Self.at(1505))
        #expect(
            marks.serverTiming(Self.at(1806)) == "queue;dur=400.0, account;dur=2.0, upstream;dur=300.0, total;dur=806.0"
        )
    }

    @Test("of several attempts the one that answers counts as the upstream's; those before it are the search")
    func severalAttempts() {
        var marks = marks
        marks.admit(Self.at(1000))
        marks.begin(Self.at(1001))
        marks.content(Self.at(1002))
        marks.begin(Self.at(1100))
        #expect(marks.firstByte == nil, "what a failed attempt had begun is forgotten")
        marks.content(Self.at(1150))
        #expect(marks.overhead == .milliseconds(1))
        #expect(marks.upstreamFirstByte == .milliseconds(50))
        #expect(
            marks.serverTiming(Self.at(1150)) == "queue;dur=0.0, account;dur=100.0, upstream;dur=50.0, total;dur=150.0")
    }

    @Test("a head that goes out before any content says how long the upstream has taken so far")
    func beforeContent() {
        var marks = marks
        marks.admit(Self.at(1000))
        marks.begin(Self.at(1001))
        #expect(
            marks.serverTiming(Self.at(11_001))
                == "queue;dur=0.0, account;dur=1.0, upstream;dur=10000.0, total;dur=10001.0")
    }

    @Test("the first end counts, and a wait that is ended twice counts once")
    func twice() {
        var marks = marks
        marks.finish(Self.at(1010))
        marks.finish(Self.at(1020))
        #expect(marks.total == .milliseconds(10))
        marks.wait(true, Self.at(1000))
        marks.wait(false, Self.at(1001))
        marks.wait(false, Self.at(1009))
        #expect(marks.queued == .milliseconds(1))
    }
}
