import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxCredentialSources

@Suite("Every credential source keeps the contract for plugins")
struct CredentialSourceContractTests {
    private static let accounts = #"[{"id":"a","api_key":"k-of-a-0123"},{"id":"b","api_key":"k-of-b-0123"}]"#

    @Test("env")
    func environment() async {
        let contract = CredentialSourceContract(
            EnvironmentSource.self, settings: [:], environment: ["ACCOUNTS_CONFIG": Self.accounts],
            accounts: ["a", "b"])
        let violations = await contract.violations()
        #expect(violations == [])
    }

    @Test("file", arguments: [true, false])
    func file(watches: Bool) async {
        var contract = CredentialSourceContract(
            FileSource.self, settings: ["path": "accounts.json", "watch": .bool(watches)],
            files: ["accounts.json": Self.accounts], accounts: ["a", "b"])
        if watches {
            contract.change = (files: ["accounts.json": #"[{"id":"c","api_key":"k-of-c-0123"}]"#], accounts: ["c"])
        }
        let violations = await contract.violations()
        #expect(violations == [])
    }
}
