import PolluxAdmin
import PolluxCore
import Synchronization

/// The running gateway itself, for the admin API.
struct GatewayDesk: GatewayControl {
    let gateway: @Sendable () -> Gateway
    let settings: SettingsDesk
    let keys: KeyDesk
    let prober: AccountProber
    let events: EventHub
    let startedAt: WallTime
    /// The folder of the databases; `nil` where the state is in memory only.
    let stateFolder: String?

    /// Accounts of one provider that are tried before a reload is given up.
    private static let maxProbes = 5
    /// How long the credential sources of new settings may take until their accounts are tried.
    private static let patience = Duration.seconds(2)

    func status() async -> JSON {
        let gateway = gateway()
        let (isReady, reasons) = gateway.readiness
        let providers = gateway.upstreams.map { upstream -> JSON in
            let shortage = upstream.pool.shortage()
            return [
                "name": .string(upstream.name), "kind": .string(upstream.kind.name),
                "accounts": .number(JSONNumber(shortage.accounts)), "ready": .number(JSONNumber(shortage.ready)),
                "busy": .number(JSONNumber(shortage.busy)), "cooling": .number(JSONNumber(shortage.cooling)),
            ]
        }
        return [
            "version": .string(PolluxVersion.text), "started_at": .string(startedAt.rfc3339Text),
            "now": .string(gateway.time.wallNow.rfc3339Text), "ready": .bool(isReady),
            "reasons": .array(reasons.map { .string($0) }), "providers": .array(providers),
            "in_flight": .number(JSONNumber(gateway.load.inFlight.load(ordering: .relaxed))),
            "served": .number(JSONNumber(gateway.load.served.load(ordering: .relaxed))),
        ]
    }

    func models() async -> [OfferedModel] { gateway().pipeline.offeredModels }

    func limits() async throws(AdminError) -> JSON {
        let gateway = gateway()
        var items: [JSON] = []
        if !gateway.settings.limits.isEmpty {
            items.append(
                try await item([("owner", "gateway")], gateway.settings.limits.json, of: nil, gateway.limiter))
        }
        for key in try await keys.keys() where key.key.revokedAt == nil {
            guard let json = key.key.limits, case let set = LimitSet.read(json).limits, !set.isEmpty else { continue }
            let members: [(String, JSON)] = [
                ("owner", "key"), ("key_id", .string(key.key.id)), ("key_name", .string(key.key.name)),
            ]
            let owned = OwnedLimits(set, ofKey: key.key.id)
            items.append(try await item(members, json, of: owned, gateway.limiter))
        }
        return ["items": .array(items)]
    }

    private func item(
        _ members: [(String, JSON)], _ limits: JSON, of key: OwnedLimits?, _ limiter: RequestLimiter
    ) async throws(AdminError) -> JSON {
        let models = gateway().countedModels
        let readings = try await asking { () throws(GatewayError) in
            try await limiter.readings(of: key, models: models)
        }
        return .object(JSONObject(members + [("limits", limits), ("current", .array(readings.map(Self.json)))]))
    }

    private static func json(_ reading: LimitReading) -> JSON {
        var object = JSONObject([
            ("measure", .string(reading.limit.measure.rawValue)), ("limit", .string(reading.limit.text)),
        ])
        if !reading.model.isEmpty { object["model"] = .string(reading.model) }
        if let inUse = reading.inUse { object["in_use"] = .count(Int(clamping: inUse)) }
        object["remaining"] = .count(Int(clamping: max(0, reading.remaining)))
        if reading.inUse == nil {
            let reset = Duration.microseconds(reading.resetAfter).secondsRoundedUp
            object["reset_after_seconds"] = .count(Int(clamping: reset))
        }
        return .object(object)
    }

    func explain(_ question: RouteQuestion) async throws(AdminError) -> JSON {
        var problem: String?
        if let keyID = question.keyID {
            guard let key = try await keys.keys().first(where: { $0.key.id == keyID })?.key else {
                throw .notFound("there is no key \"\(keyID)\"", code: "key_not_found")
            }
            problem = Self.refusal(of: key, question.model, gateway().time.wallNow)
        }
        var explanation = gateway().pipeline.explain(question.request)
        if let problem { (explanation.targets, explanation.problem) = ([], problem) }
        return explanation.json
    }

