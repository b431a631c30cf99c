import PolluxCore
import PolluxTesting

/// Watches a simulated run from outside and knows the rules: it is told what clients do, what providers are asked and
/// what sources publish, keeps books of its own, and never asks the code under test how things stand, except to
/// compare.
///
/// Unchecked: only jobs of one simulation touch it, and those run on one thread.
final class Referee: @unchecked Sendable {
    let plan: WorldPlan
    let simulation: Simulation
    let trace: SimulationTrace
    private(set) var violation: Violation?
    /// How often what happened, to see that a world is not a dull one.
    private(set) var tally: [String: Int] = [:]

    var accounts: [String: NaiveAccounts] = [:]
    var budgets: [String: Double] = [:]
    var affinity: NaiveAffinity?
    /// In the order of arrival; who is done leaves at the end of the moment.
    var visits: [Visit] = []
    /// Those that had their first attempt in this moment.
    var startedNow: [Visit] = []
    /// By provider: whom its line has served, or may have served unseen.
    var served: [String: [Turn]] = [:]
    /// A count of everything noted: finer than the clock, on which much happens at once.
    private(set) var event = 0
    /// The count when the clock moved last.
    private(set) var momentEvent = 0
    private var moment = Instant(microseconds: -1)

    init(_ plan: WorldPlan, _ simulation: Simulation, isTold: Bool) {
        (self.plan, self.simulation) = (plan, simulation)
        trace = isTold ? SimulationTrace { print($0) } : SimulationTrace()
        affinity = plan.conversations.map { NaiveAffinity($0) }
        for provider in plan.providers {
            accounts[provider.name] = NaiveAccounts(provider.rules)
            budgets[provider.name] = 20
        }
    }

    struct Turn {
        let key: String
        let work: NaiveWork
        let event: Int
        /// The event with which the moment began.
        let momentEvent: Int
        /// False for one who left, or was served elsewhere: it may have been this line's turn as well.
        let isSeen: Bool
    }

    var now: Instant { simulation.time.now }
    var wallNow: WallTime { simulation.time.wallNow }
    var maxAttempts: Int { 1 + plan.retry.maxRetries }

    /// The first broken rule stands; what follows it may be its consequence.
    func check(_ holds: Bool, _ rule: Rule, _ detail: @autoclosure () -> String) {
        guard !holds, violation == nil else { return }
        violation = Violation(rule: rule, detail: detail())
        trace.note(now, "BROKEN \(rule.rawValue)")
    }

    /// Begins every note.
    func happened(_ kind: String, _ line: @autoclosure () -> String) {
        nextEvent()
        tally[kind, default: 0] += 1
        trace.note(now, "\(kind) \(line())")
    }

    /// Moves the count of events on without a line; for what happens at every turn.
    func nextEvent() {
        meetMoment()
        event += 1
    }

    func count(_ kind: String) { tally[kind, default: 0] += 1 }

    /// With what the books have counted.
    var wholeTally: [String: Int] {
        accounts.values.reduce(tally) { $0.merging($1.tally, uniquingKeysWith: +) }
    }

    /// The clock has moved: rests have ended, credentials expired.
    func meetMoment() {
        guard moment != now else { return }
        moment = now
        event += 1
        momentEvent = event
        for provider in plan.providers { look(provider.name, lastFree: event - 1) }
    }

    func look(_ provider: String, lastFree: Int? = nil) {
        accounts[provider]?.settle(now, wallNow)
        accounts[provider]?.look(event, lastFree: lastFree ?? event, now, simulation.time.wallNow)
        accounts[provider]?.noteHope(event, isNewMoment: lastFree != nil)
    }

    // MARK: Sources and the clock

    func sourceWillPublish(_ provider: String, _ source: String, _ credentials: [Credential]) {
        happened("publishes", "\(provider) \(source): \(credentials.map { describe($0) }.joined(separator: " "))")
        accounts[provider]?.publish(source, credentials, at: event)
        let ids = accounts[provider]?.present.map(\.id) ?? []
        if ids.count(where: { id in credentials.contains { $0.accountID == id } }) < ids.count {
            count("several sources")
        }
        look(provider)
    }

    func sourceWillGo(_ provider: String, _ source: String) {
        happened("source goes", "\(provider) \(source)")
        accounts[provider]?.publish(source, nil, at: event)
        look(provider)
    }

    func wallClockStepped(by duration: Duration) {
        happened("wall clock", "\(duration)")
        for provider in plan.providers { look(provider.name) }
    }

    func willRotate(_ provider: String, _ credential: Credential, _ visit: Visit) {
        happened("rotated", "\(provider)/\(credential.accountID)")
        accounts[provider]?.rotate(credential)
        if let last = visit.attempts.indices.last { visit.attempts[last].secret = credential["key"] }
    }

    private func describe(_ credential: Credential) -> String {
        let marks = [
            credential.isDisabled ? "disabled" : "", credential.expiresAt == nil ? "" : "expires",
            SimulatedProvider.lacks(credential) == nil ? "" : "incomplete",
        ]
        return ([credential.accountID, credential["key"]?.reveal() ?? ""] + marks.filter { !$0.isEmpty })
            .joined(separator: ":")
    }
}
