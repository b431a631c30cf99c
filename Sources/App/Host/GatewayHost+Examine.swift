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
                do throws(GatewayError) {
                    let models = try await listModels(of: upstream, lister)
                    gateway.catalog.set(models, for: upstream.name)
                } catch {
                    findings.append(Finding(.provider(upstream.name), "models", failure: error))
                }
            }
        }
    }

    /// A resting account may be asked, too: the list spends nothing.
    private func listModels(
        of upstream: Upstream, _ lister: any ModelListing
    ) async throws(GatewayError) -> [ModelInfo] {
        let able = upstream.pool.reports().filter { !$0.state.needsAttention && $0.state != .disabled }
        let best = able.first { $0.state.isSelectable } ?? able.first
        guard let lease = best.flatMap({ upstream.pool.trialLease(of: $0.accountID) }) else {
            // Says which accounts there are, and what bars them.
            try upstream.pool.lease(for: .text, provider: upstream.name).release(after: .cancelled)
            return []
        }
        return try await onLoop { () async throws(GatewayError) in try await lister.listModels(on: lease) }
    }

    /// Tries every credential source, every account of every provider, and the Redis that limits are shared on.
    func examine() async -> [Finding] {
        let limits = await examineRateLimits()
        return await withAccounts { findings in
            for upstream in gateway.upstreams {
                for (id, lease) in collectLeases(of: upstream, into: &findings) {
                    findings += await examine(upstream, id, lease)
                }
            }
            findings += limits
        }
    }

    /// The first version that has all that the scripts of limits use.
    private static let oldestRedis = 5

    /// Nothing where limits are counted in memory. The connection loads the scripts before it is called ready.
    func examineRateLimits() async -> [Finding] {
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

    /// Every account that could work, whether it rests or not; reports the others.
    private func collectLeases(
        of upstream: Upstream, into findings: inout [Finding]
    ) -> [(id: String, lease: any AccountLease)] {
        if upstream.pool.shortage().accounts == 0 {
            let sources = gateway.settings.providers.first { $0.name == upstream.name }?.common.credentials ?? []
            let problem =
                sources.isEmpty
                ? "there is none; name credential sources under credentials:, or API keys"
                : "there is none in its credential sources (\(sources.joined(separator: ", ")))"
            findings.append(Finding(.provider(upstream.name), "accounts", problem: problem))
        }
        var barred: Set<String> = []
        for (accountID, reason) in upstream.pool.unusableAccounts {
            // What the upstream found about it once may be over; what is missing or switched off is not.
            guard let credential = upstream.pool.currentCredential(of: accountID) else { continue }
            let state = upstream.pool.report(of: accountID)?.state
            let isFound = [.credentialRejected, .restricted, .needsHuman].contains(state)
            if isFound, upstream.provider.problem(with: credential) == nil { continue }
            barred.insert(accountID)
            findings.append(Finding(.account(accountID, of: upstream.name), "account", problem: reason))
        }
        return upstream.pool.reports().map(\.accountID).filter { !barred.contains($0) }.compactMap { id in
            upstream.pool.trialLease(of: id).map { (id, $0) }
        }
    }

    private func examine(_ upstream: Upstream, _ id: String, _ lease: any AccountLease) async -> [Finding] {
        let subject = Finding.Subject.account(id, of: upstream.name)
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
