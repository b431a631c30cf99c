import PolluxCore
import Testing

@Suite("Sums of requests that wait to be written")
struct UsageCountsTests {
    @Test("whatever clients and upstreams are called, rows are bounded, and every request is in one of them")
    func bounded() {
        var counts = UsageCounts()
        for number in 0..<80_000 {
            counts.add(
                RequestRecord(
                    requestID: "", startedAt: WallTime(seconds: 1_767_225_600), keyID: "k\(number)",
                    model: "m\(number)", provider: "p", accountID: "a\(number)", status: 200))
        }
        #expect(counts.rows.count == 60_001)
        #expect(counts.rows.values.reduce(0) { $0 + $1.requests } == 80_000)
        let rest = counts.rows.first { $0.key.keyID == "other" }
        #expect(rest?.value.requests == 20_000 && rest?.key.model == "other" && rest?.key.accountID == "other")
    }
}
