import PolluxCore

/// Asks an upstream for its models: as soon as its accounts are there, soon again while that fails, then every five
/// minutes.
struct CatalogRefresher: Service {
    let upstream: Upstream
    let lister: any ModelListing
    let catalog: ModelCatalog
    /// Of the sources that the upstream's accounts come from.
    let sources: [FirstWord]
    let time: any TimeSource
    let log: Logger

    private static let interval = Duration.seconds(300)
    private static let firstPause = Duration.seconds(2)

    func run() async throws {
        await sources.wait(until: time.now + Self.firstPause, time)
        var pause = Self.firstPause
        while !Task.isCancelled {
            do {
                let models = try await refresh()
                log.debug("models listed", [LogField("count", models.count)])
                pause = Self.interval
            } catch {
                log.info(
                    "models could not be listed",
                    [
                        LogField("error", error.kind.rawValue), LogField("message", error.message),
                        LogField("detail", error.detail),
                    ])
                pause = min(pause * 2, Self.interval)
            }
            try await time.sleep(until: time.now + pause)
        }
    }

    /// - Throws: What the upstream or the pool says.
    @discardableResult
    func refresh() async throws(GatewayError) -> [ModelInfo] {
        let lease = try upstream.pool.lease(for: .text, provider: upstream.name)
        do {
            let models = try await lister.listModels(on: lease)
            lease.release(after: nil)
            catalog.set(models, for: upstream.name)
            return models
        } catch {
            lease.release(after: error)
            throw error
        }
    }
}

extension Upstream {
    /// What is offered before any upstream has been asked.
    var modelsAtStart: [ModelInfo]? {
        provider.offeredModels ?? (provider as? any ModelListing)?.modelsUntilListed
    }
}
