import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxProviders

@Suite("Gemini Business: many requests, one renewal")
struct BusinessTokensTests {
    private let time = ManualTime()
    private let tokens: BusinessTokens
    private let account: BusinessAccount
    private let gate = Gate()
    private let fetches = Counter()

    init() throws {
        tokens = BusinessTokens(time: time)
        account = try BusinessAccount(BusinessWorld.credential)
    }

    private func fetch() async throws(GatewayError) -> (BusinessToken, BusinessAccount) {
        let number = fetches.increment()
        try await gate.pass()
        return (BusinessToken(text: Secret("token \(number)"), madeAt: time.now), account)
    }

    private func token(
        fetch: (() async throws(GatewayError) -> (BusinessToken, BusinessAccount))? = nil
    ) async throws(GatewayError) -> BusinessToken {
        try await tokens.token(accountID: "a", account: account, fetch: fetch ?? self.fetch)
    }

    /// Waits until others have got as far as they can. Bounded, so that a failure ends.
    private func until(_ condition: () -> Bool) async {
        for _ in 0..<100_000 where !condition() { await Task.yield() }
        #expect(condition())
    }

    @Test("50 requests at once with a stale token make one renewal")
    func oneRenewal() async throws {
        let stale = Gate()
        stale.open()
        _ = try await tokens.token(accountID: "a", account: account) { () async throws(GatewayError) in
            (BusinessToken(text: Secret("stale"), madeAt: time.now), account)
        }
        time.advance(by: BusinessToken.renewalAge)
        let results = await withTaskGroup(of: BusinessToken?.self) { group in
            for _ in 0..<50 { group.addTask { try? await token() } }
            await until { tokens.waitingCount == 49 }
            gate.open()
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(fetches.value == 1)
        #expect(results.count == 50)
        #expect(results.allSatisfy { $0?.text == Secret("token 1") })
    }

    @Test("50 requests of the provider at once ask for one key")
    func oneKeyRequest() async throws {
        let gate = Gate()
        let world = try BusinessWorld(script: { request, _ throws(GatewayError) in
            if BusinessWorld.step(of: request) == "getoxsrf" { try await gate.pass() }
            return nil
        })
        let texts = await withTaskGroup(of: String?.self) { group in
            for _ in 0..<50 { group.addTask { try? await world.events().text } }
            await until { gate.waitingCount == 1 }
            gate.open()
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(texts.allSatisfy { $0 == "A red square." })
        #expect(world.requests("getoxsrf").count == 1)
        #expect(world.requests("widgetStreamAssist").count == 50)
    }

    @Test("a renewal that fails fails everyone who waited, and the next request tries again")
    func failure() async throws {
        let failure = BusinessErrors.signedOut("dead")
        let failing = { @Sendable () async throws(GatewayError) -> (BusinessToken, BusinessAccount) in
            fetches.increment()
            try await gate.pass()
            throw failure
        }
        let results = await withTaskGroup(of: GatewayError?.self) { group in
            for _ in 0..<20 { group.addTask { await error { try await token(fetch: failing) } } }
            await until { tokens.waitingCount == 19 }
            gate.open()
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(results == Array(repeating: failure, count: 20))
        #expect(fetches.value == 1)
        #expect(try await token().text == Secret("token 2"))
    }

    @Test("a waiting request that is cancelled ends alone")
    func cancelledWaiter() async throws {
        let leader = Task { try await token() }
        await until { fetches.value == 1 }
        let cancelled = Task { await error { try await token() } }
        await until { tokens.waitingCount == 1 }
        let patient = Task { try await token() }
        await until { tokens.waitingCount == 2 }
        cancelled.cancel()
        #expect(await cancelled.value == .cancelled)
        #expect(tokens.waitingCount == 1)
        gate.open()
        #expect(try await leader.value.text == Secret("token 1"))
        #expect(try await patient.value.text == Secret("token 1"))
        #expect(fetches.value == 1)
    }

    @Test("when the renewing request is cancelled, one that waited takes over")
    func cancelledLeader() async throws {
        let leader = Task { await error { try await token() } }
        await until { fetches.value == 1 }
        let waiters = (0..<3).map { _ in Task { try await token() } }
        await until { tokens.waitingCount == 3 }
        leader.cancel()
        #expect(await leader.value == .cancelled)
        await until { fetches.value == 2 && tokens.waitingCount == 2 }
        gate.open()
        for waiter in waiters { #expect(try await waiter.value.text == Secret("token 2")) }
    }

    @Test("a request that was cancelled before it asked makes no renewal")
    func cancelledBefore() async {
        let task = Task {
            await until { Task.isCancelled }
            return await error { try await token() }
        }
        task.cancel()
        #expect(await task.value == .cancelled)
        #expect(fetches.value == 0)
        #expect(tokens.waitingCount == 0)
    }

    @Test("a token belongs to the secrets it was made with, and to those renewed with it")
    func newSecrets() async throws {
        gate.open()
        var changed = BusinessWorld.credential
        changed.values["host_c_oses"] = Secret("COS.new")
        let renewed = try BusinessAccount(changed)
        let first = try await tokens.token(accountID: "a", account: account) { () async throws(GatewayError) in
            (BusinessToken(text: Secret("first"), madeAt: time.now), renewed)
        }
        #expect(try await tokens.token(accountID: "a", account: renewed, fetch: fetch) == first)
        #expect(try await token() == first)
        changed.values["secure_c_ses"] = Secret("CSE.other")
        let other = try BusinessAccount(changed)
        #expect(try await tokens.token(accountID: "a", account: other, fetch: fetch) != first)
    }

    @Test("a refused token that has been replaced meanwhile is not dropped again")
    func dropping() async throws {
        gate.open()
        let first = try await token()
        tokens.drop(first, accountID: "a")
        let second = try await token()
        tokens.drop(first, accountID: "a")
        #expect(try await token() == second)
        #expect(fetches.value == 2)
    }

    private func error<Value>(_ body: () async throws -> Value) async -> GatewayError? {
        do {
            _ = try await body()
            return nil
        } catch {
            return error as? GatewayError
        }
    }
}
