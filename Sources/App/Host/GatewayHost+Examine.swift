import PolluxCore
import PolluxStorage
import PolluxTransport

// What `doctor` and `models` ask of a host that serves nobody.
extension GatewayHost {
    /// Asks every provider whose models only its upstream knows.
    ///
    /// - Returns: What stood in the way.
    func refreshCatalog() async -> [Finding] {
        await withAccounts { findings in
            for upstream in gateway.upstreams where upstream.provider.offeredModels == nil {
                guard let lister = upstream.provider as? any ModelListing else { continue }
                let refresher = CatalogRefresher(
                    upstream: upstream, lister: lister, catalog: gateway.catalog, sources: [], time: gateway.time,
                    log: log)
                do throws(GatewayError) {
                    try await onLoop { () async throws(GatewayError) in _ = try await refresher.refresh() }
                } catch {
                    findings.append(Finding(.provider(upstream.name), "models", failure: error))
                }
            }
        }
    }

    /// Tries every credential source, every account of every provider, and the Redis that limits are shared on.
    func examine() async -> [Finding] {
        let limits = await examineRateLimits()
        return await withAccounts { findings in
            for upstream in gateway.upstreams {
                for lease in collectLeases(of: upstream, into: &findings) {
                    findings += await examine(upstream, lease)
                    lease.release(after: .cancelled)
                }
            }
            findings += limits
        }
    }

    /// The first version that has all that the scripts of limits use.
    private static let oldestRedis = 5

    /// Nothing where limits are counted in memory. The connection loads the scripts before it is called ready.
    private func examineRateLimits() async -> [Finding] {
        let backend = gateway.rateLimits
        guard let redis = backend.redis else { return [] }
        let connecting = start(NamedService(name: "rate limits", service: redis))
        defer { connecting.cancel() }
        await [backend.firstWord].compactMap(\.self).wait(until: gateway.time.now + .seconds(2), gateway.time)
        if let trouble = redis.trouble { return [Finding(.rateLimits, "Redis", failure: trouble)] }
        let version = await redis.serverVersion()
        let step = "Redis\(version.map { " \($0)" } ?? "") at \(redis.address), scripts load"
        let major = version.flatMap { Int($0.prefix { $0 != "." }) }
        let isOld = major.map { $0 < Self.oldestRedis } ?? false
        return [
            Finding(
                .rateLimits, step,
                problem: isOld ? "it is too old; limits need Redis \(Self.oldestRedis) or later" : nil)
        ]
    }

    /// Lets every credential source publish once or fail, and keeps them running during `body`.
    private func withAccounts(_ body: (inout [Finding]) async -> Void) async -> [Finding] {
        let trials = feeds.map { SourceTrial($0, complaints: complaints) }
        let tasks = trials.map { trial in Task(executorPreference: loops.next) { await trial.run() } }
        let deadline = gateway.time.now + .seconds(10)
        while gateway.time.now < deadline, trials.contains(where: { $0.currentOutcome == nil }) {
            do { try await gateway.time.sleep(until: gateway.time.now + .milliseconds(5)) } catch { break }
        }
        var findings = trials.map(finding)
        await body(&findings)
        for task in tasks { task.cancel() }
        return findings
    }

    private func finding(_ trial: SourceTrial) -> Finding {
        switch trial.currentOutcome {
        case .published: Finding(.source(trial.name), "accounts read", problem: nil)
        case .failed(let reason): Finding(.source(trial.name), "accounts", problem: reason)
        case nil: Finding(.source(trial.name), "accounts", problem: "it has named none within 10 s")
        }
    }

    /// Takes every usable account at once, so that each is tried exactly once; reports the others.
    private func collectLeases(of upstream: Upstream, into findings: inout [Finding]) -> [PoolLease] {
        if upstream.pool.shortage().accounts == 0 {
            let sources = gateway.settings.providers.first { $0.name == upstream.name }?.common.credentials ?? []
            let problem =
                sources.isEmpty
                ? "there is none; name credential sources under credentials:, or API keys"
                : "there is none in its credential sources (\(sources.joined(separator: ", ")))"
            findings.append(Finding(.provider(upstream.name), "accounts", problem: problem))
        }
        for (accountID, reason) in upstream.pool.unusableAccounts {
            findings.append(Finding(.account(accountID, of: upstream.name), "account", problem: reason))
        }
        var leases: [PoolLease] = []
        var seen: Set<String> = []
        while let lease = try? upstream.pool.lease(for: .text, excluding: seen, provider: upstream.name) {
            seen.insert(lease.accountID)
            leases.append(lease)
        }
        return leases
    }

    private func examine(_ upstream: Upstream, _ lease: PoolLease) async -> [Finding] {
        let subject = Finding.Subject.account(lease.accountID, of: upstream.name)
        if let prober = upstream.provider as? any AccountProbing {
            return await onLoop {
                var steps: [ProbeStep] = []
                await prober.probe(lease) { steps.append($0) }
                return steps
            }.map { Finding(subject, $0.name, failure: $0.failure) }
        }
        if let lister = upstream.provider as? any ModelListing {
            do throws(GatewayError) {
                let models = try await onLoop { () async throws(GatewayError) in
                    try await lister.listModels(on: lease)
                }
                return [Finding(subject, "models (\(models.count))", problem: nil)]
            } catch { return [Finding(subject, "models", failure: error)] }
        }
        return [Finding(subject, "loaded; this kind cannot be tried without a request", problem: nil)]
    }

    /// Runs on a loop, as requests do.
    private func onLoop<Value: Sendable, Failure: Error>(
        _ body: @Sendable @escaping () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let task = Task(executorPreference: loops.loops[0]) { () async -> Result<Value, Failure> in
            do throws(Failure) { return .success(try await body()) } catch { return .failure(error) }
        }
        return try await task.value.get()
    }
}
