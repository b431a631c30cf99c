import PolluxCore
import PolluxProviders
import PolluxTesting
import Testing

@testable import PolluxApp

@Suite("What waits for the accounts")
struct FirstWordTests {
    private let time = ManualTime()

    @Test("those who wait go on when the source speaks, and those who come later at once")
    func spoken() async {
        let word = FirstWord()
        let early = Task { await word.wait() }
        word.speak()
        await early.value
        await word.wait()
        #expect(word.isSpoken)
    }

    @Test("a wait ends with its task")
    func cancelled() async {
        let word = FirstWord()
        let task = Task { await word.wait() }
        task.cancel()
        await task.value
        #expect(!word.isSpoken)
    }

    @Test("a source that says nothing is waited for until the deadline, also when others have spoken")
    func deadline() async {
        let words = [FirstWord(), FirstWord()]
        words[0].speak()
        let deadline = time.now + .seconds(2)
        let task = Task { [time] in await words.wait(until: deadline, time) }
        await time.untilSomeoneWaits(until: deadline)
        time.advance(by: .seconds(2))
        await task.value
        #expect(!words[1].isSpoken)
    }

    @Test("an upstream is asked for its models as soon as its accounts are there, not a pause later")
    func models() async throws {
        let transport = FakeTransport([FakeResponse(text: #"{"data":[{"id":"m-1"},{"id":"m-2"}]}"#)])
        let provider = try OpenAICompatibleProvider(
            settings: OpenAICompatibleSettings(baseURL: "https://upstream.example/v1"),
            context: ProviderContext(
                name: "acme", http: transport, time: time, random: SeededRandom(seed: 1), log: .silent))
        let pool = AccountPool(AccountPoolState.Rules(), time: time)
        let upstream = Upstream(name: "acme", kind: "acme", provider: provider, pool: pool, retry: RetryPolicy())
        let (word, catalog, began) = (FirstWord(), ModelCatalog(providers: [(name: "acme", models: nil)]), time.now)
        let refresher = CatalogRefresher(
            upstream: upstream, lister: provider, catalog: catalog, sources: [word], time: time, log: .silent)
        let task = Task { try? await refresher.run() }
        await time.untilSleeping(1)
        #expect(transport.requests.isEmpty)
        pool.update(source: "test", [Credential(accountID: "amber", values: [:])]) { _ in nil }
        word.speak()
        await time.untilSomeoneWaits(until: began + .seconds(300))
        #expect(transport.requests.count == 1)
        #expect(catalog.snapshot.first?.models?.map(\.id) == ["m-1", "m-2"])
        task.cancel()
        await task.value
    }
}
