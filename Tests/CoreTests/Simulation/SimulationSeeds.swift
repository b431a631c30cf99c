import Glibc
import Synchronization

enum SimulationSeeds {
    static let all: Range<Int> = {
        if let seed = variable("POLLUX_SEED").flatMap({ Int($0) }) { return seed..<seed + 1 }
        return 0..<(variable("POLLUX_LONG") == nil ? 50 : 1000)
    }()

    /// Run twice, to compare.
    static let repeated = all.count == 1 ? Array(all) : [7, 15, 23, 48]

    static func replay(_ seed: Int) -> String {
        "replay with: POLLUX_SEED=\(seed) swift test --filter SimulationTests"
    }

    /// What must happen somewhere: else the rules about it are never put to the test.
    static let needed =
        Deed.allCases.map(\.rawValue) + [
            "answered", "retry", "same account again", "pauses", "queues", "queue full", "waited in vain",
            "budget spent", "commits by clock", "commits while between", "commits by content", "wall clock", "rotated",
            "leaves while waiting", "leaves while attempting", "leaves while between",
            "runs out of time while waiting", "runs out of time while attempting", "fails with noAccountAvailable",
            "chooses fill-first", "chooses least-in-flight", "chooses round-robin", "least of many", "shares told",
            "source goes", "several sources", "suspended", "probed", "endpoint suspended", "endpoint probed",
            "the endpoint's fault", "released", "paced", "quota spent",
            "order in several lines", "another key's turn", "earliest of several",
            "returns to its account", "favourite passed over", "names of several keys",
            "fails with unsupported", "fails with cancelled",
        ]

    private static let known = Mutex<[Int: SimulatedWorld.Report]>([:])

    /// Each seed is run once, whoever asks for it.
    static func report(of seed: Int) -> SimulatedWorld.Report {
        if let report = known.withLock({ $0[seed] }) { return report }
        let report = CrashNote.during(replay(seed)) {
            SimulatedWorld.run(seed: UInt64(seed), isTold: variable("POLLUX_TRACE") != nil)
        }
        known.withLock { $0[seed] = report }
        return report
    }

    private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}
