import PolluxCore
import PolluxTesting

/// Whoever changes accounts while requests run: sources that publish, operators, a clock that is set right.
///
/// Unchecked: only jobs of one simulation touch it.
final class SimulatedOperator: @unchecked Sendable {
    private struct Source {
        let name: String
        var published: [Credential]
        /// Accounts that the source has, published now or not.
        var known: [Credential]
    }

    private let world: SimulatedWorld
    private var sources: [String: [Source]] = [:]
    private var version = 0

    init(_ world: SimulatedWorld) {
        self.world = world
        for provider in world.plan.providers {
            sources[provider.name] = provider.sources.enumerated().map { index, accounts in
                Source(name: "s\(index)", published: accounts, known: accounts)
            }
            publishAll(provider.name)
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
            guard var list = sources[provider.name] else { continue }
            for place in list.indices {
                for index in list[place].known.indices {
                    let known = list[place].known[index]
                    list[place].known[index] = Credential(
                        accountID: known.accountID, values: ["key": nextKey()], proxy: known.proxy,
                        weight: known.weight)
                }
                list[place].published = list[place].known
            }
            sources[provider.name] = list
            publishAll(provider.name)
        }
    }

    private func nextKey() -> Secret {
        version += 1
        return Secret("v\(version)")
    }

    private func change(_ provider: String) {
        let dice = world.dice
        guard var list = sources[provider] else { return }
        let place = dice.below(list.count)
        if list.count > 1, dice.chance(15) { return changeSources(provider, place) }
        guard !list[place].known.isEmpty else { return stepWallClock() }
        changeAccount(of: &list[place])
        sources[provider] = list
        publish(provider, list[place])
    }

    private func changeAccount(of source: inout Source) {
        let dice = world.dice
        let index = dice.below(source.known.count)
        let id = source.known[index].accountID
        switch dice.below(11) {
        case 0: source.published.removeAll { $0.accountID == id }
        case 1: source.known[index].isDisabled.toggle()
        case 2:
            let wall = world.simulation.time.wallNow
            source.known[index].expiresAt = dice.chance(40) ? nil : wall + dice.pick(seconds: [0, 1, 60, 7200])
        case 3: source.known[index].values["key"] = nil
        case 4: stepWallClock()
        case 5: break
        case 6, 8: source.known[index].proxy = dice.pick(WorldPlan.ProviderPlan.proxies)
        case 7: source.known[index].weight = dice.pick([1, 2, 3])
        default: source.known[index].values["key"] = nextKey()
        }
        let kept = Set(source.published.map(\.accountID))
        // Whatever else, some of the missing come back, and the source is published anew, changed or not.
        source.published = source.known.enumerated().filter { place, credential in
            kept.contains(credential.accountID) || (place != index && dice.chance(50))
        }.map(\.element)
    }

    /// A source goes for good, as after a reload, or names an account that another names too.
    private func changeSources(_ provider: String, _ place: Int) {
        guard var list = sources[provider] else { return }
        let dice = world.dice
        let others = list.indices.filter { $0 != place }.flatMap { list[$0].known }
        if dice.chance(50) || others.isEmpty {
            world.referee.sourceWillGo(provider, list[place].name)
            world.pools[provider]?.remove(source: list[place].name) { SimulatedProvider.lacks($0) }
            list[place].published = []
        } else {
            var credential = dice.pick(others)
            if dice.chance(70) { credential.values["key"] = nextKey() }
            list[place].known.removeAll { $0.accountID == credential.accountID }
            list[place].known.append(credential)
            list[place].published = list[place].known
            publish(provider, list[place])
        }
        sources[provider] = list
    }

    private func publishAll(_ provider: String) {
        for source in sources[provider] ?? [] { publish(provider, source) }
    }

    private func publish(_ provider: String, _ source: Source) {
        world.referee.sourceWillPublish(provider, source.name, source.published)
        world.pools[provider]?.update(source: source.name, source.published) { SimulatedProvider.lacks($0) }
    }

    /// Sets the civil clock right. Nobody tells the pools, so whoever waits learns of a credential that has come back
    /// to life at the next event; here that is somebody who asks for an account that there is not.
    ///
    /// They look at the clock before it is set as well: whether a quota that ended unseen begins anew when the clock is
    /// set back, is for nobody to say.
    private func stepWallClock() {
        let step = world.dice.pick(seconds: [-600, -1, 1, 3600])
        world.referee.meetMoment()
        lookAtClocks()
        world.simulation.time.stepWallClock(by: step)
        world.referee.wallClockStepped(by: step)
        lookAtClocks()
    }

    private func lookAtClocks() {
        for provider in world.plan.providers { _ = world.pools[provider.name]?.lease(account: "nobody", for: .text) }
    }
}
