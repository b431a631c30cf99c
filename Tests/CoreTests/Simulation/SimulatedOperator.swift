import PolluxCore
import PolluxTesting

/// Whoever changes accounts while requests run: sources that publish, operators, a clock that is set right.
///
/// Unchecked: only jobs of one simulation touch it.
final class SimulatedOperator: @unchecked Sendable {
    private struct Source {
        var published: [Credential]
        /// Accounts that the source has, published now or not.
        var known: [Credential]
    }

    private let world: SimulatedWorld
    private var sources: [String: Source] = [:]
    private var version = 0

    init(_ world: SimulatedWorld) {
        self.world = world
        for provider in world.plan.providers {
            sources[provider.name] = Source(published: provider.accounts, known: provider.accounts)
            publish(provider.name)
        }
    }

    /// Changes something now and then until it is cancelled.
    func work() async {
        let (time, dice) = (world.simulation.time, world.dice)
        while !Task.isCancelled {
            let pause = dice.pick([1, 2, 3, 5]) * Int64(world.plan.changeEvery.microseconds / 2)
            do { try await time.sleep(until: time.now + .microseconds(pause)) } catch { return }
            change(dice.pick(world.plan.providers).name)
        }
    }

    /// Everything that a person can mend: new credentials, nothing disabled, nothing missing.
    func putAllRight() {
        for provider in world.plan.providers {
            guard var source = sources[provider.name] else { continue }
            for index in source.known.indices {
                version += 1
                let known = source.known[index]
                source.known[index] = Credential(
                    accountID: known.accountID, values: ["key": Secret("v\(version)")], proxy: known.proxy,
                    weight: known.weight)
            }
            source.published = source.known
            sources[provider.name] = source
            publish(provider.name)
        }
    }

    private func change(_ provider: String) {
        let dice = world.dice
        guard var source = sources[provider], !source.known.isEmpty else { return stepWallClock() }
        let index = dice.below(source.known.count)
        let id = source.known[index].accountID
        switch dice.below(10) {
        case 0: source.published.removeAll { $0.accountID == id }
        case 1: source.known[index].isDisabled.toggle()
        case 2:
            let wall = world.simulation.time.wallNow
            source.known[index].expiresAt = dice.chance(40) ? nil : wall + dice.pick(seconds: [0, 1, 60, 7200])
        case 3: source.known[index].values["key"] = nil
        case 4: stepWallClock()
        case 5: break
        case 6: source.known[index].proxy = dice.pick(WorldPlan.ProviderPlan.proxies)
        case 7: source.known[index].weight = dice.pick([1, 2, 3])
        default:
            version += 1
            source.known[index].values["key"] = Secret("v\(version)")
        }
        let kept = Set(source.published.map(\.accountID))
        // Whatever else, some of the missing come back, and the source is published anew, changed or not.
        source.published = source.known.enumerated().filter { place, credential in
            kept.contains(credential.accountID) || (place != index && dice.chance(50))
        }.map(\.element)
        sources[provider] = source
        publish(provider)
    }

    private func publish(_ provider: String) {
        guard let source = sources[provider] else { return }
        world.referee.sourceWillPublish(provider, source.published)
        world.pools[provider]?.update(source: "source", source.published) { SimulatedProvider.lacks($0) }
    }

    /// Sets the civil clock right. Nobody tells the pools, so whoever waits learns of a credential that has come back
    /// to life at the next event; here that is a source that publishes.
    private func stepWallClock() {
        let step = world.dice.pick(seconds: [-600, -1, 1, 3600])
        world.simulation.time.stepWallClock(by: step)
        world.referee.wallClockStepped(by: step)
        for provider in world.plan.providers { publish(provider.name) }
    }
}
