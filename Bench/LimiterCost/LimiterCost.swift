import PolluxCore
import PolluxTesting

/// What the limits of one request cost, by how many counters there are: run by `make bench`.
///
/// Everything that a limited request does for its limits is in it: the estimate of its tokens, the decision, the fields
/// of its answer, the correction when it is known what was spent. Each client key has two counters, of requests and of
/// tokens. Prints one line of JSON: the number of counters → nanoseconds per request, the median of the rounds. Rounds
/// alternate between the sizes, so that a drift of the machine favours none.
@main
enum LimiterCost {
    private static let sizes = [2, 100, 100_000]
    private static let rounds = 9

    static func main() async throws {
        let asked: JSON = ["requests": "10000000/1m", "burst": 1_000_000, "tokens": "2000000000/1m"]
        let (limits, issues) = LimitSet.read(asked)
        precondition(issues.isEmpty, "\(issues)")
        var subjects: [LimitedGateway] = []
        for size in sizes { subjects.append(try await LimitedGateway(limits, keys: size / 2)) }
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
    private let request: ModelRequest

    init(_ limits: LimitSet, keys count: Int) async throws {
        limiter = RequestLimiter(LimitSet(), store: MemoryRateLimitStore(), time: time)
        var request = ModelRequest(id: "req_bench", model: "gemini-2.5-pro")
        let words = "Please tell me in a few plain sentences what a canned answer is, and what it cannot show."
        request.turns = [Turn(.user, [.text(words)])]
        request.sampling.maxOutputTokens = 400
        self.request = request
        keys = (0..<count).map { OwnedLimits(limits, ofKey: "key-\($0)") }
        for key in keys { try await admit(key) }
    }

    private func admit(_ key: OwnedLimits) async throws {
        time.advance(by: .microseconds(20))
        let admission = try await limiter.admit(key: key, model: request.model, tokens: TokenReservation(request))
        let fields = RateLimitHeaders.fields(admission.decision)
        precondition(admission.decision.isAllowed && fields.count == 8, "nobody meets these limits")
        admission.settle(spent: 250)
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
