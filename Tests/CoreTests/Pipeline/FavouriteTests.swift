import PolluxTesting
import Testing

@testable import PolluxCore

@Suite("A conversation goes back to its account")
struct FavouriteTests {
    private func world(_ strategy: AccountPoolState.Strategy = .roundRobin) -> PipelineWorld {
        var world = PipelineWorld()
        world.affinity = Affinity(ConversationRules(timeToLive: .seconds(100)), random: SeededRandom(seed: 1))
        world.add("p", accounts: ["a", "b", "c"], [.answers(PipelineWorld.good)], strategy: strategy)
        return world
    }

    private func ask(_ world: PipelineWorld, _ texts: [String], key: String = "k") async throws -> String {
        try await world.run { request in
            request.client.keyID = key
            request.turns = texts.enumerated().map { Turn($0.offset % 2 == 0 ? .user : .model, [.text($0.element)]) }
        }.get().accountID
    }

    @Test("turn after turn, while others take the accounts in turn")
    func sticky() async throws {
        let world = world()
        #expect(try await ask(world, ["Hi"]) == "a")
        #expect(try await ask(world, ["Other"]) == "b")
        #expect(try await ask(world, ["Hi", "Hello", "More"]) == "a")
        #expect(try await ask(world, ["Hi", "Hello", "More", "Sure", "Again"]) == "a")
        #expect(try await ask(world, ["Third"]) == "c", "the ring is where it was")
    }

    @Test("a favourite that is busy or rests is passed over at once, and the new account is the favourite then")
    func passedOver() async throws {
        let world = world()
        #expect(try await ask(world, ["Hi"]) == "a")
        let held = world.upstreams[0].pool.lease(account: "a", for: .text)
        #expect(try await ask(world, ["Hi", "Hello", "More"]) == "b")
        held?.release(after: nil)
        #expect(try await ask(world, ["Hi", "Hello", "More", "Sure", "Again"]) == "b")
    }

    @Test("a favourite that fails is tried first, and not again in its turn")
    func fails() async throws {
        var world = PipelineWorld()
        world.affinity = Affinity(ConversationRules(), random: SeededRandom(seed: 1))
        world.retry = RetryPolicy(maxRetries: 5)
        let error = GatewayError(.rateLimited, .accountClass, "429", accountEffect: .none)
        world.add(
            "p", accounts: ["a", "b"],
            [.answers(PipelineWorld.good), .refuses(error), .refuses(error), .answers(PipelineWorld.good)])
        #expect(try await ask(world, ["Hi"]) == "a")
        await #expect(throws: GatewayError.self) { try await ask(world, ["Hi", "Hello", "More"]) }
        #expect(world.journal.entries == ["p/a m", "p/a m", "p/b m"])
    }

    @Test("it may be an account of a later provider")
    func laterProvider() async throws {
        var world = PipelineWorld()
        world.affinity = Affinity(ConversationRules(), random: SeededRandom(seed: 1))
        let broken = GatewayError(.upstreamReset, .endpoint, "reset")
        world.add("p", [.refuses(broken), .answers(PipelineWorld.good)])
        world.add("q", accounts: ["z"], [.answers(PipelineWorld.good)])
        #expect(try await ask(world, ["Hi"]) == "z")
        #expect(try await ask(world, ["Hi", "Hello", "More"]) == "z")
        #expect(try await ask(world, ["New"]) == "a")
    }

    @Test("it is forgotten in time, and never another client's")
    func limits() async throws {
        let world = world(.fillFirst)
        let held = world.upstreams[0].pool.lease(account: "a", for: .text)
        #expect(try await ask(world, ["Hi"]) == "b")
        held?.release(after: nil)
        #expect(try await ask(world, ["Hi", "Hello", "More"], key: "other") == "a")
        #expect(try await ask(world, ["Hi", "Hello", "More"]) == "b")
        world.time.advance(by: .seconds(100))
        #expect(try await ask(world, ["Hi", "Hello", "More", "Sure", "Again"]) == "a")
    }
}
