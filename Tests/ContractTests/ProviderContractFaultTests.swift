import PolluxCore
import PolluxTesting
import Synchronization
import Testing

/// A contract that nothing can break proves nothing.
@Suite("The provider contract finds what is wrong with a provider")
struct ProviderContractFaultTests {
    private func violations(_ defect: BrokenProvider.Defect) async -> [ContractViolation] {
        let contract = ProviderContract(
            BrokenProvider.self,
            settings: ["base_url": "https://lines.example", "defect": .string(defect.rawValue)],
            credential: Credential(accountID: "a", values: ["api_key": Secret("key-0123456789")])
        ) { _ in FakeResponse(text: "one\ntwo\nthree\n.\n") }
        return await contract.violations()
    }

    @Test("a provider that is right has no violation")
    func right() async {
        let found = await violations(.none)
        #expect(found == [])
    }

    @Test(
        "a defect is found under its rule",
        arguments: [
            (.noStarted, "events"), (.noEnded, "events"), (.endedTwice, "events"), (.goesOn, "events"),
            (.answersNothing, "events"), (.takesCutForWhole, "truncation"), (.swallowsFailure, "truncation"),
            (.splitsWrongly, "pieces"), (.readsAhead, "demand"), (.keepsTransfer, "transfers"),
            (.ignoresCancelling, "cancellation"), (.relabelsCancelling, "cancellation"),
            (.tellsUpstreamsWords, "errors"), (.tellsHost, "errors"), (.wrongKind, "errors"),
            (.restsOnServerError, "errors"), (.forgetsRejection, "errors"), (.forgetsRetryAfter, "errors"),
            (.effectWithoutAccount, "errors"), (.tellsSecret, "secrets"), (.logsSecret, "secrets"),
            (.secretInURL, "secrets"), (.noRefusal, "refusals"), (.refusesAll, "refusals"), (.noProxy, "proxy"),
            (.tellsClient, "client"), (.rawModelInField, "requests"), (.asksForever, "requests"),
            (.noProblem, "accounts"), (.relabelsTimeout, "deadlines"), (.sameModelTwice, "models"),
        ] as [(BrokenProvider.Defect, String)])
    func defects(_ defect: BrokenProvider.Defect, _ rule: String) async {
        let found = await violations(defect)
        let rules = found.map(\.rule)
        #expect(rules.contains(rule), "\(defect) gives \(found)")
    }

    @Test("a script whose good answer fails is told, and nothing else is judged")
    func badScript() async {
        let contract = ProviderContract(
            BrokenProvider.self, settings: ["base_url": "https://lines.example"],
            credential: Credential(accountID: "a", values: ["api_key": Secret("key-0123456789")])
        ) { _ in FakeResponse(500, text: "") }
        let rules = await contract.violations().map(\.rule)
        #expect(rules == ["answer"])
    }

    @Test("settings that cannot be read are told with their path")
    func badSettings() async {
        let contract = ProviderContract(
            BrokenProvider.self, settings: ["base_url": "no address", "defect": "none"],
            credential: Credential(accountID: "a", values: [:])
        ) { _ in FakeResponse(text: ".\n") }
        let found = await contract.violations()
        #expect(found.first?.rule == "settings")
        #expect(found.first?.detail.contains("entry.base_url") == true)
    }
}

/// Where a broken provider leaves what it should let go.
final class Kept: Sendable {
    static let shared = Kept()
    private let bodies = Mutex<[any UpstreamBody]>([])
    func keep(_ body: any UpstreamBody) { bodies.withLock { $0.append(body) } }
}
