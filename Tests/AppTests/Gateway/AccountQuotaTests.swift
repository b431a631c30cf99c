import Foundation
import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxApp

@Suite("The operator's daily quotas of accounts in a whole gateway")
struct AccountQuotaTests {
    private static let settings = """
        retry: {max_retries: 0}
        queue: {max_wait: 0s}
        keys: [{name: a, key: "a-client-key-of-the-test"}]
        providers:
          - {name: up, kind: openai-compatible, base_url: "https://up.test/v1", models: [m-1],
             api_keys: [key-of-amber-1], limits: {account_class: {text: {daily: 1}}}}
        """
    private static let answer = FakeResponse(
        text: #"data: {"choices":[{"delta":{"content":"Hello"}}]}"# + "\n\n"
            + #"data: {"choices":[{"delta":{},"finish_reason":"stop"}]}"# + "\n\ndata: [DONE]\n\n")

    @Test(
        "one ends at the midnight of the zone that the pools go by",
        arguments: [("America/Los_Angeles", 8), ("Asia/Tokyo", 15)])
    func zone(name: String, hours: Int64) async throws {
        let file = try Data(contentsOf: URL(fileURLWithPath: "/usr/share/zoneinfo/\(name)"))
        // Midnight in UTC, where the clock of these tests stands.
        let world = try GatewayWorld(
            Self.settings, answers: [Self.answer], dailyReset: try DailyReset(zoneFile: Array(file)))
        let client = GatewayClient(
            GatewayHandler(world.gateway, worker: globalConcurrentExecutor), key: "a-client-key-of-the-test")
        let body: JSON = ["model": "m-1", "messages": [["role": "user", "content": "Hi"]]]
        let first = await client.post("/v1/chat/completions", body)
        #expect(first.status == 200)
        let second = await client.post("/v1/chat/completions", body)
        #expect(second.status == 503)
        #expect(second.fields["retry-after"] == String(hours * 3600))
    }
}
