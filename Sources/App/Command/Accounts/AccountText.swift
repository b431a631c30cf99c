import PolluxCore

/// One account in full, for `accounts show`.
struct AccountText {
    private let account: ShownAccount
    private let now: WallTime
    private let invocation: Invocation

    init(_ account: ShownAccount, _ now: WallTime, _ invocation: Invocation) {
        (self.account, self.now, self.invocation) = (account, now, invocation)
    }

    var description: [String] {
        var facts: [(String, String)] = [("account", account.name.printable)]
        if let label = account.label { facts.append(("label", label.printable)) }
        facts.append(("source", account.source.printable))
        facts.append(("state", stateText(account.state)))
        for state in account.classes where state.code != account.state.code {
            facts.append(("  \(state.quotaClass)", stateText(state)))
        }
        for model in account.models {
            facts.append(("  \(model.model.printable)", "rests for \(model.quotaClass), back \(model.back)"))
        }
        if let time = account.expiresAt { facts.append(("expires", when(time))) }
        if let time = account.goneSince { facts.append(("gone", "its source names it no more, since \(when(time))")) }
        facts.append(("requests", requests))
        if let time = account.lastUsed { facts.append(("last used", when(time))) }
        if let error = account.lastError {
            facts.append(("last error", error.printable + (account.lastErrorAt.map { ", \(when($0))" } ?? "")))
        }
        facts.append(("weight", "\(account.weight)"))
        if account.hasOwnProxy { facts.append(("proxy", "its own")) }
        facts += fieldLines
        let width = facts.map(\.0.count).max() ?? 0
        return facts.map { "\($0.0.padded(to: width))  \($0.1)" }
    }

    private var requests: String {
        "\(account.successes) went well, \(account.failures) failed, \(account.inFlight) running"
    }

    /// Which values the source gave, which were renewed, and which the operator set.
    private var fieldLines: [(String, String)] {
        let titles = ["source": "from source", "rotated": "renewed", "admin": "set by you"]
        let groups = Dictionary(grouping: account.fields, by: \.origin).sorted { $0.key < $1.key }
        return groups.map { origin, fields in
            (titles[origin] ?? origin, fields.map { $0.name.printable }.joined(separator: ", "))
        }
    }

    private func stateText(_ state: ShownState) -> String {
        let back = state.back.isEmpty ? "" : ", back \(state.back)"
        let reason = state.reason.map { ": \($0.printable)" } ?? ""
        return invocation.painted(state.code, state.tone) + back + reason
    }

    private func when(_ time: WallTime) -> String { "\(time.rfc3339Text) (\(HumanTime.distance(from: now, to: time)))" }
}
