import PolluxCore
import PolluxTesting
import Testing

@Suite("The operator's limits of accounts (reliability requirements, 10.1)")
struct AccountLimiterTests {
    private let time = ManualTime()

    private func limiter(_ limits: AccountLimits) -> AccountLimiter {
        // Days of 1000 s, from the start of this clock.
        let start = time.wallNow.seconds
        return AccountLimiter(["web": limits], store: MemoryRateLimitStore(), time: time) { now in
            let day = (now.seconds - start) / 1000
            return QuotaDay(name: "day \(day)", endsAt: WallTime(seconds: start + (day + 1) * 1000))
        }
    }

    @Test("each account has its own count, and a provider without limits none")
    func accounts() async {
        let limiter = limiter(AccountLimits(account: [.requests(60, per: .seconds(3600), burst: 1)]))
        let first = await limiter.admit(account: "a", of: "web", for: .text)
        let other = await limiter.admit(account: "b", of: "web", for: .text)
        #expect(first == .allowed && other == .allowed)
        let again = await limiter.admit(account: "a", of: "web", for: .images)
        #expect(
            again
                == .refused(
                    retryAfter: .seconds(60), message: "the operator's limit of 60 requests per 1h is used up"))
        for _ in 0..<10 {
            let free = await limiter.admit(account: "a", of: "other", for: .text)
            #expect(free == .allowed)
        }
    }

    @Test("a class of work has its own count, and a day's quota ends with its day")
    func classes() async {
        let limiter = limiter(AccountLimits(byClass: [.images: [.daily(2)]]))
        for _ in 0..<10 {
            let text = await limiter.admit(account: "a", of: "web", for: .text)
            #expect(text == .allowed)
        }
        time.advance(by: .seconds(600))
        for _ in 0..<2 {
            let image = await limiter.admit(account: "a", of: "web", for: .images)
            #expect(image == .allowed)
        }
        let refused = await limiter.admit(account: "a", of: "web", for: .images)
        #expect(
            refused
                == .refused(retryAfter: .seconds(400), message: "the operator's limit of 2 requests a day is used up"))
        time.advance(by: .seconds(400))
        let next = await limiter.admit(account: "a", of: "web", for: .images)
        #expect(next == .allowed)
    }

    @Test("a refusal of one layer charges the other layers nothing")
    func together() async {
        let limiter = limiter(
            AccountLimits(
                account: [.requests(10, per: .seconds(3600), burst: 3)],
                byClass: [.images: [.requests(1, per: .seconds(3600), burst: 1)]]))
        _ = await limiter.admit(account: "a", of: "web", for: .images)
        for _ in 0..<5 {
            let refused = await limiter.admit(account: "a", of: "web", for: .images)
            #expect(refused != .allowed)
        }
        let text = [
            await limiter.admit(account: "a", of: "web", for: .text),
            await limiter.admit(account: "a", of: "web", for: .text),
            await limiter.admit(account: "a", of: "web", for: .text),
        ]
        #expect(text.map { $0 == .allowed } == [true, true, false])
    }
}
