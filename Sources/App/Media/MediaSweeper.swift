import PolluxCore

/// Takes expired media away, at the start and each hour; a reload starts it anew, under the new rules.
struct MediaSweeper: Service {
    let store: any MediaKeeping
    let rules: MediaRules
    let time: any TimeSource
    let log: Logger

    static let interval = Duration.seconds(3600)

    func run() async throws {
        await store.change(rules)
        while true {
            let removed = await store.sweep(now: time.wallNow)
            if !removed.isEmpty { log.debug("media expired", [LogField("files", removed.count)]) }
            try await time.sleep(until: time.now + Self.interval)
        }
    }
}
