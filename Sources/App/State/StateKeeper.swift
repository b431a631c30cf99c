import PolluxCore

/// Hands the store what has changed, each second, and clears up each hour.
struct StateKeeper: Service {
    let state: GatewayState
    let time: any TimeSource
    let log: Logger
    /// The one in force.
    let gateway: @Sendable () -> Gateway

    private static let interval = Duration.seconds(1)
    private static let clearingInterval = Duration.seconds(3600)

    func run() async throws {
        if let fault = await state.store.checkLog() { warn(fault) }
        var cleared: Instant?
        while true {
            if cleared.map({ time.now - $0 >= Self.clearingInterval }) ?? true {
                cleared = time.now
                await clear()
            }
            try await time.sleep(until: time.now + Self.interval)
            await save()
        }
    }

    /// Also called when the process ends: then nothing noted is lost.
    func save() async {
        let (gateway, now, wallNow) = (gateway(), time.now, time.wallNow)
        for upstream in gateway.upstreams {
            let memories = upstream.pool.takeChangedMemories()
            if !memories.isEmpty { state.book.note(memories) }
        }
        let conversations = gateway.affinity.takeChanges(now: now, wallNow: wallNow)
        if !conversations.isEmpty { state.store.note(conversations) }
        let requests = state.usage.take()
        if !requests.isEmpty { state.store.note(requests) }
        await state.book.saveRest()
        await state.store.flush()
    }

    private func clear() async {
        let settings = gateway().settings
        let retention = Retention(
            requests: settings.state.keepRequests, usage: settings.state.keepUsage,
            conversations: settings.conversations.rules.timeToLive, audit: settings.state.keepAudit)
        await state.book.purge(retention, now: time.wallNow)
        await state.store.purge(retention, now: time.wallNow)
    }

    private func warn(_ fault: String) {
        log.error(
            "log.db is damaged",
            [
                LogField("reason", fault),
                LogField(
                    "consequence",
                    "counts and the log of requests may be wrong; restore a backup of it, or stop the gateway and move"
                        + " the file away to begin a new one"),
            ])
    }
}
