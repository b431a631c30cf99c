import PolluxCore
import PolluxTesting

/// What the limits of one request cost, by how many client keys have been seen: run by `make bench`.
///
/// Prints one line of JSON: the number of keys → nanoseconds per request, the median of the rounds. Rounds alternate
/// between the sizes, so that a drift of the machine favours none.
@main
enum LimiterCost {
    private static let sizes = [1, 100, 100_000]
    private static let rounds = 9

    static func main() async throws {
        let asked = try JSON.parse(Array(#"{"requests": "10000000/1m", "burst": 1000000}"#.utf8))
        let (limits, issues) = LimitSet.read(asked)
        precondition(issues.isEmpty, "\(issues)")
        var subjects: [LimitedGateway] = []
        for size in sizes { subjects.append(try await LimitedGateway(limits, keys: size)) }
        var measured = [[Double]](repeating: [], count: sizes.count)
        let random = SeededRandom(seed: 1)
        for round in 0..<rounds {
            for index in round.isMultiple(of: 2) ? Array(sizes.indices) : sizes.indices.reversed() {
                measured[index].append(try await subjects[index].measure(random))
            }
        }
        let found = zip(sizes, measured).map { "\"\($0)\": \(Int($1.sorted()[rounds / 2].rounded()))" }
        print("{\(found.joined(separator: ", "))}")
    }
}

/// The limits of a gateway whose client keys have all been used once.
private struct LimitedGateway {
    private let limiter: RequestLimiter
    private let keys: [OwnedLimits]
    private let time = ManualTime()

    init(_ limits: LimitSet, keys count: Int) async throws {
        limiter = RequestLimiter(LimitSet(), store: MemoryRateLimitStore(), time: time)
        keys = (0..<count).map { OwnedLimits(limits, ofKey: "key-\($0)") }
        for key in keys { try await admit(key) }
    }

    private func admit(_ key: OwnedLimits) async throws {
        time.advance(by: .microseconds(20))
        let admission = try await limiter.admit(key: key, model: "gemini-2.5-pro", tokens: TokenReservation())
        precondition(admission.decision.isAllowed, "nobody meets these limits")
        admission.settle(spent: 0)
    }

    /// Nanoseconds per request of keys drawn at random.
    func measure(_ random: SeededRandom) async throws -> Double {
        let requests = 200_000
        let start = ContinuousClock.now
        for _ in 0..<requests { try await admit(keys[Int(random.below(UInt64(keys.count)))]) }
        let elapsed = (ContinuousClock.now - start).components
        return (Double(elapsed.seconds) * 1e9 + Double(elapsed.attoseconds) / 1e9) / Double(requests)
    }
}