    /// What a request meets before it gets as far as an account.
    private static func refusal(of key: StoredKey, _ model: String, _ now: WallTime) -> String? {
        if key.revokedAt != nil { return "the key \"\(key.name)\" is revoked" }
        if key.expiresAt.map({ $0 <= now }) == true { return "the key \"\(key.name)\" has expired" }
        return ClientKey(key).mayUse(model) ? nil : "the key \"\(key.name)\" may not use the model \"\(model)\""
    }

    // MARK: Backups

    func backUp(as name: String) async throws(AdminError) -> (path: String, bytes: Int) {
        guard let stateFolder else {
            throw AdminError(
                409, "nothing_to_back_up", "this gateway keeps its state in memory; there are no files to copy")
        }
        let result = await OwnThread.run { StateBackups.write(from: stateFolder, as: name) }
        switch result {
        case .success(let copy): return copy
        case .failure(let error): throw error
        }
    }

    // MARK: Reloading

    func reload(dryRun: Bool) async throws(AdminError) -> ReloadOutcome {
        try settings.enter()
        defer { settings.leave() }
        let (loaded, plan) = try settings.reread()
        if dryRun { return ReloadOutcome(result: .planned, plan: plan) }
        let old = settings.current
        let changed = plan.providers.changed + providers(using: plan.sources.changed, in: loaded.settings)
        let before = await workingProviders(Set(changed))
        try await settings.adopt(loaded)
        events.publish(.reloaded(plan))
        let probes = await probe(Set(changed), loaded.settings)
        let lost = before.filter { name in !probes.contains { $0.provider == name && $0.isGood } }.sorted()
        guard !lost.isEmpty else { return ReloadOutcome(result: .reloaded, plan: plan, probes: probes) }
        try await settings.adopt(old)
        events.publish(.reloaded(ReloadPlan(from: loaded.meant, to: old.meant, warnings: [])))
        let names = lost.map { "\"\($0)\"" }.joined(separator: ", ")
        return ReloadOutcome(
            result: .rolledBack, plan: plan, probes: probes,
            reason: "no account of \(names) answers any more, and one did before; the settings before are in force"
                + " again")
    }

    private func providers(using sources: [String], in settings: GatewaySettings) -> [String] {
        settings.providers.filter { !Set($0.common.credentials).isDisjoint(with: sources) }.map(\.name)
    }

    /// Those of which an account answers.
    private func workingProviders(_ names: Set<String>) async -> Set<String> {
        var working: Set<String> = []
        for upstream in gateway().upstreams where names.contains(upstream.name) {
            if await probe(upstream).contains(where: \.isGood) { working.insert(upstream.name) }
        }
        return working
    }

    private func probe(_ names: Set<String>, _ settings: GatewaySettings) async -> [ReloadOutcome.Probe] {
        let gateway = gateway()
        var probes: [ReloadOutcome.Probe] = []
        for upstream in gateway.upstreams where names.contains(upstream.name) {
            let end = gateway.time.now + Self.patience
            while upstream.pool.count == 0, gateway.time.now < end {
                do { try await gateway.time.sleep(until: gateway.time.now + .milliseconds(20)) } catch { break }
            }
            probes += await probe(upstream)
        }
        return probes
    }

    /// One account after the other until one answers.
    private func probe(_ upstream: Upstream) async -> [ReloadOutcome.Probe] {
        var probes: [ReloadOutcome.Probe] = []
        let able = upstream.pool.reports().filter { $0.state != .disabled }
        for report in able.prefix(Self.maxProbes) {
            guard let lease = upstream.pool.trialLease(of: report.accountID),
                let steps = await prober.steps(upstream, lease)
            else { continue }
            let probe = ReloadOutcome.Probe(provider: upstream.name, account: report.accountID, steps: steps)
            probes.append(probe)
            if probe.isGood { break }
        }
        return probes
    }
}

extension Pipeline {
    /// Each model with its targets.
    var offeredModels: [OfferedModel] {
        models.map { model in
            OfferedModel(
                id: model.id, owner: model.owner,
                targets: targets(for: model.id).map { "\($0.provider)/\($0.model)" })
        }
    }
}

extension RouteQuestion {
    fileprivate var request: ModelRequest {
        var request = ModelRequest(id: "explain", model: model)
        request.client.keyID = keyID ?? ""
        // Providers refuse what says nothing.
        request.turns = [Turn(.user, [.text("?")])]
        request.stream = isStreamed
        if wantsImages { request.modalities = [.image] }
        if hasTools { request.tools = [ToolSpec(name: "explain")] }
        if wantsJSON { request.output = .json }
        return request
    }
}
