extension RouteExplanation {
    /// For the admin API. Times in seconds since 1970, with their fraction.
    public var json: JSON {
        var body: [(String, JSON)] = [
            ("model", .string(model)), ("at", Self.time(at)), ("max_attempts", .number(JSONNumber(maxAttempts))),
            ("targets", .array(targets.map(\.json))),
            (
                "order",
                .array(order.map { ["provider": .string($0.provider), "account": .string($0.accountID)] })
            ),
        ]
        if !keyID.isEmpty { body.insert(("key", .string(keyID)), at: 1) }
        if let problem { body.append(("problem", .string(problem))) }
        return .object(JSONObject(body))
    }

    /// On one line of plain ASCII for a header of an answer; of a long one the beginning, in whole words.
    ///
    /// `web/amber ready 1; web/birch cooling 42s; google/key-1 ready 2`
    public func headerValue(limit: Int = 2048) -> String {
        var words: [String] = []
        for target in targets {
            if target.refusal != nil { words.append("\(target.provider) refuses") }
            for account in target.accounts { words.append(account.headerWord(target.provider)) }
        }
        if let problem, words.isEmpty { words.append(problem) }
        var line = ""
        for word in words.map(Self.plain) {
            let separator = line.isEmpty ? "" : "; "
            guard line.utf8.count + separator.utf8.count + word.utf8.count <= limit - 5 else {
                return line + "; ..."
            }
            line += separator + word
        }
        return line
    }

    fileprivate static func time(_ time: WallTime) -> JSON { .number(JSONNumber(Int(time.seconds))) }

    /// Header fields hold visible ASCII; whatever else a name has becomes a question mark.
    private static func plain(_ word: String) -> String {
        String(decoding: word.utf8.map { (0x20..<0x7F).contains($0) ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
    }
}

extension RouteExplanation.Target {
    fileprivate var json: JSON {
        var body: [(String, JSON)] = [
            ("provider", .string(provider)), ("model", .string(model)), ("class", .string(quotaClass.rawValue)),
            ("endpoint", .string(endpoint.rawValue)), ("retries_left", .number(JSONNumber(Int(retriesLeft)))),
            ("accounts", .array(accounts.map(\.json))),
        ]
        if let endpointUntil { body.append(("endpoint_until", RouteExplanation.time(endpointUntil))) }
        if let refusal { body.append(("refusal", .string(refusal))) }
        if let shortage { body.append(("shortage", .string(shortage))) }
        return .object(JSONObject(body))
    }
}

extension RouteExplanation.Account {
    fileprivate var json: JSON {
        var body: [(String, JSON)] = [("account", .string(accountID))]
        if let turn { body.append(("turn", .number(JSONNumber(turn)))) }
        body.append(("verdict", .string(verdict.rawValue)))
        body.append(("state", .string(state.rawValue)))
        if let until { body.append(("until", RouteExplanation.time(until))) }
        if let remaining { body.append(("remaining_seconds", .number(JSONNumber(Int(remaining.secondsRoundedUp))))) }
        if let reason { body.append(("reason", .string(reason))) }
        body.append(("in_flight", .number(JSONNumber(inFlight))))
        body.append(("weight", .number(JSONNumber(weight))))
        if isFavourite { body.append(("conversation", true)) }
        return .object(JSONObject(body))
    }

    fileprivate func headerWord(_ provider: String) -> String {
        var word = "\(provider)/\(accountID) "
        word += verdict == .state ? state.rawValue : verdict.rawValue
        if let turn { word += " \(turn)" }
        if let remaining { word += " \(remaining.secondsRoundedUp)s" }
        return word
    }
}
