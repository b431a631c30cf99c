import Glibc
import PolluxTesting
import Synchronization
import Testing

@testable import PolluxCore

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
}

enum SimulationSeeds {
    static let all: Range<Int> = {
        if let seed = variable("POLLUX_SEED").flatMap({ Int($0) }) { return seed..<seed + 1 }
        return 0..<(variable("POLLUX_LONG") == nil ? 50 : 1000)
    }()

    static func replay(_ seed: Int) -> String {
        "replay with: POLLUX_SEED=\(seed) swift test --filter SimulationTests"
    }

    private static let known = Mutex<[Int: SimulatedWorld.Report]>([:])

    /// Each seed is run once, whoever asks for it.
    static func report(of seed: Int) -> SimulatedWorld.Report {
        if let report = known.withLock({ $0[seed] }) { return report }
        let report = SimulatedWorld.run(seed: UInt64(seed))
        known.withLock { $0[seed] = report }
        return report
    }

    private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}
