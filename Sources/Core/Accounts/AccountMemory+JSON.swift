/// The form in which an account's life outlives a restart. Civil times in microseconds since 1970; what is over, or was
/// never anything, is left out.
///
/// Whether the operator switched the account off is not in it: that is in the account's record, durable before it is
/// acknowledged.
extension AccountLife {
    private static let version = 1

    func memory(_ given: AccountCircumstances) -> JSON {
        var body: [(String, JSON)] = [("v", Self.integer(Self.version))]
        if let finding {
            body.append(
                (
                    "finding",
                    [
                        "state": .string(finding.bar.state?.rawValue ?? ""), "reason": .string(finding.reason),
                        "at": Self.time(finding.at),
                    ]
                ))
        }
        let classes = QuotaClass.allCases.compactMap { quotaClass -> (String, JSON)? in
            let strand = strands[quotaClass.ordinal].memory(given)
            return strand.isEmpty ? nil : (quotaClass.rawValue, .object(JSONObject(strand)))
        }
        if !classes.isEmpty { body.append(("classes", .object(JSONObject(classes)))) }
        let models = models.filter { $0.value.end > given.now }.sorted { $0.key.model < $1.key.model }
        if !models.isEmpty {
            body.append(
                (
                    "models",
                    .array(
                        models.map { key, rest in
                            [
                                "class": .string(key.quotaClass.rawValue), "model": .string(key.model),
                                "until": Self.time(given.civil(rest.end)), "repeats": Self.integer(rest.repeats),
                            ]
                        })
                ))
        }
        body.append(("counters", counters.memory))
        return .object(JSONObject(body))
    }

    /// Takes over what was remembered. Times are cut to their maxima: the clock may have been wrong, then or now.
    mutating func restore(_ memory: JSON, _ given: AccountCircumstances) -> [AccountTransition] {
        guard memory["v"]?.int == Self.version else { return [] }
        if let found = memory["finding"], let bar = Self.bar(found["state"]?.string) {
            finding = AccountFinding(
                bar, reason: found["reason"]?.string ?? "", at: Self.time(found["at"]) ?? given.wall)
        }
        for quotaClass in QuotaClass.allCases {
            guard let strand = memory["classes"]?[quotaClass.rawValue] else { continue }
            strands[quotaClass.ordinal].restore(strand, given)
        }
        for one in (memory["models"]?.array ?? []).prefix(AccountPoolState.modelLaneLimit) {
            guard let quotaClass = one["class"]?.string.flatMap(QuotaClass.init(rawValue:)),
                let model = one["model"]?.string, !model.isEmpty, let rest = AccountRest(one, given)
            else { continue }
            models[AccountPoolState.LaneKey(quotaClass: quotaClass, model: model)] = rest
        }
        if let counters = memory["counters"] { self.counters.restore(counters, given) }
        return tell({ Evidence(.restart, message: "remembered from before the restart") }, nil, given)
    }

    private static func bar(_ state: String?) -> AccountBar? {
        switch state.flatMap(AccountState.init(rawValue:)) {
        case .restricted: .restricted
        case .needsHuman: .needsHuman
        case .credentialRejected: .credentialRejected
        case .trialEnded: .trialEnded
        default: nil
        }
    }

    fileprivate static func time(_ time: WallTime) -> JSON { integer(Int(time.microseconds)) }
    fileprivate static func time(_ json: JSON?) -> WallTime? {
        json?.int.map { WallTime(microseconds: Int64($0)) }
    }
    fileprivate static func integer(_ value: Int) -> JSON { .number(JSONNumber(value)) }
}

extension AccountLife.Strand {
    fileprivate func memory(_ given: AccountCircumstances) -> [(String, JSON)] {
        var body: [(String, JSON)] = []
        if let rest, rest.end > given.now {
            body.append(
                (
                    "rest",
                    [
                        "until": AccountLife.time(given.civil(rest.end)), "repeats": AccountLife.integer(rest.repeats),
                    ]
                ))
        }
        if let quotaEnd, quotaEnd > given.wall { body.append(("quota_until", AccountLife.time(quotaEnd))) }
        var breaker: [(String, JSON)] = []
        let openings = self.breaker.openings(given.now)
        switch self.breaker.phase {
        case .open(let until): breaker.append(("until", AccountLife.time(given.civil(until))))
        // Past, so that it is half-open again.
        case .halfOpen: breaker.append(("until", AccountLife.time(given.wall)))
        case .closed:
            if self.breaker.failures > 0 { breaker.append(("failures", AccountLife.integer(self.breaker.failures))) }
            if openings > 0, let since = self.breaker.closedFor(given.now) {
                breaker.append(("closed_since", AccountLife.time(given.wall + (.zero - since))))
            }
        }
        if openings > 0 { breaker.append(("openings", AccountLife.integer(openings))) }
        if !breaker.isEmpty { body.append(("breaker", .object(JSONObject(breaker)))) }
        if !body.isEmpty, let reason { body.append(("reason", .string(reason))) }
        return body
    }

    fileprivate mutating func restore(_ memory: JSON, _ given: AccountCircumstances) {
        rest = memory["rest"].flatMap { AccountRest($0, given) }
        if let end = AccountLife.time(memory["quota_until"]), end > given.wall {
            // The day of the upstream's calendar ends within 25 hours.
            quotaEnd = min(end, given.wall + .seconds(25 * 3600))
        }
        reason = memory["reason"]?.string
        guard let known = memory["breaker"] else { return }
        let openings = known["openings"]?.int ?? 0
        if let until = AccountLife.time(known["until"]) {
            breaker.restore(
                openUntil: given.now + (until - given.wall), openings: openings, given.rules.breaker, given.now)
        } else {
            let since = AccountLife.time(known["closed_since"]) ?? given.wall
            breaker.restore(
                failures: known["failures"]?.int ?? 0, openings: openings,
                closedSince: given.now + (since - given.wall), given.now)
        }
    }
}

extension AccountRest {
    /// No upstream asks for more than a day (`RetryAfter`).
    private static let longest = Duration.seconds(86_400)

    /// - Returns: `nil` for one that is over.
    fileprivate init?(_ memory: JSON, _ given: AccountCircumstances) {
        guard let until = AccountLife.time(memory["until"]), until > given.wall else { return nil }
        let most = max(Self.longest, given.rules.maxCooldown)
        self.init(end: given.now + min(until - given.wall, most), repeats: min(max(memory["repeats"]?.int ?? 1, 1), 64))
    }
}

extension AccountCounters {
    fileprivate var memory: JSON {
        var body: [(String, JSON)] = [
            ("successes", AccountLife.integer(successes)), ("failures", AccountLife.integer(failures)),
            ("answers", .array(answers.map { AccountLife.integer($0) })),
        ]
        if let lastUsed { body.append(("last_used", AccountLife.time(lastUsed))) }
        if let lastError { body.append(("last_error", .string(lastError))) }
        if let lastErrorAt { body.append(("last_error_at", AccountLife.time(lastErrorAt))) }
        return .object(JSONObject(body))
    }

    fileprivate mutating func restore(_ memory: JSON, _ given: AccountCircumstances) {
        successes = max(memory["successes"]?.int ?? 0, 0)
        failures = max(memory["failures"]?.int ?? 0, 0)
        let kept = memory["answers"]?.array ?? []
        for place in answers.indices { answers[place] = max(kept.count > place ? kept[place].int ?? 0 : 0, 0) }
        lastUsed = AccountLife.time(memory["last_used"])
        lastError = memory["last_error"]?.string
        lastErrorAt = AccountLife.time(memory["last_error_at"])
    }
}
