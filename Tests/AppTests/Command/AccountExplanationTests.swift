import PolluxCore
import Testing

@testable import PolluxApp

@Suite("pollux accounts explain, as a value")
struct AccountExplanationTests {
    private let now = WallTime(seconds: 1_800_000_000)

    private func change(_ quotaClass: String?, _ from: String, _ to: String, ago seconds: Int, _ evidence: JSON) -> JSON
    {
        var object = JSONObject([
            ("from", .string(from)), ("to", .string(to)),
            ("at", .string((now + .seconds(-seconds)).rfc3339Text)), ("evidence", evidence),
        ])
        if let quotaClass { object["class"] = .string(quotaClass) }
        return .object(object)
    }

    private func account(_ classes: [JSON], state: JSON = ["code": "ready"]) -> ShownAccount {
        ShownAccount(["id": "a", "provider": "web", "source": "file", "state": state, "classes": .array(classes)])
    }

    private func lines(_ account: ShownAccount, _ changes: [JSON], limit: Int = 20) -> [String] {
        let invocation = Invocation(
            environment: [:], registry: .standard, console: Console { _, _ in }, arguments: [], values: [:])
        return AccountExplanation(
            account: account, transitions: changes.map(ShownTransition.init), limit: limit, now: now
        ).lines(invocation)
    }

    @Test(
        "each class has its state, since when, why with the evidence, its end and what to do; like ones stand together")
    func classes() {
        let until = (now + .seconds(600)).rfc3339Text
        let subject = account([
            ["class": "text", "state": "cooling", "until": .string(until), "remaining_seconds": 600, "failures": 2],
            ["class": "images", "state": "ready"], ["class": "videos", "state": "ready"],
        ])
        let evidence: JSON = [
            "cause": "attempt", "request_id": "req_1", "attempt": 2, "upstream_status": 429, "field": "retry-after",
            "message": "a limit",
        ]
        let text = lines(
            subject,
            [
                change("images", "cooling", "ready", ago: 10, ["cause": "time"]),
                change("text", "ready", "cooling", ago: 65, evidence),
                change("text", "cooling", "ready", ago: 900, ["cause": "time"]),
            ], limit: 2)
        #expect(
            text == [
                "web/a (from file)", "", "text: cooling, since 2027-01-15T07:58:55Z (1 min 5 s ago)",
                "  why      a limit, upstream status 429, field retry-after, attempt 2, request req_1",
                "  failures 2 in a row", "  back     in 10 min (2027-01-15T08:10:00Z)",
                "  to do    nothing: it comes back by itself. More accounts, if this happens often", "",
                "images: ready, since 2027-01-15T07:59:50Z (10 s ago)", "", "videos: ready", "", "Last changes:",
                "  2027-01-15T07:59:50Z (10 s ago)  images: cooling -> ready", "      time",
                "  2027-01-15T07:58:55Z (1 min 5 s ago)  text: ready -> cooling",
                "      a limit, upstream status 429, field retry-after, attempt 2, request req_1",
            ])
    }

    @Test("what holds for all classes is said once, and there is always something to do for a state that does not end")
    func whole() {
        for state in AccountState.allCases where state.needsAttention || state == .disabled {
            let classes = ["text", "images", "videos"].map { name -> JSON in
                ["class": .string(name), "state": .string(state.rawValue), "reason": "because\u{1B}[2J"]
            }
            let text = lines(account(classes), [])
            #expect(text.count == 7 && text[2] == state.rawValue, "\(text)")
            #expect(text[3] == "  why      because [2J" && text[4].hasPrefix("  to do    "))
            #expect(text.last == "Its state has not changed yet.")
        }
    }

    @Test("an answer that is none of ours is no trap")
    func strange() {
        for json: JSON in [.null, [], "x", ["classes": "x", "transitions": [1], "counters": [:], "state": 7]] {
            #expect(!lines(ShownAccount(json), [.null, 7]).isEmpty)
        }
    }
}
