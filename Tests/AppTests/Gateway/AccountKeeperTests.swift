import PolluxCore
import PolluxProviders
import PolluxTesting
import Synchronization
import Testing

@testable import PolluxApp

@Suite("Keeping idle accounts alive")
struct AccountKeeperTests {
    /// Notes whom it was called for; refuses whom it is told to.
    private final class Keeper: AccountKeeping {
        let kept = Mutex<[String]>([])
        let refused: Set<String>
        var keepAliveInterval: Duration { .seconds(60) }

        init(refusing refused: Set<String> = []) { self.refused = refused }

        func keepAlive(_ lease: any AccountLease) async throws(GatewayError) {
            let id = lease.credential.accountID
            kept.withLock { $0.append(id) }
            guard refused.contains(id) else { return }
            throw GatewayError(.upstreamAuth, .account, "signed out", accountEffect: .rejectCredential)
        }

        var names: [String] { kept.withLock { $0 } }
    }

    private let time = ManualTime()

    private func upstream(_ accounts: [String]) throws -> Upstream {
        let provider = try OpenAICompatibleProvider(
            settings: OpenAICompatibleSettings(baseURL: "https://upstream.example/v1"),
            context: ProviderContext(
                name: "acme", http: FakeTransport([]), time: time, random: SeededRandom(seed: 1), log: .silent))
        let pool = AccountPool(AccountPoolState.Rules(), time: time)
        pool.update(source: "test", accounts.map { Credential(accountID: $0, values: [:]) }) { _ in nil }
        return Upstream(name: "acme", kind: "acme", provider: provider, pool: pool, retry: RetryPolicy())
    }

    private func service(_ upstream: Upstream, _ keeper: Keeper) -> AccountKeeper {
        AccountKeeper(upstream: upstream, keeper: keeper, time: time, log: .silent)
    }

    @Test("each free account is visited once, a busy one is left alone, and all are free afterwards")
    func visits() async throws {
        let (upstream, keeper) = (try upstream(["amber", "birch", "cedar"]), Keeper())
        let busy = try #require(upstream.pool.lease(account: "birch", for: .text))
        try await service(upstream, keeper).keepAll()
        #expect(keeper.names.sorted() == ["amber", "cedar"])
        busy.release(after: nil)
        #expect(upstream.pool.shortage().ready == 3)
    }

    @Test("an account that turns out to be signed out leaves the pool, the others are visited all the same")
    func signedOut() async throws {
        let (upstream, keeper) = (try upstream(["amber", "birch"]), Keeper(refusing: ["amber"]))
        try await service(upstream, keeper).keepAll()
        #expect(keeper.names.count == 2)
        #expect(upstream.pool.unusableAccounts.map(\.accountID) == ["amber"])
    }

    @Test("it visits after each interval, not before the first")
    func interval() async throws {
        let (upstream, keeper) = (try upstream(["amber"]), Keeper())
        let service = service(upstream, keeper)
        let task = Task { try? await service.run() }
        await time.untilSleeping(1)
        #expect(keeper.names.isEmpty)
        for count in 1...2 {
            time.advance(by: .seconds(60))
            await time.untilSleeping(1)
            #expect(keeper.names.count == count)
        }
        task.cancel()
        await task.value
    }
}
