import PolluxCore
import PolluxTesting
import Testing

@Suite("The limits of a client's request, layer by layer (reliability requirements, 10.1)")
struct RequestLimiterTests {
    private let time = ManualTime(now: Instant(microseconds: 1_000_000))
    private let store = MemoryRateLimitStore()

    private func limiter(_ limits: LimitSet) -> RequestLimiter { RequestLimiter(limits, store: store, time: time) }

    private func isAllowed(
        _ limiter: RequestLimiter, _ key: OwnedLimits? = nil, _ model: String = "m"
    ) async throws -> Bool {
        let admission = try await limiter.admit(key: key, model: model, tokens: TokenReservation())
        return admission.decision.isAllowed
    }

    private func once() -> RateLimit { .requests(1, per: .seconds(60), burst: 1) }

    @Test("without a limit there is nothing to ask")
    func nothing() {
        #expect(!limiter(LimitSet()).hasLimits(for: nil))
        #expect(!limiter(LimitSet()).hasLimits(for: OwnedLimits(LimitSet(), ofKey: "a")))
        #expect(limiter(LimitSet(all: [once()])).hasLimits(for: nil))
        #expect(limiter(LimitSet()).hasLimits(for: OwnedLimits(LimitSet(perModel: [once()]), ofKey: "a")))
    }

    @Test("the gateway's limit counts all keys and models together, its limit per model all keys")
    func globalLayers() async throws {
        let whole = limiter(LimitSet(all: [once()]))
        #expect(try await isAllowed(whole, OwnedLimits(LimitSet(), ofKey: "a"), "m"))
        #expect(try await !isAllowed(whole, OwnedLimits(LimitSet(), ofKey: "b"), "n"))
        let perModel = limiter(LimitSet(perModel: [once()]))
        #expect(try await isAllowed(perModel, OwnedLimits(LimitSet(), ofKey: "a"), "m"))
        #expect(try await isAllowed(perModel, OwnedLimits(LimitSet(), ofKey: "b"), "n"))
        #expect(try await !isAllowed(perModel, OwnedLimits(LimitSet(), ofKey: "b"), "m"))
    }

    @Test("a key's limits count that key alone, those per model each model by itself")
    func keyLayers() async throws {
        let open = limiter(LimitSet())
        let (a, b) = (
            OwnedLimits(LimitSet(all: [once()]), ofKey: "a"), OwnedLimits(LimitSet(all: [once()]), ofKey: "b")
        )
        #expect(try await isAllowed(open, a))
        #expect(try await isAllowed(open, b))
        #expect(try await !isAllowed(open, a, "n"))
        let perModel = OwnedLimits(LimitSet(perModel: [once()]), ofKey: "c")
        #expect(try await isAllowed(open, perModel, "m"))
        #expect(try await isAllowed(open, perModel, "n"))
        #expect(try await !isAllowed(open, perModel, "m"))
    }

    @Test("a refusal by one layer charges no other (Q-1)")
    func chargesNothing() async throws {
        let limiter = limiter(LimitSet(all: [.requests(3, per: .seconds(3600), burst: 3)]))
        let key = OwnedLimits(LimitSet(all: [once()]), ofKey: "a")
        #expect(try await isAllowed(limiter, key))
        for _ in 0..<10 { #expect(try await !isAllowed(limiter, key)) }
        #expect(try await isAllowed(limiter))
        #expect(try await isAllowed(limiter))
        #expect(try await !isAllowed(limiter))
    }

    @Test("tokens are reserved before, and settled to what was spent")
    func tokens() async throws {
        let key = OwnedLimits(LimitSet(all: [.tokens(1000, per: .seconds(60))]), ofKey: "a")
        let open = limiter(LimitSet())
        func admit(_ tokens: Int64) async throws -> RequestAdmission {
            try await open.admit(key: key, model: "m", tokens: TokenReservation(prompt: tokens, answer: 0))
        }
        let first = try await admit(900)
        #expect(first.decision.isAllowed && first.countsTokens)
        #expect(try await !admit(200).decision.isAllowed, "the reservation counts while the request runs")
        first.settle(spent: 100)
        first.settle(spent: 0)
        let second = try await admit(900)
        #expect(second.decision.isAllowed, "what was not spent came back, once")
        #expect(second.decision.tightest(.tokens)?.outcome.remaining == 0)
        second.settle(spent: 1500)
        #expect(try await !admit(1).decision.isAllowed, "what was spent beyond the reservation counts, too")
    }

    @Test("a request that is dropped without a word gives everything back")
    func dropped() async throws {
        let key = OwnedLimits(LimitSet(all: [.tokens(1000, per: .seconds(60)), .concurrency(1)]), ofKey: "a")
        let open = limiter(LimitSet())
        for _ in 0..<5 {
            let admission = try await open.admit(key: key, model: "m", tokens: TokenReservation(prompt: 1000))
            #expect(admission.decision.isAllowed)
        }
        let held = try await open.admit(key: key, model: "m", tokens: TokenReservation(prompt: 1))
        let refused = try await open.admit(key: key, model: "m", tokens: TokenReservation(prompt: 1))
        #expect(refused.decision.refusal?.limit == .concurrency(1))
        held.settle(spent: 1)
    }

    @Test("a request reserves its prompt and what its answers may hold")
    func reservation() {
        var request = ModelRequest(id: "r", model: "m")
        request.turns = [Turn(.user, [.text(String(repeating: "word ", count: 400))])]
        #expect(TokenReservation(request) == TokenReservation(prompt: 500, answer: 1024))
        request.sampling.maxOutputTokens = 100
        request.candidateCount = 3
        #expect(TokenReservation(request).total == 800)
        request.sampling.maxOutputTokens = .max
        #expect(TokenReservation(request).total == .max)
    }
}
