import Glibc
import PolluxTesting
import Synchronization
import Testing

import PolluxCore

/// Days of a gateway's life in virtual time. The argument is the seed; `POLLUX_SEED=n` runs that one alone.
@Suite("Simulated days", .serialized)
struct SimulationTests {
    @Test("every rule holds in every seed", arguments: SimulationSeeds.all)
    func holds(seed: Int) {
        let report = SimulationSeeds.report(of: seed)
        if let violation = report.violation {
            Issue.record("\(violation)\n\(SimulationSeeds.replay(seed))\n\(report.lastLines.joined(separator: "\n"))")
        }
    }

    @Test("one seed is one run: its jobs, times and answers are the same again", arguments: [1, 7, 23])
    func repeats(seed: Int) {
        let (first, second) = (SimulationSeeds.report(of: seed), SimulatedWorld.run(seed: UInt64(seed)))
        #expect(first.hash == second.hash)
        #expect(first.steps == second.steps)
        #expect(first.hash != SimulationSeeds.report(of: seed + 1).hash)
    }

    @Test(
        "between them the seeds meet everything that the rules are about", .enabled(if: SimulationSeeds.all.count >= 50)
    )
    func variety() {
        let reports = SimulationSeeds.all.prefix(50).map(SimulationSeeds.report(of:))
        var tally: [String: Int] = [:]
        for report in reports { tally.merge(report.tally, uniquingKeysWith: +) }
        let met = SimulationSeeds.needed.filter { tally[$0, default: 0] == 0 }
        #expect(met.isEmpty, "never happened: \(met)")
        let days = reports.map { $0.length / .seconds(86_400) }.reduce(0, +) / Double(reports.count)
        #expect(days > 0.5, "a seed lasts \(days) days")
    }
}

enum SimulationSeeds {
    static let all: Range<Int> = {
        if let seed = variable("POLLUX_SEED").flatMap({ Int($0) }) { return seed..<seed + 1 }
        return 0..<(variable("POLLUX_LONG") == nil ? 50 : 1000)
    }()

    static func replay(_ seed: Int) -> String {
        "replay with: POLLUX_SEED=\(seed) swift test --filter SimulationTests"
    }

    /// What must happen somewhere: else the rules about it are never put to the test.
    static let needed =
        Deed.allCases.map(\.rawValue) + [
            "answered", "retry", "same account again", "pauses", "queues", "queue full", "waited in vain",
            "budget spent", "commits by clock", "commits by content", "wall clock", "rotated",
            "leaves while waiting", "leaves while attempting", "leaves while between",
            "runs out of time while waiting", "runs out of time while attempting", "fails with noAccountAvailable",
            "fails with unsupported", "fails with cancelled",
        ]

    private static let known = Mutex<[Int: SimulatedWorld.Report]>([:])

    /// Each seed is run once, whoever asks for it.
    static func report(of seed: Int) -> SimulatedWorld.Report {
        if let report = known.withLock({ $0[seed] }) { return report }
        let report = SimulatedWorld.run(seed: UInt64(seed))
        known.withLock { $0[seed] = report }
        return report
    }

    static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}
