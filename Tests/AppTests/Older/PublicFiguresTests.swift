import PolluxCore
import Testing

@testable import PolluxApp

@Suite("What anybody may see of a gateway")
struct PublicFiguresTests {
    private static let now = WallTime(seconds: 1_767_225_600)

    /// - Parameter age: Seconds since it came.
    private func request(_ status: Int, age: Int64 = 0, total: Duration = .milliseconds(40)) -> RequestRecord {
        RequestRecord(
            requestID: "req_secretpart75c449", startedAt: Self.now + .seconds(-age), keyID: "key_of_somebody",
            model: "gemini-2.5-pro", provider: "web", accountID: "ops@example.org", attempts: 1, status: status,
            error: status == 504 ? .upstreamTimeout : status >= 400 ? .upstreamError : nil, total: total)
    }

    @Test(
        "the load is that of the last minute",
        arguments: [(0, "low"), (9, "low"), (10, "medium"), (29, "medium"), (30, "high")])
    func load(count: Int, word: String) {
        let requests = (0..<count).map { _ in request(200, age: 59) } + (0..<50).map { _ in request(200, age: 60) }
        let stats = PublicFigures(requests: requests, total: 4711).stats(visitors: 3, now: Self.now)
        #expect(stats["requests_per_minute"]?.int == count && stats["load_status"]?.string == word)
        #expect(stats["total_requests"]?.int == 4711 && stats["total_visitors"]?.int == 3)
    }

    @Test("services are judged by their last sixty answers; what is the client's own doing does not count")
    func uptime() {
        let requests =
            [request(429), request(500), request(200, total: .seconds(41)), request(400), request(499)]
            + (0..<100).map { _ in request(200) }
        let uptime = PublicFigures(requests: requests).uptime(
            models: ["gemini-2.5-pro", "unused"], isReady: true, now: Self.now)
        let api = uptime["services"]?["api_service"]
        #expect(api?["total"]?.int == 60 && api?["success"]?.int == 58 && api?["status"]?.string == "warn")
        #expect(api?["uptime"] == .number(JSONNumber(96.7)))
        #expect(api?["heartbeats"]?.array?.suffix(3).map { $0["level"]?.string } == ["warn", "down", "warn"])
        #expect(uptime["services"]?["gemini-2.5-pro"]?["total"]?.int == 60)
        let unused = uptime["services"]?["unused"]
        #expect(unused?["status"]?.string == "unknown" && unused?["uptime"] == .number(JSONNumber(100.0)))
        let dead = PublicFigures(requests: requests).uptime(models: [], isReady: false, now: Self.now)
        #expect(dead["services"]?["account_pool"]?["status"]?.string == "down")
    }

    @Test("the log tells the course of requests, and no name of an account, a key or an unknown model")
    func log() {
        var unknown = request(504)
        unknown.model = "<script>a text of a client"
        unknown.attempts = 3
        let log = PublicFigures(requests: [request(200), unknown, request(500)]).log(
            limit: 2, models: ["gemini-2.5-pro"])
        #expect(log["total"]?.int == 2)
        #expect(
            log["logs"]?[0] == [
                "request_id": "75c449", "start_time": "2026-01-01 00:00:00", "status": "success",
                "events": [
                    ["time": "2026-01-01 00:00:00", "type": "start", "content": "gemini-2.5-pro"],
                    [
                        "time": "2026-01-01 00:00:00", "type": "complete", "status": "success",
                        "content": "done | 0.04 s",
                    ],
                ],
            ])
        #expect(log["logs"]?[1]?["status"]?.string == "timeout")
        #expect(log["logs"]?[1]?["events"]?[1]?["content"]?.string == "3 attempts")
        for secret in ["ops@example.org", "key_of_somebody", "secretpart", "script"] {
            #expect(!log.text.contains(secret), "\(secret)")
        }
    }
}
