import PolluxCore

struct ReloadCommand: AdminCommand {
    let name = "reload"
    let summary = "Let the running gateway read its settings again."
    let help = """
        Usage: pollux reload [--dry-run] [--json]

        Says what is added, changed and removed. Providers that changed are tried; when no account of one answers any
        more and one did before, the old settings come back, and the exit code is 1. What is wrong with the settings is
        told by its line, and nothing changes then.
        """
    let ownOptions = [CommandOption("dry-run", help: "Only say what would change.")]
    let storeUse = AdminSession.StoreUse.never

    func run(_ session: AdminSession, _ invocation: Invocation) async throws(GatewayError) -> Int32 {
        let outcome = try await session.ask(
            AdminAsk(.post, "reload", body: ["dry_run": .bool(invocation.has("dry-run"))]))
        if invocation.wantsJSON {
            invocation.show(outcome)
        } else {
            for line in Self.lines(outcome, invocation) { invocation.console.out(line) }
        }
        return outcome.text("result") == "rolled_back" ? 1 : 0
    }

    static func lines(_ outcome: JSON, _ invocation: Invocation) -> [String] {
        let plan = outcome["plan"] ?? .null
        var lines: [String] = []
        let (isPlan, isTaken) = (outcome.text("result") == "planned", outcome.text("result") != "rolled_back")
        for part in ["providers", "sources", "keys", "models"] {
            for change in ["added", "changed", "removed"] {
                let names = (plan[part]?[change]?.array ?? []).compactMap(\.string).map(\.printable)
                if !names.isEmpty { lines.append("\(part) \(change): \(names.joined(separator: ", "))") }
            }
        }
        let sections = (plan["sections"]?.array ?? []).compactMap(\.string)
        if !sections.isEmpty { lines.append("other parts changed: \(sections.joined(separator: ", "))") }
        if lines.isEmpty { lines.append("nothing differs from the settings in force") }
        for warning in plan["warnings"]?.array ?? [] { lines.append("warning: \((warning.string ?? "").printable)") }
        lines += (outcome["probes"]?.array ?? []).map { probe(($0), invocation) }
        let end = isPlan ? "not in force: this was a dry run" : isTaken ? "in force" : "taken back"
        let reason = outcome["reason"]?.string.map { ": \($0.printable)" } ?? ""
        return lines + [invocation.painted(end, isPlan ? .muted : isTaken ? .good : .bad) + reason]
    }

    private static func probe(_ probe: JSON, _ invocation: Invocation) -> String {
        let isGood = probe["ok"]?.bool == true
        let failed = (probe["steps"]?.array ?? []).first { $0["ok"]?.bool == false }
        let problem = failed.map { ": \($0.text("name")): \($0.text("problem"))" } ?? ""
        let word = invocation.painted(isGood ? "ok  " : "FAIL", isGood ? .good : .bad)
        return "\(word) \("\(probe.text("provider"))/\(probe.text("account"))\(problem)".printable)"
    }
}
