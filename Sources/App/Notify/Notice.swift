import PolluxCore

/// What the operator can be told of.
enum NotifyEvent: String, Sendable, CaseIterable, Comparable {
    case poolEmpty = "pool_empty"
    case accountDead = "account_dead"
    case accountNeedsHuman = "account_needs_human"
    case accountExpiresSoon = "account_expires_soon"
    case allClear = "all_clear"
    /// Sent by hand.
    case test

    /// What settings may name: a test is sent to everybody who is asked to be tested.
    static let allCases: [NotifyEvent] = [.poolEmpty, .accountDead, .accountNeedsHuman, .accountExpiresSoon, .allClear]

    /// The gravest first.
    static func < (left: NotifyEvent, right: NotifyEvent) -> Bool { left.rank < right.rank }

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? Self.allCases.count }
}

/// One message to the operator: something that happened to a provider or some of its accounts.
struct Notice: Sendable, Equatable {
    /// An account it is about; a message about a provider as a whole has one without a name.
    struct Item: Sendable, Equatable {
        var account: String?
        var state: AccountState?
        /// One sentence, without secrets.
        var reason = ""
        /// When the state ends, or the sign-in.
        var until: WallTime?
        /// The upstream's HTTP status, and the request that met it.
        var upstreamStatus: Int?
        var requestID = ""
    }

    var event: NotifyEvent
    /// Empty for a test.
    var provider: String
    var at: WallTime
    var items: [Item]

    /// At most so many accounts are named; the rest is a number.
    static let maxNamed = 20
}

// MARK: - In words

extension Notice {
    /// One line that says what happened and what to do.
    var summary: String {
        switch event {
        case .poolEmpty:
            let reason = items.first.map(\.reason).flatMap { $0.isEmpty ? nil : $0 }
            return reason ?? "provider \"\(provider)\" has no account that could serve a request"
        case .accountDead:
            return "\(subject) \(verb("is", "are")) out of service (\(reasons)): sign in again, or put new credentials"
                + " in their place"
        case .accountNeedsHuman: return "\(subject) \(verb("needs", "need")) a person (\(reasons)): sign in by hand"
        case .accountExpiresSoon:
            return "the sign-in of \(subject) ends \(soonest)renew it before it does"
        case .allClear:
            guard items.first?.account != nil else { return "provider \"\(provider)\" has usable accounts again" }
            return "\(subject) \(verb("is", "are")) usable again"
        case .test: return "this is a test message of Pollux: the channel works"
        }
    }

    private func verb(_ one: String, _ many: String) -> String { items.count == 1 ? one : many }

    /// `account "amber" of provider "web"`, `3 accounts of provider "web" ("amber", "birch", "cedar")`
    private var subject: String {
        let names = items.prefix(Self.maxNamed).map { "\"\($0.account ?? "")\"" }
        if items.count == 1 { return "account \(names[0]) of provider \"\(provider)\"" }
        let more = items.count > names.count ? " and \(items.count - names.count) more" : ""
        return "\(items.count) accounts of provider \"\(provider)\" (\(names.joined(separator: ", "))\(more))"
    }

    private var reasons: String {
        if items.count == 1, let item = items.first, !item.reason.isEmpty {
            return [item.state?.rawValue, item.reason].compactMap(\.self).joined(separator: ": ")
        }
        let states = items.compactMap(\.state)
        return AccountState.allCases.compactMap { state -> String? in
            let count = states.count { $0 == state }
            return count == 0 ? nil : states.count == 1 ? state.rawValue : "\(count) \(state.rawValue)"
        }.joined(separator: ", ")
    }

    private var soonest: String {
        guard let until = items.compactMap(\.until).min() else { return "soon: " }
        return "at \(Timestamp.text(until)): "
    }
}

// MARK: - As JSON

extension Notice {
    /// What is sent. `text` and `content` are what chat services look for.
    ///
    /// - Parameter id: The same in every repetition of one delivery.
    func json(id: String) -> JSON {
        var object = JSONObject([
            ("event", .string(event.rawValue)), ("id", .string(id)), ("at", .string(Timestamp.text(at))),
            ("gateway", .string("pollux \(PolluxVersion.text)")), ("text", .string(summary)),
            ("content", .string(summary)),
        ])
        guard event != .test else { return .object(object) }
        object["provider"] = .string(provider)
        let accounts = items.filter { $0.account != nil }
        object["count"] = .number(JSONNumber(accounts.count))
        object["accounts"] = .array(accounts.prefix(Self.maxNamed).map(\.json))
        return .object(object)
    }
}

extension Notice.Item {
    fileprivate var json: JSON {
        var object = JSONObject([("account", .string(account ?? ""))])
        if let state { object["state"] = .string(state.rawValue) }
        if !reason.isEmpty { object["reason"] = .string(reason) }
        if let until { object["until"] = .string(Timestamp.text(until)) }
        if let upstreamStatus { object["upstream_status"] = .number(JSONNumber(upstreamStatus)) }
        if !requestID.isEmpty { object["request"] = .string(requestID) }
        return .object(object)
    }
}
