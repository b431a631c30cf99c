import PolluxTesting
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

    @Test("one seed is one run: its jobs, times and answers are the same again", arguments: SimulationSeeds.repeated)
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
