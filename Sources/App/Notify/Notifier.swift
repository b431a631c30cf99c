import PolluxCore
import Synchronization

/// Tells the operator what happens to accounts, through every channel of `notify:`. Lives as long as the process.
final class Notifier: Service {
    private struct State {
        var channels: [NotifyChannel] = []
        var network = NetworkOptions()
    }

    private let state = Mutex(State())
    private let parts: NotifyParts
    private let transitions: TransitionHub
    private let worker: any TaskExecutor
    private let views: @Sendable () -> [PoolView]
    private let changed = BoundedInbox<Void>(limit: 1)

    /// How often it is asked whether there is something to say, and every how many times all accounts are looked at:
    /// transitions tell of most things at once, expiries and empty pools are only seen so.
    private static let tick = Duration.seconds(5)
    private static let ticksPerLook = 3

    /// - Parameters:
    ///   - worker: Where all accounts are looked at.
    ///   - views: How the providers of the gateway in force are.
    init(
        _ parts: NotifyParts, transitions: TransitionHub, worker: any TaskExecutor,
        views: @escaping @Sendable () -> [PoolView]
    ) {
        (self.parts, self.transitions, self.worker, self.views) = (parts, transitions, worker, views)
    }

    /// Other settings. A channel that stays as it was keeps what waits for it and what was told there.
    func change(_ settings: [NotifyChannelSettings], network: NetworkOptions) {
        state.withLock { state in
            let isSameNetwork = state.network == network
            let old = state.channels
            state.network = network
            state.channels = settings.map { entry in
                if isSameNetwork, let same = old.first(where: { $0.settings == entry }) { return same }
                return NotifyChannel(entry, parts.sender(entry, network), parts)
            }
        }
        changed.put(())
    }

    var channels: [NotifyChannel] { state.withLock { $0.channels } }

    func run() async throws {
        while !Task.isCancelled {
            let channels = channels
            await withTaskGroup(of: Void.self) { group in
                group.addTask { [changed] in _ = await changed.next() }
                if !channels.isEmpty {
                    group.addTask { await self.listen(channels) }
                    group.addTask { await self.look(channels) }
                }
                for channel in channels { group.addTask { await channel.deliver() } }
                await group.next()
                group.cancelAll()
            }
        }
    }

    private func listen(_ channels: [NotifyChannel]) async {
        let subscription = transitions.subscribe()
        while let transition = await subscription.next() {
            for channel in channels { channel.observe(transition) }
        }
    }

    private func look(_ channels: [NotifyChannel]) async {
        var ticks = 0
        while true {
            do { try await parts.time.sleep(until: parts.time.now + Self.tick) } catch { return }
            ticks += 1
            if ticks % Self.ticksPerLook == 0 {
                // Many accounts take a while to look at.
                await withTaskExecutorPreference(worker) { await Self.observe(views, channels) }
            } else {
                for channel in channels { channel.speak() }
            }
        }
    }

    /// Async, so that it runs on the executor that the caller prefers.
    private static func observe(_ views: @Sendable () -> [PoolView], _ channels: [NotifyChannel]) async {
        let seen = views()
        for channel in channels { channel.observe(seen) }
    }
}
